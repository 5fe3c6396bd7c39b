"""How long work says how far it is; the command line decides what to show of it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as `progress(description, done, total)`, from one thread."""


def silent(description: str, done: int, total: int) -> None:
    """The progress callback of callers that show nothing."""
