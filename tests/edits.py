"""Exact edits of a program's text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def edited(text: str, edits: Iterable[Sequence[str]]) -> str:
    """`text` with each (old, new) carried out in turn; raises ValueError where an old text is not there just once."""
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(f"an edit fits {text.count(old)} times: {old[:60]!r}")
        text = text.replace(old, new)
    return text
