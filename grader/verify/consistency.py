"""Does the evidence agree with itself? Its parts tell of the same run, so that a forged one contradicts another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from grader.evidence.values import Events, Evidence, Flag, Kind, State, Trace
from grader.recorder import fingerprint
from grader.verify.agreement import Consistency, Topic
from grader.verify.course import Course, follows_on, weights_of
from grader.verify.result import StepProof

# Departures of float32 sums from one another.
SAME = 0.01
# The cosine of a gradient with what was added to it, below which it was turned round.
TURNED = -0.5
# So many times more updates than usual without weights that were kept are a contradiction, and fewer a doubt.
FAR_MORE = 3


def compare(
    evidence: Evidence,
    traces: Sequence[Trace],
    steps: Sequence[StepProof],
    course: Course,
    *,
    replayed: bool,
    found: Mapping[Topic, str],
) -> Consistency:
    """What the parts of one model's evidence say of each other.

    `replayed`: the trusted side could do the forward pass again; `found` are contradictions that are known already.
    """
    reasons = dict(found)
    images = all(_same_images(evidence, trace) for trace in traces)
    if not images:
        reasons["images"] = "recorded batches are other images than the journal names"
    unseen, allowed = _updates_unseen(evidence)
    if unseen > FAR_MORE * allowed:
        reasons["tests"] = f"no weights were kept after {unseen} updates, although the model was then tested"
    if _is_turned(traces):
        reasons["added"] = "updates use the opposite of the gradients that backward passes are said to have added"
    if _adds_up(evidence, traces):
        reasons["gradients"] = "gradients of the batch before are in the updates, although none was seen to be left"
    if _never_moved(evidence, traces, course):
        reasons["updates"] = "updates are recorded, and the weights of the end are those of the beginning"
    if not _same_optimizers(evidence.state, traces):
        reasons["optimizer"] = "the optimizer of the end is another one than that of the examined updates"
    return Consistency(
        operations=replayed and all(s.equivalent is not False and (s.equivalent or s.reason is None) for s in steps),
        images=images,
        gradients=all(_is_applied(trace) for trace in traces),
        tests=unseen <= allowed,
        weights=_ends_where_it_was_seen(course),
        contradictions={topic: reason for topic, reason in reasons.items() if reason},
    )


def _same_images(evidence: Evidence, trace: Trace) -> bool:
    """Whether the recorded batches are the images that the journal names."""
    events = evidence.events
    for event in trace.events:
        data = trace.arrays.get(f"data/{event}")
        if data is None or event >= len(events.kind) or data.size != int(events.size[event]) * fingerprint.PIXELS:
            continue
        seen = fingerprint.keys(fingerprint.sample_any(data.reshape(-1, fingerprint.SIDE, fingerprint.SIDE)))
        start = int(events.start[event])
        if not np.array_equal(seen, events.keys[start : start + len(seen)]):
            return False
    return True


def _is_applied(trace: Trace) -> bool:
    """Whether the update's gradients are what its backward passes added, also where scaled, clipped or accumulated."""
    used, added = weights_of(trace, "gradient"), weights_of(trace, "added/all")
    if trace.backwards and trace.backwards[0].stale:
        return True
    common = [n for n in used.keys() & added.keys() if used[n].shape == added[n].shape]
    return all((used[n].astype(np.float64) * added[n]).sum() >= 0 for n in common)


def _is_turned(traces: Sequence[Trace]) -> bool:
    """Whether the gradients of one parameter are, in most updates, the opposite of what was added to them.

    Programs scale and clip gradients, and add to them; none of that turns them round.
    """
    turned: Counter[int] = Counter()
    judged: Counter[int] = Counter()
    for trace in traces:
        used, added = weights_of(trace, "gradient"), weights_of(trace, "added/all")
        for n in used.keys() & added.keys():
            lengths = float(np.linalg.norm(used[n]) * np.linalg.norm(added[n]))
            if used[n].shape == added[n].shape and lengths > 0 and not trace.backwards[0].stale:
                turned[n] += float((used[n].astype(np.float64) * added[n]).sum()) < TURNED * lengths
                judged[n] += 1
    return any(2 * count > judged[n] for n, count in turned.items())


