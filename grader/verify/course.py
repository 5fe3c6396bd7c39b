"""The course of the weights: recorded moments in the order of time, and jumps between them that nothing explains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from grader.evidence.values import Events, Kind, Snapshot, Trace

Weights = Mapping[int, np.ndarray]

# Untrained networks reach up to this much more than chance; accuracies below it are no proof of an earlier training.
UNTRAINED = 0.25
# A jump that gains less than this may be an average of weights, or a better one of two models.
GAIN = 0.05
# Updates are seldom longer than a few times the longest of those that were recorded.
LONGER = 4.0


@dataclass(frozen=True)
class Moment:
    """The weights when the journal had `event` events."""

    event: int
    weights: Weights = field(repr=False)


@dataclass(frozen=True)
class Course:
    """All recorded moments of one model; `longest` is the length of the longest recorded update, None without any."""

    events: Events
    moments: tuple[Moment, ...]
    longest: float | None

    def updates(self, begin: int, end: int) -> int:
        """How many updates the journal has between two events."""
        return int(np.isin(self.events.kind[begin:end], (Kind.STEP, Kind.UPDATE)).sum())

    def jumps(self) -> list[tuple[Moment, Moment]]:
        """Moments in a row of which the later one is neither reached by updates nor a return to an earlier one."""
        found = []
        for i, (before, after) in enumerate(pairwise(self.moments)):
            distance = _distance(before.weights, after.weights)
            updates = self.updates(before.event, after.event)
            if updates and self.longest is None:
                continue
            allowed = LONGER * updates * (self.longest or 0.0)
            if distance > allowed and not any(_distance(m.weights, after.weights) == 0 for m in self.moments[:i]):
                found.append((before, after))
        return found


def follow(
    events: Events, traces: Sequence[Trace], snapshots: Sequence[Snapshot], final: Weights, numbers: Sequence[int]
) -> Course:
    """The course of the parameters with these `numbers`; moments that lack one of them are left out."""
    moments, lengths = [], []
    for trace in traces:
        before, after = weights_of(trace, "parameter"), weights_of(trace, "after")
        if trace.events:
            moments.append(Moment(trace.events[0], before))
        update = update_of(trace, events)
        if update is not None:
            moments.append(Moment(update + 1, after))
            lengths.append(_distance(before, after))
    moments.extend(Moment(s.event, s.parameters) for s in snapshots)
    moments.sort(key=lambda moment: moment.event)
    moments.append(Moment(len(events.kind), final))
    whole = [m for m in moments if all(n in m.weights and np.isfinite(m.weights[n]).all() for n in numbers)]
    chosen = (Moment(m.event, {n: m.weights[n] for n in numbers}) for m in whole)
    return Course(events, tuple(chosen) if numbers else (), max(lengths, default=None))


def weights_of(trace: Trace, prefix: str) -> dict[int, np.ndarray]:
    """The trace's arrays `prefix`/number, by number."""
    names = ((name, *name.rpartition("/")) for name in trace.arrays)
    return {int(tail): trace.arrays[name] for name, head, _, tail in names if head == prefix and tail.isdigit()}


def update_of(trace: Trace, events: Events) -> int | None:
    """The event of the update that ended the trace."""
    if trace.reason not in ("step", "update") or not trace.events:
        return None
    later = np.flatnonzero(np.isin(events.kind[trace.events[-1] :], (Kind.STEP, Kind.UPDATE)))
    return trace.events[-1] + int(later[0]) if len(later) else None


def follows_on(events: Events, before: Trace, after: Trace) -> bool:
    """Whether no update lies between the one that ended `before` and the stretch of `after`."""
    update = update_of(before, events)
    if update is None or not after.events or after.events[0] >= len(events.kind):
        return False
    return not np.isin(events.kind[update + 1 : after.events[0]], (Kind.STEP, Kind.UPDATE)).any()


def doubt_weights(course: Course, accuracy: Callable[[Weights], float | None], chance: float) -> str:
    """Why the final accuracy is no result of the recorded training; empty where it may be one."""
    if not course.moments:
        return ""
    first = course.moments[0]
    if not course.updates(0, first.event):
        start = accuracy(first.weights)
        if start is not None and start > chance + UNTRAINED:
            return f"the model gets {start:.0%} of the test images right before its first recorded update"
    gained = 0.0
    for before, after in course.jumps():
        then, now = accuracy(before.weights), accuracy(after.weights)
        gained += max(0.0, now - then) if then is not None and now is not None else 0.0
    if gained <= GAIN:
        return ""
    return f"weights change where no recorded update changes them, and {gained:.0%} of accuracy come with it"


def _distance(a: Weights, b: Weights) -> float:
    """The Euclidean distance over the parameters that both have; infinite where their shapes differ."""
    common = a.keys() & b.keys()
    if any(a[n].shape != b[n].shape for n in common):
        return float("inf")
    return float(np.sqrt(sum(float(((a[n].astype(np.float64) - b[n]) ** 2).sum()) for n in common)))
