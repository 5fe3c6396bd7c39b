"""Keeps the recorder's own faults away from the student's program."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """A fault of the recorder must never become the student's: it is counted and reported instead."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        trace = self.trace
        if trace is not None:
            trace.paused = True
        try:
            return method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the student's program goes on
            self.fault(method.__name__, error)
            return None
        finally:
            if trace is not None:
                trace.paused = False

    return call
