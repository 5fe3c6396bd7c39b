"""A started sandbox, seen from outside: its processes, its volumes, its pipes, and its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass

from grader.errors import IsolationError
from grader.sandbox import tree
from grader.sandbox.ends import Pipes
from grader.sandbox.files import FileCount
from grader.sandbox.group import Group

KILL_S = 20.0  # after this long a killed process is the machine's problem


@dataclass(frozen=True)
class Ended:
    """How the started process ended: its exit code (128 + N after signal N) and the whole tree's processor time."""

    exit_code: int
    cpu_s: float


class Child(ABC):
    """One run's processes. `end` may be called from any thread; `reap` by the one that started it."""

    files_are_memory: bool  # whether what `volumes` counts lies in memory

    def __init__(self, process: subprocess.Popen[bytes], pipes: Pipes, group: Group | None) -> None:
        self.process = process
        self.pipes = pipes
        self._group = group
        self.exited = os.pidfd_open(process.pid)
        self._ending = threading.Lock()
        self._killed = False
        self._end: Ended | None = None

    @abstractmethod
    def members(self) -> list[int]:
        """The process ids of the run, on the host."""

    @abstractmethod
    def volumes(self) -> tuple[int, int]:
        """Bytes and entries of all files that the run has written."""

    @abstractmethod
    def _kill(self) -> None:
        """Kills every process of the run, without waiting."""

    @abstractmethod
    def _await_death(self) -> None:
        """Waits for what may outlive the started process; raises IsolationError where it does not end."""

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has killed it for that, where the run has a control group."""
        return self._group is not None and self._group.ran_out_of_memory()

    def end(self) -> None:
        """Kills the run; further calls do nothing."""
        with self._ending:
            if not self._killed:
                self._killed = True
                self._kill()

    def reap(self) -> Ended:
        """Ends the run where it still goes on, waits until nothing of it is left, and tells how it ended.

        Raises IsolationError where the kernel does not let it die.
        """
        if self._end is not None:
            return self._end
        self.end()
        if not _readable(self.exited, KILL_S):
            self._kill_started()
            if not _readable(self.exited, KILL_S):
                raise IsolationError(f"process {self.process.pid} of a student's run cannot be killed")
        _, status, usage = os.wait4(self.process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self.process.returncode = code
        self._await_death()
        self._end = Ended(code if code >= 0 else 128 - code, usage.ru_utime + usage.ru_stime)
        return self._end

    def _kill_started(self) -> None:
        # Not Popen.kill: it collects a process that has ended, and `reap` would find none.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.exited, signal.SIGKILL)

    def close(self) -> None:
        """Releases the parent's descriptors; the run must have been reaped."""
        os.close(self.exited)
        self.pipes.close()


@dataclass(frozen=True)
class Fork:
    """A program that was forked into a sandbox, and the process outside that helped it in and waits for it: the host's
    ids."""

    program: int
    helper: int


class FullChild(Child):
    """A bubblewrap sandbox: `init` is the host's id of the first process in its process namespace."""

    files_are_memory = True

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        pipes: Pipes,
        group: Group | None,
        init: int,
        volumes: tuple[str, ...],
        fork: Fork | None = None,
    ) -> None:
        super().__init__(process, pipes, group)
        self._init = init
        self._fork = fork
        self._root = f"/proc/{init}/root"
        self._volumes = tuple(self._root + path for path in volumes)
        self._mounted = False
        self._handle = _handle(init)
        self._fork_handle = None if fork is None else _handle(fork.program)
        self._helper_handle = None if fork is None else _handle(fork.helper)

    def members(self) -> list[int]:
        # A fork's parent is outside: what it leaves behind becomes the first process's, and it itself is below nobody.
        below = [self._init, *tree.descendants(self._init)]
        if self._fork is None or self._fork_handle is None or _readable(self._fork_handle, 0):
            return below
        return [*below, self._fork.program, *tree.descendants(self._fork.program)]

    def volumes(self) -> tuple[int, int]:
        try:
            # Until the sandbox's own /proc is in place, its root may still be the host's.
            self._mounted = self._mounted or os.stat(f"{self._root}/proc").st_dev != os.stat("/proc").st_dev
            found = [os.statvfs(path) for path in self._volumes] if self._mounted else []
        except OSError:
            return 0, 0
        size = sum((volume.f_blocks - volume.f_bfree) * volume.f_frsize for volume in found)
        return size, sum(volume.f_files - volume.f_ffree for volume in found)

    def _kill(self) -> None:
        # The end of a process namespace's first process is the end of all in it, at one stroke.
        if self._handle is None:
            self._kill_started()
            return
        try:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _await_death(self) -> None:
        # The helper ends when it has seen the end of the fork.
        for handle in (self._handle, self._helper_handle):
            if handle is not None and not _readable(handle, KILL_S):
                raise IsolationError(f"process {self._init} of a student's run cannot be killed")

    def close(self) -> None:
        super().close()
        for handle in (self._handle, self._fork_handle, self._helper_handle):
            if handle is not None:
                os.close(handle)


class SupervisedChild(Child):
    """A sandbox without namespaces: the started process supervises, `control` tells it to end the run."""

    files_are_memory = False

    def __init__(self, process: subprocess.Popen[bytes], pipes: Pipes, group: Group | None, files: FileCount) -> None:
        super().__init__(process, pipes, group)
        self._files = files
        files.start()

    def members(self) -> list[int]:
        return tree.descendants(self.process.pid)

    def volumes(self) -> tuple[int, int]:
        return self._files.counted

    def _kill(self) -> None:
        try:
            os.write(self.pipes.control, b"x")
        except BrokenPipeError:  # the supervisor has ended, and so has all that it supervised
            return

    def _await_death(self) -> None:
        # The supervisor ends after all that it supervises.
        return

    def close(self) -> None:
        self._files.finish()
        super().close()


def _handle(pid: int) -> int | None:
    """What stays this process's, whoever has its number later; None where it has ended already."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _readable(handle: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
