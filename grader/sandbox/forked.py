"""Full isolation for a fork of the zygote: bubblewrap makes a sandbox around a placeholder, and the fork enters it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from grader.sandbox import command, seccomp
from grader.sandbox.child import Fork, FullChild
from grader.sandbox.ends import Ends, read_until
from grader.sandbox.full import first_process, wrapped
from grader.sandbox.group import Group
from grader.sandbox.starter import zygote as protocol
from grader.sandbox.values import Program
from grader.sandbox.workspace import make_parcel
from grader.sandbox.zygote import Zygote, ZygoteError

if TYPE_CHECKING:
    from grader.assignment import Limits

# Says that the sandbox is complete, then ends as the program has: with the number that it is told, or as if killed.
# Without the variables that bubblewrap sets, which are to be read in /proc.
PLACEHOLDER = ["/usr/bin/env", "-i", "/bin/sh", "-c", 'echo; read code; exit "${code:-137}"']


def start_forked(
    zygote: Zygote, program: Program, limits: Limits, user: int | None, own: dict[str, int], group: Group | None
) -> FullChild:
    """Starts `program` as a fork of `zygote`; the parameters are those of `start_full`.

    Raises ZygoteError where the fork does not get into the sandbox, and IsolationError where there is none.
    """
    ends = Ends(orders=False)
    made, said_made = ends.to_parent()
    entered, said_entered = ends.to_parent()
    status_inside, status = os.pipe2(os.O_CLOEXEC)
    for handle in (status_inside, status):
        ends.inherit(handle)
    process = None
    try:
        entrance = [] if group is None else [ends.inherit(group.entrance())]
        parcel = ends.inherit(make_parcel(program, command.LAYOUT, own, _numbers(bool(entrance)), links=[]))
        sent = [parcel, ends.commands, ends.output, ends.evidence, ends.ready, status, said_entered, *entrance]
        whole = wrapped(ends, program, limits, user, PLACEHOLDER)
        process = ends.popen(whole, standard=(status_inside, said_made), without=sent)
        init = first_process(process, ends)
        _line(made, "the sandbox is not complete")
        zygote.fork(init, sent, command.USER, seccomp.program(network_namespace=True))
        ends.release()
        pid, helper = map(int, _line(entered, "the zygote did not enter the sandbox").split())
    except BaseException:
        if process is not None:
            process.kill()
            process.wait()
        ends.pipes.close()
        raise
    finally:
        ends.release()
        os.close(made)
        os.close(entered)
    return FullChild(process, ends.pipes, group, init, command.VOLUMES, fork=Fork(pid, helper))


def _numbers(grouped: bool) -> dict[str, int]:
    """What the last step before the program needs open, by its numbers in the fork."""
    group = protocol.FIRST + len(protocol.DESCRIPTORS) if grouped else -1
    return {"pipe": protocol.number("evidence"), "ready": protocol.number("ready"), "group": group}


def _line(handle: int, otherwise: str) -> bytes:
    """A line from a pipe; raises ZygoteError where none comes."""
    try:
        return read_until(handle, lambda text: text.endswith(b"\n"))
    except (TimeoutError, EOFError) as error:
        raise ZygoteError(f"{otherwise} {error}".rstrip()) from None
