"""Processes of this machine that grade: one core and one process a submission, so that none can touch another.

Each slot is a process pool of one. When its process dies, that slot's submission alone is lost, and the slot gets a
new process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from grader.pipeline.forks import end_with_parent
from grader.pipeline.grader import Grader
from grader.pipeline.work import Done, Job, perform
from grader.sandbox import keep_zygote

# What a worker takes beside the student's program: torch, here and in its zygote, the data set twice, its index.
WORKER_BYTES = 1536 << 20
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def fitting_jobs(wanted: int | None, memory_bytes: int) -> tuple[int, str | None]:
    """How many submissions to run at a time, and why that is fewer than `wanted` (None: one a core), or None.

    `memory_bytes` is what one student's program may take; all together must fit into this machine's free memory.
    """
    cores = len(_cores())
    most = max(1, _free_memory() // (memory_bytes + WORKER_BYTES))
    jobs = cores if wanted is None else wanted
    if jobs <= most:
        return jobs, None
    each = (memory_bytes + WORKER_BYTES) / 2**30
    return most, f"{most} at a time instead of {jobs}, for each may take {each:.1f} GB of memory (--memory)"


class Crew:
    """`slots` processes on this machine, started as they are needed; ended by `close`."""

    def __init__(self, grader: Grader, slots: int):
        self.slots = slots
        self._grader = grader
        self._context = multiprocessing.get_context("spawn")
        # An Event would do, if setting it did not wait for those that were killed while they waited for it.
        self._end, self._stop = self._context.Pipe(duplex=False)
        self._pools: list[ProcessPoolExecutor | None] = [None] * slots
        # A future's waiter may wake before its callback has freed the slot, so taking one can wait a moment.
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(slots):
            self._free.put(slot)

    def submit(self, job: Job) -> Future[Done]:
        """Begins a job; at most `slots` at a time. A future whose process died raises BrokenExecutor."""
        slot = self._free.get()
        future = self._pool(slot).submit(_work, job)
        future.add_done_callback(lambda done: self._freed(slot, done))
        return future

    def check(self) -> None:
        """A process that died is replaced at the next job."""

    def close(self) -> None:
        """Ends the runs under way in order, then the processes."""
        self._stop.close()
        for pool in self._pools:
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)

    def _pool(self, slot: int) -> ProcessPoolExecutor:
        pool = self._pools[slot]
        if pool is None:
            with _single_threaded():
                pool = ProcessPoolExecutor(
                    max_workers=1,
                    mp_context=self._context,
                    initializer=_begin,
                    initargs=(self._grader, _core(slot, self.slots), self._end),
                )
                pool.submit(int)  # the process starts now, while the environment is set
            self._pools[slot] = pool
        return pool

    def _freed(self, slot: int, done: Future[Done]) -> None:
        if not done.cancelled() and isinstance(done.exception(), BrokenExecutor):
            self._pools[slot] = None
        self._free.put(slot)


_grader: Grader | None = None
_stopped = threading.Event()


def _begin(grader: Grader, core: int | None, end: Connection) -> None:
    """Makes this process a worker: on its own core, deaf to the terminal's Ctrl-C, and gone when its parent is."""
    global _grader
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if core is not None:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {core})
    keep_zygote()
    _grader = grader
    end_with_parent()
    threading.Thread(target=_follow_stop, args=(end,), daemon=True).start()


def _work(job: Job) -> Done:
    assert _grader is not None
    return perform(_grader, job, lambda _: None, _stopped)


def _follow_stop(end: Connection) -> None:
    """Nothing is ever sent; the pipe ends when the crew is closed."""
    with contextlib.suppress(EOFError, OSError):
        end.recv_bytes()
    _stopped.set()


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Sets the environment in which numpy and torch take one thread; they read it when they are imported."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _core(slot: int, slots: int) -> int | None:
    """The core of a slot; None where they are not one each."""
    cores = _cores()
    return cores[slot] if slots <= len(cores) else None


def _free_memory() -> int:
    """Bytes that this machine, or the container that this is, has left."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    with contextlib.suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        free = min(free, limit - int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")))
    return free
