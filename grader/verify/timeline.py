"""The journal as a story: which images were learnt from, in which batches and updates, and which only looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from grader.evidence.values import UNKNOWN_CLASS, Events, Flag, Kind

# Plain integers: an IntFlag's own arithmetic costs a microsecond, a hundred thousand times.
_STALE, _NO_GRADIENT, _TOUCHED = int(Flag.STALE), int(Flag.NO_GRADIENT), int(Flag.TOUCHED)


@dataclass(frozen=True)
class Pass:
    """Forward passes in a row that nothing was learnt from: `rows` are image numbers, `sizes` those of the batches.

    `trained_loss` is the loss of the last batch that was learnt from before.
    """

    event: int
    last_event: int
    updates_before: int
    rows: np.ndarray = field(repr=False)
    predicted: np.ndarray = field(repr=False)
    losses: tuple[float, ...] = ()
    loss_sizes: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    trained_loss: float | None = None


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
        if len(self.batches) == 1:
            return self.batches[0].rows
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
        self._predicted = events.predicted
        self._models = models
        self._flags: list[int] = events.flags.tolist()
        self._values: list[float] = events.value.tolist()
        self._starts: list[int] = events.start.tolist()
        self._sizes: list[int] = events.size.tolist()
        self._group = group
        self._pending: list[int] = []
        self._losses: list[int] = []
        self.windows: list[Window] = []
        self._window = Window()
        self.passes: list[Pass] = []
        self._updates = 0
        self._idle = 0
        self._trained_loss: float | None = None

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
        self._looked_at(self._pending, len(kinds))
        if self._window.batches:
            self.windows.append(self._window)
        return Timeline(tuple(self.windows), tuple(self.passes), self._idle)

    def _backward(self, index: int) -> None:
        learnt = self._pending[-self._group :]
        self._looked_at(self._pending[: -self._group], learnt[0])
        self._pending = []
        self._losses = []
        self._trained_loss = self._values[index]
        rows, predicted = self._gather(learnt)
        self._window.batches.append(
            Batch(
                index,
                rows,
                predicted,
                self._values[index],
                bool(self._flags[index] & _STALE),
                len(learnt),
            )
        )

    def _update(self, index: int, *, manual: bool) -> None:
        if not self._window.batches:
            self._idle += 1
            return
        flags = self._flags[index]
        self._window.update = index
        self._window.manual = manual
        if not manual:
            self._window.without_gradient = bool(flags & _NO_GRADIENT)
            self._window.touched = bool(flags & _TOUCHED)
        self.windows.append(self._window)
        self._window = Window()
        self._updates += 1

    def _looked_at(self, forwards: list[int], until: int) -> None:
        """Forward passes that nothing was learnt from, and the losses that were computed before event `until`."""
        if not forwards:
            return
        rows, predicted = self._gather(forwards)
        first, last = forwards[0], forwards[-1]
        losses = [i for i in self._losses if first < i < until]
        self.passes.append(
            Pass(
                first,
                last,
                self._updates,
                rows,
                predicted,
                tuple(self._values[i] for i in losses),
                tuple(self._sizes[i] for i in losses),
                tuple(self._sizes[i] for i in forwards),
                self._trained_loss,
            )
        )

    def _gather(self, forwards: list[int]) -> tuple[np.ndarray, np.ndarray]:
        if not forwards:
            return self._rows[:0], self._predicted[:0]
        begin, end = self._starts[forwards[0]], self._starts[forwards[-1]] + self._sizes[forwards[-1]]
        if len(forwards) == 1 or end - begin == sum(self._sizes[i] for i in forwards):
            return self._rows[begin:end], self._predicted[begin:end]
        spans = [slice(self._starts[i], self._starts[i] + self._sizes[i]) for i in forwards]
        return np.concatenate([self._rows[s] for s in spans]), np.concatenate([self._predicted[s] for s in spans])


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