def _adds_up(evidence: Evidence, traces: Sequence[Trace]) -> bool:
    """Whether an update uses the gradients of the one before besides its own, although the journal saw none left."""
    events = evidence.events
    for before, after in pairwise(traces):
        if after.reason != "step" or not follows_on(events, before, after) or not _begins_clean(events, after):
            continue
        old, used, added = weights_of(before, "gradient"), weights_of(after, "gradient"), weights_of(after, "added/all")
        numbers = sorted(n for n in old.keys() & used.keys() & added.keys() if old[n].any())
        if not numbers or any(not old[n].shape == used[n].shape == added[n].shape for n in numbers):
            continue
        left = np.concatenate([(used[n].astype(np.float64) - added[n]).reshape(-1) for n in numbers])
        expected = np.concatenate([old[n].reshape(-1) for n in numbers])
        if np.linalg.norm(left - expected) <= SAME * np.linalg.norm(expected):
            return True
    return False


def _begins_clean(events: Events, trace: Trace) -> bool:
    """Whether the trace's first backward pass found no old gradients, by the journal."""
    first = trace.events[0]
    backward = np.flatnonzero(events.kind[first:] == Kind.BACKWARD)
    return bool(len(backward)) and not int(events.flags[first + int(backward[0])]) & Flag.STALE


def _never_moved(evidence: Evidence, traces: Sequence[Trace], course: Course) -> bool:
    """Whether the journal has updates, while no trace has one and the weights stay as they were."""
    if len(course.moments) < 2 or not course.updates(0, len(evidence.events.kind)):
        return False
    first, last = course.moments[0].weights, course.moments[-1].weights
    return all(t.reason not in ("step", "update") for t in traces) and all(
        np.array_equal(first[n], last[n]) for n in first
    )


def _ends_where_it_was_seen(course: Course) -> bool:
    """Whether the final weights are the latest recorded ones, where no update came after those."""
    if len(course.moments) < 2:
        return True
    latest, final = course.moments[-2:]
    moved = any(not np.array_equal(latest.weights[n], final.weights[n]) for n in latest.weights)
    return not moved or course.updates(latest.event, final.event) > 0


def _same_optimizers(state: State | None, traces: Sequence[Trace]) -> bool:
    """Whether the optimizers of the examined updates are among those that the end tells of."""
    if state is None:
        return True
    stepped = {_name(t.optimizer_description) for t in traces if t.optimizer_description}
    return stepped <= {_name(description) for description in state.optimizers}


def _name(description: Mapping[str, object]) -> tuple[str, str]:
    return str(description.get("module")), str(description.get("class"))


def _updates_unseen(evidence: Evidence) -> tuple[int, int]:
    """(updates since weights were last kept, before the last rest; so many there may be)."""
    kinds, snapshots = evidence.events.kind, [s.event for s in evidence.snapshots]
    updates = np.flatnonzero(np.isin(kinds, (Kind.STEP, Kind.UPDATE)))
    allowed = len(updates) // 30 + 1
    if not snapshots or not len(updates):
        return 0, allowed
    later = updates[updates >= snapshots[-1]]
    # Without gradients nothing is learnt: there the recorder keeps weights, once a thirtieth of the updates so far.
    resting = (kinds == Kind.FORWARD) & (evidence.events.flags & np.uint8(Flag.GRAD_ENABLED) == 0)
    if not len(later) or len(snapshots) > 200:
        return 0, allowed
    missed = np.flatnonzero(resting[later[0] :])
    if not len(missed):
        return 0, allowed
    return int((later < later[0] + int(missed[-1])).sum()), allowed
