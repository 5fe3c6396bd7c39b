"""A process that has imported what every student's program starts with, and forks into sandboxes: the parent's side."""

from __future__ import annotations

import contextlib
import fcntl
import marshal
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from grader.sandbox import command
from grader.sandbox.starter.namespaces import FLAGS, REQUIRED
from grader.sandbox.starter.zygote import BOOT, MESSAGE_BYTES, READY
from grader.sandbox.values import Program
from grader.sandbox.workspace import environment

PRELOAD = "recorder.preload"
FINDER = f"{command.starter_folder()}/modules.py"
START_S = 120.0  # a busy machine imports slowly
NS_GET_USERNS = 0xB701  # linux/nsfs.h
KINDS = tuple(kind for kind in FLAGS if kind != "owner")  # as /proc names them


class ZygoteError(Exception):
    """The zygote cannot be used; the program has to be started by itself."""


class Zygote:
    """A running zygote. `fork` may be called from any thread; it ends with `close`, or with the thread that made it."""

    def __init__(self, recorder: str) -> None:
        """Starts importing the package in the folder `recorder`, without waiting for it."""
        self.recorder = recorder
        self._environment = environment(command.LAYOUT, Program(()))
        self._lock = threading.Lock()
        self._modules: frozenset[str] | None = None
        self._closed = False
        requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests = requests
        plan = {
            "finder": compile(Path(FINDER).read_bytes(), f"{command.STARTER}/starter/modules.py", "exec"),
            "modules": [PRELOAD],
            "places": {
                "starter": (command.starter_folder(), f"{command.STARTER}/starter"),
                "recorder": (recorder, f"{command.LAYOUT.packages}/recorder"),
            },
            "requests": theirs.fileno(),
            "parent": os.getpid(),
        }
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", BOOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(marshal.dumps(plan))

    @property
    def pid(self) -> int:
        """The process id on the host; what it has forked is below it."""
        return self._process.pid

    def fits(self, program: Program) -> bool:
        """Whether a fork would be to `program` what an interpreter of its own is: the same environment, the same
        recorder, and no file of its own that stands for a module which is imported already. Waits for the zygote.
        """
        if self._closed:
            return False
        same = self._environment == environment(command.LAYOUT, program) and (
            program.recorder is None or str(program.recorder) == self.recorder
        )
        return same and self._loaded().isdisjoint(_importable(program.files))

    def fork(self, init: int, sent: Sequence[int], uid: int, seccomp: bytes) -> None:
        """Has a fork enter the sandbox whose first process is `init` and start there with the descriptors `sent`.

        Raises ZygoteError.
        """
        self._loaded()
        with _namespaces(init) as namespaces:
            request = {
                "namespaces": {kind: len(sent) + index for index, kind in enumerate(namespaces)},
                "uid": uid,
                "seccomp": seccomp,
            }
            message = marshal.dumps(request)
            if len(message) > MESSAGE_BYTES:
                raise ZygoteError("the request is too long")
            try:
                with self._lock:
                    socket.send_fds(self._requests, [message], [*sent, *namespaces.values()])
            except OSError as error:
                raise ZygoteError(f"the zygote does not listen ({error})") from error

    def close(self) -> None:
        """Ends it, not the programs that it has forked; it fits nothing afterwards."""
        self._closed = True
        self._requests.close()
        self._process.kill()
        self._process.wait()

    def _loaded(self) -> frozenset[str]:
        """The top-level modules that it has imported, once it has; raises ZygoteError where it does not get there."""
        with self._lock:
            if self._modules is None:
                self._modules = self._greeting()
            return self._modules

    def _greeting(self) -> frozenset[str]:
        ready = select.select([self._requests], [], [], START_S)[0]
        said = self._requests.recv(MESSAGE_BYTES) if ready else b""
        if not said.startswith(READY):
            raise ZygoteError("the zygote did not start")
        return frozenset(said[len(READY) :].decode().split())


@contextmanager
def _namespaces(init: int) -> Iterator[Mapping[str, int]]:
    """Descriptors of the namespaces of the process `init` that are not this process's own, and of the namespace of
    users that owns them; raises ZygoteError where one that a sandbox must have is missing."""
    handles: dict[str, int] = {}
    try:
        for kind in KINDS:
            path = f"/proc/{init}/ns/{kind}"
            if os.path.exists(path) and os.readlink(path) != os.readlink(f"/proc/self/ns/{kind}"):
                handles[kind] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if missing := REQUIRED - handles.keys():
            raise ZygoteError(f"the sandbox has no {', '.join(sorted(missing))} namespace of its own")
        owner = fcntl.ioctl(handles["mnt"], NS_GET_USERNS)
        if os.path.sameopenfile(owner, handles["user"]):
            os.close(owner)
        else:
            handles["owner"] = owner
        yield handles
    except OSError as error:
        raise ZygoteError(f"the sandbox's namespaces cannot be entered ({error})") from error
    finally:
        for handle in handles.values():
            os.close(handle)


def _importable(files: Mapping[str, bytes]) -> frozenset[str]:
    """The top-level modules that these files may stand for: `a.py`, `a.so`, `a/b.py` are `a`."""
    return frozenset(part.partition(".")[0] for name in files for part in PurePosixPath(name).parts[:1])
