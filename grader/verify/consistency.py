"""Does the evidence agree with itself? Its parts tell of the same run, so that a forged one contradicts another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.evidence.values import Evidence, Kind, Trace
from grader.recorder import fingerprint
from grader.verify.result import Consistency, StepProof


def compare(evidence: Evidence, traces: Sequence[Trace], steps: Sequence[StepProof]) -> Consistency:
    """What the parts of one model's evidence say of each other."""
    return Consistency(
        operations=all(s.equivalent is not False and (s.equivalent or s.reason is None) for s in steps),
        images=all(_same_images(evidence, trace) for trace in traces),
        weights=_ends_where_it_was_seen(evidence),
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


def _ends_where_it_was_seen(evidence: Evidence) -> bool:
    """Whether the final weights are the latest recorded ones, where no update came after those."""
    state = evidence.state
    if state is None or not evidence.snapshots:
        return True
    latest = evidence.snapshots[-1]
    later = evidence.events.kind[latest.event :]
    if np.isin(later, (Kind.STEP, Kind.UPDATE)).any():
        return True
    return all(np.array_equal(a, state.final[n]) for n, a in latest.parameters.items() if n in state.final)
