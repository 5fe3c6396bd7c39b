"""Which staged images a program used, and how it lays them out before its first layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grader.evidence.values import Evidence
from grader.verify.result import BATCH_SCRAMBLED, SCRAMBLED
from grader.verify.rows import LAYOUTS, Arrange, RowIndex
from grader.verify.scrambled import find_scrambling


@dataclass(frozen=True)
class Recognised:
    """`rows` (M,) has an image number for each key, -1 where unknown; `arrange` is None where the layout is unknown."""

    rows: np.ndarray
    layout: str
    arrange: Arrange | None


def recognise(evidence: Evidence, index: RowIndex) -> Recognised:
    """By the images' keys; where these say nothing, by the batches that were recorded by value."""
    keys = evidence.events.keys
    rows, layout = index.match(keys)
    if not len(rows) or layout != "unknown":
        return Recognised(rows, layout if len(rows) else "none", LAYOUTS.get(layout))
    found = find_scrambling(evidence.events, evidence.traces, index)
    if found is None:
        return Recognised(rows, layout, None)
    if found.order is None:
        return Recognised(rows, BATCH_SCRAMBLED, None)
    return Recognised(index.match_arranged(keys, found.arrange), SCRAMBLED, found.arrange)
