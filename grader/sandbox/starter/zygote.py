"""The zygote: a process outside every sandbox that has imported what programs start with, and forks one for each run.

Importing torch and a Jupyter kernel takes longer than all the rest of a start, and is the same each time. The zygote
knows of no submission and runs nothing of any: each request names a sandbox that bubblewrap has made, and a fork enters
that sandbox's namespaces, gives up what bubblewrap gives up, and only then reads the parcel that the request brings.
So a run starts in the same state as one that bubblewrap started, with the modules in place.
"""

from __future__ import annotations

import gc
import importlib
import marshal
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from . import inside, namespaces, program, system

# The command line is readable inside, and no path of the host's is in it. `finder` is the text of modules.py.
BOOT = """\
import marshal, sys
plan = marshal.load(sys.stdin.buffer)
space = {"__name__": "modules"}
exec(plan["finder"], space)
sys.meta_path.insert(0, space["Finder"](plan["places"]))
from starter import zygote
zygote.serve(plan)
"""
READY = b"+"
# A request's descriptors, in the order in which they are sent, and the number that the first one gets in the fork.
DESCRIPTORS = ("parcel", "commands", "output", "evidence", "ready", "status", "told")
FIRST = 64
MESSAGE_BYTES = 1 << 17


def number(name: str) -> int:
    """The number that a request's descriptor has in the fork."""
    return FIRST + DESCRIPTORS.index(name)


def serve(plan: dict[str, Any]) -> None:
    """Imports, says so on the socket `plan["requests"]`, and forks for each request until the socket is closed, or the
    process `plan["parent"]` has ended.

    A request is a marshalled dictionary: `namespaces` (what `namespaces.enter` takes, with the indices of descriptors),
    `uid` and `seccomp`. Its descriptors are those of DESCRIPTORS, then that of a control group where there is one, then
    the namespaces'.
    """
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)  # while it imports it would not see the socket's end
    if os.getppid() != plan["parent"]:
        return
    gc.disable()
    for name in plan["modules"]:
        importlib.import_module(name)
    _forget_itself()
    gc.collect()
    gc.freeze()  # no fork's collector walks over what all share, and so copies it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the helpers
    with socket.socket(fileno=plan["requests"]) as requests:
        requests.send(READY + " ".join(sorted({name.partition(".")[0] for name in sys.modules})).encode())
        while True:
            message, handles, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, 32)
            if not message:
                return
            if os.fork() == 0:
                requests.detach()
                _help(marshal.loads(message), handles)
            for handle in handles:
                os.close(handle)


def _forget_itself() -> None:
    """Leaves a program with the modules that it would have had, and with the ways to find more."""
    del sys.meta_path[0]
    importlib.invalidate_caches()
    package = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def _help(request: dict[str, Any], handles: list[int]) -> NoReturn:
    """Enters the sandbox, has the program run there, and tells how it ended: to the sandbox's own first program, which
    ends in the same way. Stays outside the sandbox's process namespace, where nothing inside can see it."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        handles = _placed(handles)
        namespaces.enter({kind: handles[index] for kind, index in request["namespaces"].items()})
        namespaces.give_up(request["uid"])
        pid = os.fork()
        if pid == 0:
            _become(request["seccomp"])
        os.closerange(0, number("status"))
        os.write(number("told"), b"%d %d\n" % (pid, os.getpid()))
        os.closerange(number("told"), FIRST + len(handles))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(number("status"), b"%d\n" % (code if code >= 0 else 128 - code))
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        inside.fail(number("ready"), error)


def _placed(handles: list[int]) -> list[int]:
    """The descriptors at their numbers, everything but these and the standard ones closed."""
    if any(handle >= FIRST for handle in handles):
        raise OSError("too many files are open")
    placed = [os.dup2(handle, FIRST + index, inheritable=False) for index, handle in enumerate(handles)]
    os.closerange(3, FIRST)
    os.closerange(FIRST + len(handles), inside.most_files())
    return placed


def _become(filter_program: bytes) -> NoReturn:
    """Goes on in the sandbox, where the helper has no rights any more, as bubblewrap's own program would."""
    try:
        os.setsid()
        for standard, name in enumerate(("commands", "output", "output")):
            os.dup2(number(name), standard)
        system.load_seccomp(filter_program)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        inside.fail(number("ready"), error)
    plan = inside.prepare(number("parcel"))
    os.closerange(inside.PIPE + 1, inside.most_files())
    os.environ.clear()
    os.environ.update(plan["env"])
    program.run(plan["argv"])
