"""Submissions that are more alike than work done apart: values, for whoever compares and whoever shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Likeness = Literal["code", "weights"]


@dataclass(frozen=True)
class Pair:
    """Two submissions by their ids. `share` is the larger of the two shares of code that the other has too, 0 to 1.

    `excerpt` are some lines of the first one that the second has too; both are 0 and empty for equal weights.
    """

    first: str
    second: str
    share: float = 0.0
    excerpt: tuple[str, ...] = ()


@dataclass(frozen=True)
class AlikeGroup:
    """Submissions that hang together by pairs, the likest pair first; `reason` is a sentence for a person."""

    likeness: Likeness
    members: tuple[str, ...]
    pairs: tuple[Pair, ...]
    reason: str
