"""The run itself: evidence out, replies in, and the parent's verdict on how it ended."""

from __future__ import annotations

import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import IsolationError
from grader.sandbox.child import Child
from grader.sandbox.launch import started
from grader.sandbox.starter.inside import READY
from grader.sandbox.values import Isolation, Level, Outcome, Program, Reply, Status
from grader.sandbox.watch import Strike, Watch
from grader.sandbox.workspace import submission_files
from grader.sandbox.zygote import Zygote, ZygoteError

if TYPE_CHECKING:
    from grader.assignment import Assignment, Dataset, Limits
    from grader.submission import Submission

RECORDER = Path(__file__).resolve().parents[1] / "recorder"
CHUNK_BYTES = 1 << 20
TAIL_BYTES = 1 << 16
LOOK_S = 1.0  # a process that the kernel cannot kill sends no signal of its end
MAX_UNREAD_REPLIES = 16 << 20  # bytes


def run(
    submission: Submission,
    assignment: Assignment,
    dataset: Dataset,
    config: Mapping[str, Any],
    isolation: Isolation,
    on_chunk: Callable[[bytes], Reply],
    limits: Limits,
    cancelled: threading.Event | None = None,
    *,
    preload: bool = True,
    zygote: Zygote | None = None,
) -> Outcome:
    """Runs the recorder on a submission in the sandbox and returns how that ended.

    `on_chunk` is called in this thread with each piece of evidence (at most 1 MiB) as it arrives, and its reply is
    carried out. The recorder's configuration is `config` with `entry`, `entry_kind` and `workspace`. `preload` allows
    a faster allocator where the machine has it. With a `zygote` the run is a fork of it, where that makes no
    difference to the program and full isolation is asked for. When this returns or raises, no process of the run is
    alive.

    Raises SubmissionRejected for files that cannot be staged and IsolationError where the sandbox does not start.
    """
    program = recorder_program(submission, assignment, dataset, config, preload=preload)
    outcome = None
    if zygote is not None and isolation.level == "full":
        outcome = _forked(zygote, program, limits, on_chunk, cancelled)
    if outcome is None:
        outcome = execute(program, isolation.level, limits, on_chunk, cancelled)
    return replace(outcome, probes={probe.name: probe.holds for probe in isolation.probes})


def _forked(
    zygote: Zygote,
    program: Program,
    limits: Limits,
    on_chunk: Callable[[bytes], Reply],
    cancelled: threading.Event | None,
) -> Outcome | None:
    """A run that is a fork of `zygote`; None, and nothing has run, where it cannot be one."""
    try:
        return execute(program, "full", limits, on_chunk, cancelled, zygote) if zygote.fits(program) else None
    except ZygoteError:
        zygote.close()
        return None


def recorder_program(
    submission: Submission,
    assignment: Assignment,
    dataset: Dataset,
    config: Mapping[str, Any],
    *,
    recorder: Path = RECORDER,
    preload: bool = True,
) -> Program:
    """The program that records `submission`: the runner of the package in the folder `recorder`."""
    _compile(recorder)
    return Program(
        arguments=("-P", "-m", "recorder.runner"),
        recorder=recorder,
        files=submission_files(submission, assignment),
        data=dataset.directory.absolute(),
        config={**config, "entry": submission.entry, "entry_kind": submission.entry_kind},
        hidden=(assignment.directory,),
        preload=preload,
    )


def execute(
    program: Program,
    level: Level,
    limits: Limits,
    on_chunk: Callable[[bytes], Reply],
    cancelled: threading.Event | None = None,
    zygote: Zygote | None = None,
) -> Outcome:
    """Runs any program in the sandbox; as `run` otherwise."""
    begun = time.monotonic()
    with started(program, level, limits, zygote) as child:
        watch = Watch(child, limits, begun, cancelled)
        reader = _Reader(child, watch, limits, on_chunk)
        watch.start()
        try:
            reader.read_to_end()
            watch.sample()
            ended = child.reap()
            watch.settle()
            reader.read_rest()
        finally:
            child.end()
            watch.finish()
        wall_s = time.monotonic() - begun
    tail = reader.tail.decode(errors="replace")
    if watch.strike is None and not reader.stopped and not reader.ready.startswith(READY):
        raise IsolationError(f"the sandbox did not start the program: {reader.ready.decode(errors='replace')} {tail}")
    status, message, limit, code = _verdict(watch.strike, reader.stopped, ended.exit_code)
    cpu_s = max(watch.cpu_s, ended.cpu_s)
    return Outcome(status, message, limit, code, wall_s, cpu_s, watch.peak_bytes, level, tail)


