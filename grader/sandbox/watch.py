"""The limits that only the parent can hold: time, memory of the whole tree, disk, processes; and cancellation."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.sandbox import tree
from grader.sandbox.child import Child
from grader.sandbox.values import Status

if TYPE_CHECKING:
    from grader.assignment import Limits

INTERVAL_S = 0.05
EXACT_S = 0.25  # at most this often are shared pages told apart, where only those exceed the limit
OWN_TASKS = 4  # bubblewrap's
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Strike:
    """A limit that was reached, the status that follows, and the sentence for the report."""

    status: Status
    limit: str
    message: str


class Watch(threading.Thread):
    """Watches a run in a thread of its own, so that nothing the reader does can delay a limit.

    `strike` is the first limit that was reached, after which the run is dead or dying. `cpu_s` and `peak_bytes` are
    the most that was seen.
    """

    def __init__(self, child: Child, limits: Limits, begun: float, cancelled: threading.Event | None) -> None:
        super().__init__(name="sandbox-watch", daemon=True)
        self._child = child
        self._limits = limits
        self._begun = begun
        self._cancelled = cancelled
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._exact = (0, 0.0)  # bytes that the cheap counters gave, and when, at the last exact look
        self._error: BaseException | None = None
        self.strike: Strike | None = None
        self.cpu_s = 0.0
        self.peak_bytes = 0

    def run(self) -> None:
        """Looks every 50 ms until the run is over."""
        try:
            while not self._over.wait(self._pause()):
                strike = self._look()
                if strike is not None:
                    self.hit(strike)
                    return
        except BaseException as error:  # noqa: BLE001 - a run that nobody watches must not go on
            self._error = error
            self._child.end()

    def hit(self, strike: Strike) -> None:
        """Ends the run for `strike`; the first one counts."""
        with self._lock:
            self.strike = self.strike or strike
        self._child.end()

    def finish(self) -> None:
        """Stops watching, and returns when the thread has ended; raises what went wrong in it."""
        self._over.set()
        self.join()
        if self._error is not None:
            raise self._error

    def sample(self) -> tuple[list[int], tree.Usage]:
        """Looks at the processes once, and keeps the processor time: that of killed ones is not told afterwards."""
        pids = self._child.members()
        usage = tree.measure(pids)
        self.cpu_s = max(self.cpu_s, usage.cpu_s)
        return pids, usage

    def settle(self) -> None:
        """After the run has ended: what the kernel ended it for counts, too."""
        strike = self._kernel()
        if strike is not None:
            self.hit(strike)

    def _kernel(self) -> Strike | None:
        if not self._child.ran_out_of_memory():
            return None
        self.peak_bytes = max(self.peak_bytes, self._limits.memory_bytes)
        allowed = f"{self._limits.memory_bytes / MEBIBYTE:,.0f} MiB allowed"
        return Strike("out_of_memory", "memory", f"The run was ended when it needed more memory than the {allowed}.")

    def _pause(self) -> float:
        left = self._begun + self._limits.wall_s - time.monotonic()
        return max(0.0, min(INTERVAL_S, left))

    def _look(self) -> Strike | None:
        if self._cancelled is not None and self._cancelled.is_set():
            return Strike("crashed", "cancelled", "The run was cancelled.")
        if time.monotonic() >= self._begun + self._limits.wall_s:
            return Strike("timed_out", "wall", f"The run was ended after {self._limits.wall_s:g} s.")
        pids, usage = self.sample()
        size, entries = self._child.volumes()
        memory = self._kernel() or self._memory(pids, usage, size)
        return memory or self._files(size, entries) or self._tasks(usage.tasks)

    def _memory(self, pids: list[int], usage: tree.Usage, size: int) -> Strike | None:
        limit = self._limits.memory_bytes
        memory = self._sum(usage, size)
        if memory > limit:
            cheap, looked = self._exact
            if memory < 1.05 * cheap and time.monotonic() < looked + EXACT_S:
                return None
            self._exact = (memory, time.monotonic())
            memory = self._sum(tree.measure_exactly(pids), size)
        self.peak_bytes = max(self.peak_bytes, memory)
        if memory <= limit:
            return None
        used = f"{memory / MEBIBYTE:,.0f} MiB of memory, more than the {limit / MEBIBYTE:,.0f} MiB allowed"
        return Strike("out_of_memory", "memory", f"The run was ended when it used {used}.")

    def _sum(self, usage: tree.Usage, size: int) -> int:
        return usage.private_bytes + (size if self._child.files_are_memory else usage.shared_bytes)

    def _files(self, size: int, entries: int) -> Strike | None:
        # The kernel holds about a kilobyte for each, which no size limit counts.
        if entries > self._limits.entries:
            allowed = f"{self._limits.entries:,} files and folders allowed"
            return Strike("crashed", "files", f"The run was ended when it had made more than the {allowed}.")
        # A sized file system refuses to grow of itself, with an error that the student's program sees.
        if size > self._limits.disk_bytes and not self._child.files_are_memory:
            allowed = f"{self._limits.disk_bytes / MEBIBYTE:,.0f} MiB allowed"
            return Strike("crashed", "disk", f"The run was ended when its files took more than the {allowed}.")
        return None

    def _tasks(self, tasks: int) -> Strike | None:
        if tasks <= self._limits.processes + OWN_TASKS:
            return None
        allowed = f"{self._limits.processes} processes and threads allowed"
        return Strike("crashed", "processes", f"The run was ended when it had more than the {allowed}.")
