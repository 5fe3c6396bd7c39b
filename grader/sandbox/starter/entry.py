"""The three ways in, named on the command line: `python -I -S -c BOOT FOLDER WAY DESCRIPTOR`."""

from __future__ import annotations

import marshal
import os

# Appended, not put first: nothing in the folder may take the place of a module of the standard library.
BOOT = "import sys; sys.path.append(sys.argv[1]); from starter.entry import main; main(sys.argv[2], int(sys.argv[3]))"


def main(way: str, descriptor: int) -> None:
    """`inside` unpacks and starts, `supervise` isolates partially, `drop` turns root into a user for bubblewrap."""
    if way == "inside":
        from . import inside

        inside.enter(descriptor)
    elif way == "supervise":
        from . import supervise

        supervise.supervise(descriptor)
    else:
        _drop(descriptor)


def _drop(descriptor: int) -> None:
    from . import identity

    with os.fdopen(descriptor, "rb") as stream:
        plan = marshal.load(stream)
    try:
        identity.expose(plan["expose"])
        identity.become(plan["uid"], plan["uid"])
        os.execve(plan["argv"][0], plan["argv"], {})
    except OSError as error:
        os.write(2, f"root's rights cannot be exchanged for a user's: {error}".encode())
        os._exit(1)
