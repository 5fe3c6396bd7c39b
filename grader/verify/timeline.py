"""The journal as a story: which images were learnt from, in which batches and updates, and which only looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from grader.evidence.values import UNKNOWN_CLASS, Events, Flag, Kind


@dataclass(frozen=True)
class Pass:
    """Forward passes in a row that nothing was learnt from: `rows` are image numbers."""

    event: int
    last_event: int
    updates_before: int
    rows: np.ndarray = field(repr=False)
    predicted: np.ndarray = field(repr=False)
    losses: tuple[float, ...] = ()
    loss_sizes: tuple[int, ...] = ()


@dataclass
class Batch:
    """What one backward pass learnt from."""

    event: int
    rows: np.ndarray
    predicted: np.ndarray
    loss: float
    stale: bool
    forwards: int


@dataclass
class Window:
    """Backward passes up to one update; `update` is None where none came, else the event's index."""

    batches: list[Batch] = field(default_factory=list)
    update: int | None = None
    manual: bool = False
    without_gradient: bool = False
    touched: bool = True

    @property
    def rows(self) -> np.ndarray:
        return np.concatenate([b.rows for b in self.batches]) if self.batches else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Timeline:
    """Windows of training and passes of testing of one model, in the order of time."""

    windows: tuple[Window, ...]
    passes: tuple[Pass, ...]
    idle_updates: int


class _Builder:
    def __init__(self, events: Events, rows: np.ndarray, models: frozenset[int], group: int):
        self._events = events
        self._rows = rows
        self._models = models
        self._group = group
        self._pending: list[int] = []
        self._losses: list[int] = []
        self.windows: list[Window] = []
        self._window = Window()
        self.passes: list[Pass] = []
        self._updates = 0
        self._idle = 0

    def build(self) -> Timeline:
        kinds, who = self._events.kind.tolist(), self._events.who.tolist()
        for index, kind in enumerate(kinds):
            if kind == Kind.FORWARD:
                if who[index] in self._models:
                    self._pending.append(index)
            elif kind == Kind.LOSS:
                self._losses.append(index)
            elif kind == Kind.BACKWARD:
                if who[index] in self._models and self._pending:
                    self._backward(index)
            elif kind in (Kind.STEP, Kind.UPDATE):
                self._update(index, manual=kind == Kind.UPDATE)
        self._looked_at(self._pending)
        if self._window.batches:
            self.windows.append(self._window)
        return Timeline(tuple(self.windows), tuple(self.passes), self._idle)

    def _backward(self, index: int) -> None:
        learnt = self._pending[-self._group :]
        self._looked_at(self._pending[: -self._group])
        self._pending = []
        self._losses = []
        rows, predicted = self._gather(learnt)
        self._window.batches.append(
            Batch(
                index,
                rows,
                predicted,
                float(self._events.value[index]),
                bool(self._events.flags[index] & Flag.STALE),
                len(learnt),
            )
        )

    def _update(self, index: int, *, manual: bool) -> None:
        if not self._window.batches:
            self._idle += 1
            return
        flags = int(self._events.flags[index])
        self._window.update = index
        self._window.manual = manual
        if not manual:
            self._window.without_gradient = bool(flags & Flag.NO_GRADIENT)
            self._window.touched = bool(flags & Flag.TOUCHED)
        self.windows.append(self._window)
        self._window = Window()
        self._updates += 1

    def _looked_at(self, forwards: list[int]) -> None:
        if not forwards:
            return
        rows, predicted = self._gather(forwards)
        first, last = forwards[0], forwards[-1]
        losses = [i for i in self._losses if i > first]
        self.passes.append(
            Pass(
                first,
                last,
                self._updates,
                rows,
                predicted,
                tuple(float(self._events.value[i]) for i in losses),
                tuple(int(self._events.size[i]) for i in losses),
            )
        )

    def _gather(self, forwards: list[int]) -> tuple[np.ndarray, np.ndarray]:
        spans = [slice(self._events.start[i], self._events.start[i] + self._events.size[i]) for i in forwards]
        if not spans:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint8)
        return (
            np.concatenate([self._rows[s] for s in spans]),
            np.concatenate([self._events.predicted[s] for s in spans]),
        )


def build_timeline(events: Events, rows: np.ndarray, models: frozenset[int], group: int) -> Timeline:
    """`rows` names the image of each key; `group` is how many forward events a backward pass belongs to."""
    return _Builder(events, rows, models, group).build()


def usual_group(events: Events, models: frozenset[int]) -> int:
    """The commonest number of forward events before a backward pass."""
    chosen = (events.kind == Kind.BACKWARD) & np.isin(events.who, list(models))
    counts = Counter(events.size[chosen].tolist())
    return max(1, counts.most_common(1)[0][0]) if counts else 1


def hits(predicted: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """(right, judged) among images that are known and have a predicted class."""
    judged = (rows >= 0) & (predicted != UNKNOWN_CLASS)
    return int((predicted[judged] == labels[rows[judged]]).sum()), int(judged.sum())