@lru_cache(maxsize=4)
def _compile(package: Path) -> None:
    """Leaves the package's bytecode beside it, where that may be written: inside, each run would have to remake it."""
    import compileall

    compileall.compile_dir(package, quiet=2)


def _verdict(strike: Strike | None, stopped: bool, code: int) -> tuple[Status, str, str | None, int | None]:
    if strike is not None:
        return strike.status, strike.message, strike.limit, None
    if stopped:
        return "stopped", "The run was complete.", None, None
    if code == 0:
        return "finished", "The program ended.", None, code
    if code > 128 and code - 128 in {int(number) for number in signal.Signals}:
        return "crashed", f"The program was killed by {signal.Signals(code - 128).name}.", None, code
    return "crashed", f"The program ended with exit code {code}.", None, code


class _Reader:
    """Moves bytes between the run and its reader, and never waits for the run alone."""

    def __init__(self, child: Child, watch: Watch, limits: Limits, on_chunk: Callable[[bytes], Reply]) -> None:
        self._child = child
        self._pipes = child.pipes
        self._watch = watch
        self._allowed = limits.evidence_bytes
        self._most_tail = min(limits.output_bytes, TAIL_BYTES)
        self._on_chunk = on_chunk
        self._unsent = bytearray()
        self._selector = selectors.DefaultSelector()
        self.ready = b""
        self.tail = b""
        self.stopped = False

    def read_to_end(self) -> None:
        """Reads and answers until the run has ended, or should."""
        with self._selector as selector:
            for handle in (self._pipes.evidence, self._pipes.output, self._pipes.ready, self._child.exited):
                selector.register(handle, selectors.EVENT_READ)
            while not self._over():
                for key, _ in selector.select(LOOK_S):
                    if key.fd == self._child.exited:
                        return
                    self._serve(key.fd)

    def read_rest(self) -> None:
        """Reads what a run that is dead has left in the pipes."""
        for handle in (self._pipes.ready, self._pipes.output, self._pipes.evidence):
            while not self._over() or handle != self._pipes.evidence:
                if not self._take(handle):
                    break

    def _over(self) -> bool:
        return self.stopped or self._watch.strike is not None

    def _serve(self, handle: int) -> None:
        if handle == self._pipes.replies:
            self._send()
        elif self._take(handle) is False:
            self._selector.unregister(handle)

    def _take(self, handle: int) -> bool | None:
        """Reads once and passes it on; False where the pipe has ended, None where it is empty."""
        try:
            block = os.read(handle, CHUNK_BYTES)
        except BlockingIOError:
            return None
        if not block:
            return False
        if handle == self._pipes.evidence:
            self._evidence(block)
        elif handle == self._pipes.output:
            self.tail = (self.tail + block)[-self._most_tail :]
        else:
            self.ready = (self.ready + block)[:TAIL_BYTES]
        return True

    def _evidence(self, block: bytes) -> None:
        within, self._allowed = block[: self._allowed], self._allowed - len(block)
        reply = self._on_chunk(within) if within else Reply()
        if reply.stop:
            self.stopped = True
        elif self._allowed < 0:
            self._watch.hit(Strike("crashed", "evidence", "The run was ended when it sent more evidence than allowed."))
        elif reply.send and self._selector.get_map() is not None:
            self._unsent += reply.send
            self._send()

    def _send(self) -> None:
        try:
            sent = os.write(self._pipes.replies, self._unsent)
        except BlockingIOError:
            sent = 0
        except BrokenPipeError:  # it no longer listens, which is its own affair
            sent = len(self._unsent)
        del self._unsent[:sent]
        if len(self._unsent) > MAX_UNREAD_REPLIES:
            self._watch.hit(Strike("crashed", "replies", "The run was ended because it did not read its replies."))
        waiting = self._pipes.replies in self._selector.get_map()
        if self._unsent and not waiting:
            self._selector.register(self._pipes.replies, selectors.EVENT_WRITE)
        elif waiting and not self._unsent:
            self._selector.unregister(self._pipes.replies)
