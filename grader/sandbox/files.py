"""What a run writes where it has no file system of its own: counted by walking, as often as may be needed."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from grader.sandbox import tree

if TYPE_CHECKING:
    from grader.assignment import Limits

LOOK_S = 0.05
PAUSE_S = 0.25
SHARE = 10  # a walk may take one part in so many of the processor's time
SLACK = 10  # one part in so many of a limit may be added before a walk is due at once

Folder = tuple[str, int | None]


class FileCount(threading.Thread):
    """Counts bytes and entries beneath folders of the host, in a thread of its own: a walk through many files may not
    keep anybody from looking at the run's memory and time.

    Walks are rationed by the processor time that they take, since on a busy machine the run gets less of that as well.
    But one is due at once when so much was added to the whole file system that the run may be over a limit.
    """

    def __init__(self, folders: list[Folder], limits: Limits, pause_s: float = PAUSE_S) -> None:
        """`folders` with the user whose files count there, None for all; `pause_s` is the least between two walks."""
        super().__init__(name="sandbox-files", daemon=True)
        self._folders = folders
        self._limits = limits.disk_bytes, limits.entries
        self._pause_s = pause_s
        self._over = threading.Event()
        self._error: Exception | None = None
        self._counted = (0, 0)

    @property
    def counted(self) -> tuple[int, int]:
        """Bytes and entries at the last walk; raises what went wrong in it."""
        if self._error is not None:
            raise self._error
        return self._counted

    def run(self) -> None:
        """Walks until `finish` is called."""
        try:
            while not self._over.is_set():
                used, begun = self._used(), time.thread_time()
                self._counted = self._walk()
                self._pause(used, max(self._pause_s, SHARE * (time.thread_time() - begun)))
        except Exception as error:  # noqa: BLE001 - whoever asks for the figures must hear of it
            self._error = error

    def finish(self) -> None:
        """Returns when the thread has ended."""
        self._over.set()
        self.join()

    def _walk(self) -> tuple[int, int]:
        size, entries = 0, 0
        for folder, owner in self._folders:
            more = tree.disk_usage(folder, self._limits[1] + 1 - entries, owner)
            size, entries = size + more[0], entries + more[1]
        return size, entries

    def _pause(self, used: list[tuple[int, int]], pause_s: float) -> None:
        end = time.monotonic() + pause_s
        while time.monotonic() < end and not self._over.wait(LOOK_S):
            if self._may_be_over(used):
                return

    def _may_be_over(self, before: list[tuple[int, int]]) -> bool:
        for then, now in zip(before, self._used(), strict=True):
            for old, new, limit, counted in zip(then, now, self._limits, self._counted, strict=True):
                if new - old > max(limit - counted, limit // SLACK):
                    return True
        return False

    def _used(self) -> list[tuple[int, int]]:
        """Bytes and inodes in use on the folders' whole file systems; some file systems do not tell the latter."""
        found = [os.statvfs(folder) for folder, _ in self._folders]
        return [((each.f_blocks - each.f_bfree) * each.f_frsize, each.f_files - each.f_ffree) for each in found]
