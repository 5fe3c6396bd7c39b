"""The descriptors of one run: the parent's ends of its pipes, and what only the child is to keep."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

PIPE_BYTES = 1 << 20
START_S = 30.0


@dataclass(frozen=True)
class Pipes:
    """The parent's ends: what it reads (`evidence`, `output`, `ready`) and where it writes (`replies`).

    `control` is the parent's way to the process that it starts: bubblewrap's information, or the supervisor's orders.
    None of them blocks.
    """

    evidence: int
    output: int
    ready: int
    replies: int
    control: int

    def close(self) -> None:
        """Closes all of them."""
        for handle in (self.evidence, self.output, self.ready, self.replies, self.control):
            os.close(handle)


def read_until(handle: int, complete: Callable[[bytes], bool]) -> bytes:
    """What a started process says first, up to where it is `complete`.

    Raises TimeoutError where that takes longer than START_S, and EOFError where the pipe ends before.
    """
    text, deadline = b"", time.monotonic() + START_S
    while not complete(text):
        if not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError(f"within {START_S:g} s")
        block = os.read(handle, 4096)
        if not block:
            raise EOFError
        text += block
    return text


class Ends:
    """Makes the pipes and starts the process with the child's ends and nothing else."""

    def __init__(self, *, orders: bool) -> None:
        """`orders`: whether the parent writes to the control pipe, else it reads from it."""
        self._inherited: list[int] = []
        evidence, self.evidence = self.to_parent()
        output, self.output = self.to_parent()
        ready, self.ready = self.to_parent()
        self.commands, replies = self.from_parent()
        with contextlib.suppress(OSError):  # a wider pipe is only faster
            fcntl.fcntl(evidence, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        if orders:
            self.control, control = self.from_parent()
        else:
            control, self.control = self.to_parent()
        self.pipes = Pipes(evidence, output, ready, replies, control)

    def to_parent(self) -> tuple[int, int]:
        """A pipe that the parent reads: (the parent's end, the child's)."""
        readable, writable = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(readable, False)
        return readable, self.inherit(writable)

    def from_parent(self) -> tuple[int, int]:
        """A pipe that the parent writes: (the child's end, the parent's)."""
        readable, writable = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(writable, False)
        return self.inherit(readable), writable

    def inherit(self, handle: int) -> int:
        """Lets the child have `handle`, by the same number; the parent's copy is closed after the start."""
        self._inherited.append(handle)
        return handle

    def popen(
        self, arguments: list[str], standard: tuple[int, int] | None = None, without: Collection[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Starts `arguments` with an empty environment in a session of its own, out of reach of a terminal's Ctrl-C.

        It gets all that it may have but `without`; `standard` are its input and output, where those are others.
        """
        stdin, stdout = standard or (self.commands, self.output)
        gone = {self.commands, self.output, stdin, stdout, *without}
        return subprocess.Popen(
            arguments,
            stdin=stdin,
            stdout=stdout,
            stderr=self.output,
            env={},
            cwd="/",
            pass_fds=[handle for handle in self._inherited if handle not in gone],
            start_new_session=True,
        )

    def release(self) -> None:
        """Closes the parent's copies of the child's ends, so that their end is seen when the child closes them."""
        for handle in self._inherited:
            os.close(handle)
        self._inherited.clear()
