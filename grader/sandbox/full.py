"""Full isolation: bubblewrap makes a sandbox, and starts the program in it."""

from __future__ import annotations

import json
import marshal
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from grader.errors import IsolationError
from grader.sandbox import command, seccomp
from grader.sandbox.child import FullChild
from grader.sandbox.ends import Ends, read_until
from grader.sandbox.group import Group
from grader.sandbox.starter.entry import BOOT
from grader.sandbox.values import Program
from grader.sandbox.workspace import make_parcel, memory_file

if TYPE_CHECKING:
    from grader.assignment import Limits

STARTER_PARENT = os.path.dirname(command.starter_folder())


def bubblewrap() -> str | None:
    """The path of bubblewrap, where it is installed."""
    return shutil.which("bwrap", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")


def start_full(
    program: Program, limits: Limits, user: int | None, own: dict[str, int], group: Group | None
) -> FullChild:
    """Starts `program` as `user`, with the limits `own` on itself; raises IsolationError."""
    ends = Ends(orders=False)
    try:
        entrance = -1 if group is None else ends.inherit(group.entrance())
        descriptors = {"pipe": ends.evidence, "ready": ends.ready, "group": entrance}
        parcel = ends.inherit(make_parcel(program, command.LAYOUT, own, descriptors, links=[]))
        inner = starter_command(command.STARTER, "inside", parcel)
        process = ends.popen(wrapped(ends, program, limits, user, inner))
        ends.release()
        init = first_process(process, ends)
    except BaseException:
        ends.pipes.close()
        raise
    finally:
        ends.release()
    return FullChild(process, ends.pipes, group, init, command.VOLUMES)


def starter_command(folder: str, way: str, descriptor: int) -> list[str]:
    """The command that runs the starter, which lies in `folder`, on the plan that `descriptor` has."""
    return [sys.executable, "-I", "-S", "-c", BOOT, folder, way, str(descriptor)]


def wrapped(ends: Ends, program: Program, limits: Limits, user: int | None, inner: list[str]) -> list[str]:
    """The command that runs `inner` in a sandbox for `program`."""
    path = bubblewrap()
    if path is None:
        raise IsolationError("bubblewrap is not installed", remedy="Install it: apt-get install bubblewrap")
    etc = {name: ends.inherit(memory_file(content.encode())) for name, content in command.ETC.items()}
    filter_file = ends.inherit(memory_file(seccomp.program(network_namespace=True)))
    options = command.bubblewrap_options(program, limits, command.Descriptors(ends.control, filter_file, etc))
    # The options go through a file: a command line is readable inside, and paths tell things.
    options_file = ends.inherit(memory_file(b"".join(os.fsencode(option) + b"\0" for option in options)))
    whole = [path, "--args", str(options_file), "--", *inner]
    if user is None:
        return whole
    drop = {"uid": user, "expose": command.source_paths(program), "argv": whole}
    return starter_command(STARTER_PARENT, "drop", ends.inherit(memory_file(marshal.dumps(drop))))


def first_process(process: subprocess.Popen[bytes], ends: Ends) -> int:
    """The host's id of the sandbox's first process, as bubblewrap tells it, which it does once the sandbox exists."""
    try:
        told = read_until(ends.pipes.control, lambda text: text.rstrip().endswith(b"}"))
        return int(json.loads(told)["child-pid"])
    except TimeoutError as error:
        process.kill()
        process.wait()
        raise IsolationError(f"bubblewrap did not start {error}") from None
    except EOFError:
        raise IsolationError(f"bubblewrap did not start: {_complaint(process, ends)}") from None
    except BaseException:
        process.kill()
        process.wait()
        raise


def _complaint(process: subprocess.Popen[bytes], ends: Ends) -> str:
    process.kill()
    process.wait()
    try:
        return " ".join(os.read(ends.pipes.output, 4096).decode(errors="replace").split()) or "it said nothing"
    except BlockingIOError:
        return "it said nothing"
