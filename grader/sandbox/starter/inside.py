"""The last step before the student's code: unpack the workspace, set limits, become the recorder's runner."""

from __future__ import annotations

import fcntl
import marshal
import os
import resource

TYPE_CHECKING = False  # importing typing would take longer than all the rest
if TYPE_CHECKING:
    from typing import IO, Any, NoReturn

PIPE = 3  # the evidence pipe's number inside
OPEN_FILES = 1024
READY = b"+"
COULD_NOT_START = 125
_HIGH = 200
_CHUNK = 1 << 20


def enter(parcel: int) -> None:
    """Reads the plan and the files from the descriptor `parcel`, becomes the program, and never returns.

    The plan is marshalled: parent and child are the same interpreter, and json would double the start-up time. What
    goes wrong is told on the plan's `ready` descriptor, since nothing here is the student's fault.
    """
    plan = prepare(parcel)
    os.execve(plan["argv"][0], plan["argv"], plan["env"])


def prepare(parcel: int) -> dict[str, Any]:
    """The plan, carried out as far as the program itself; ends the process where that cannot be done.

    Open are the standard descriptors, PIPE, and one that an exec closes.
    """
    ready = 2
    try:
        with os.fdopen(parcel, "rb") as stream:
            plan: dict[str, Any] = marshal.load(stream)
            ready = fcntl.fcntl(plan["ready"], fcntl.F_DUPFD_CLOEXEC, _HIGH)
            if plan["group"] >= 0:
                os.write(plan["group"], b"0")  # joins the run's control group
            _unpack(plan, stream)
        _limit(plan["limits"])
        _descriptors(plan["pipe"], ready)
        os.write(ready, READY)
        return plan
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        fail(ready, error)


def fail(ready: int, error: BaseException) -> NoReturn:
    """Ends the process, with what went wrong told on the descriptor `ready`."""
    try:
        os.write(ready, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(COULD_NOT_START)


def most_files() -> int:
    """The number that no descriptor of this process reaches."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def _unpack(plan: dict[str, Any], stream: IO[bytes]) -> None:
    os.umask(0o022)
    for folder in plan["folders"]:
        os.makedirs(folder, exist_ok=True)
    for link, target in plan["links"]:
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(target, link)
    for path, size in plan["files"]:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as target_stream:
            while size:
                block = stream.read(min(size, _CHUNK))
                if not block:
                    raise EOFError(path)
                target_stream.write(block)
                size -= len(block)
    os.chdir(plan["cwd"])


def _limit(limits: dict[str, int]) -> None:
    _cap(resource.RLIMIT_CORE, 0)
    _cap(resource.RLIMIT_NOFILE, OPEN_FILES)
    _cap(resource.RLIMIT_MSGQUEUE, 0)
    _cap(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _cap(resource.RLIMIT_NPROC, limits["processes"])
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:
            stream.write("1000")  # where the machine itself runs out of memory, this goes first
    except OSError:  # Landlock closes /proc; the parent watches the memory in any case
        return


def _cap(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    if hard == resource.RLIM_INFINITY or value < hard:
        resource.setrlimit(which, (value, value))


def _descriptors(pipe: int, ready: int) -> None:
    """Leaves 0, 1, 2, the evidence pipe and, until the program starts, `ready`."""
    os.dup2(pipe, PIPE)
    os.closerange(PIPE + 1, ready)
    os.closerange(ready + 1, most_files())
