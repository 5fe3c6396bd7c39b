"""One function for many numbers, by forks of this process: each has all that this process holds, so nothing but the
numbers goes out, and results come back one at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

# For fewer calls than this each, starting forks takes longer than they save.
FEW = 32
# So many calls wait for each fork, and their results for the caller: it holds no more for a larger class.
AHEAD = 8


def by_forks(function: Callable[[int], T], count: int) -> Iterator[T]:
    """`function(number)` for all numbers below `count`, in their order, by one fork a core; results are pickled.

    Few are done in this process. Raises what a call raised, and BrokenProcessPool where a fork died.
    """
    forks = min(len(os.sched_getaffinity(0)), count // FEW)
    if forks < 2:
        yield from map(function, range(count))
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(forks, context, initializer=_begin, initargs=(function,)) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for number in range(count):
                waiting.append(pool.submit(_call, number))
                if len(waiting) == AHEAD * forks:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


def end_with_parent() -> None:
    """Ends this process when the one that started it has ended, however that did."""
    threading.Thread(target=_follow_parent, daemon=True).start()


_function: Callable[[int], Any] | None = None


def _begin(function: Callable[[int], Any]) -> None:
    """Makes this process a worker, deaf to the terminal's Ctrl-C, which its parent hears."""
    global _function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    _function = function


def _call(number: int) -> Any:
    assert _function is not None
    return _function(number)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
