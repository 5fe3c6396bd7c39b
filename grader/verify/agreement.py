"""What the comparison of the evidence's parts says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# What parts of the evidence may contradict each other about.
Topic = Literal["operations", "images", "tests", "added", "weights", "gradients", "updates", "optimizer", "training"]


@dataclass(frozen=True)
class Consistency:
    """Whether the parts of the evidence agree: `operations` do what was recorded of them when the trusted side does
    them again; `images` of recorded batches are those of the journal; `gradients` that updates use point where the
    backward passes did; weights were kept at all `tests`; the final `weights` are the latest seen. What does not
    agree is no proof of anything.

    `contradictions` are those that no right program leaves behind, by topic and in words: nothing is earned by them.
    """

    operations: bool = True
    images: bool = True
    gradients: bool = True
    tests: bool = True
    weights: bool = True
    contradictions: Mapping[Topic, str] = field(default_factory=dict)
