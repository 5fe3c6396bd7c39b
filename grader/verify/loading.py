"""Which of the staged sets the program had, and how it scaled their pixels."""

from __future__ import annotations

import numpy as np

from grader.evidence.values import Evidence
from grader.verify.inputs import Rescaling
from grader.verify.result import DataFacts
from grader.verify.rows import RowIndex
from grader.verify.timeline import Timeline


def data_facts(evidence: Evidence, index: RowIndex, timeline: Timeline, rescaling: Rescaling | None) -> DataFacts:
    """What was opened and kept by the process's own word, and what reached the model by the trusted side's keys."""
    loads = evidence.loads
    train = len(index.images.train)
    splits = set()
    state = evidence.state
    if state is not None:
        for name, keys in state.variable_arrays.items():
            if name.endswith("/keys") and keys.dtype == np.uint64:
                found, _ = index.match(keys)
                if (found >= 0).mean() > 0.5:
                    splits.add("train" if (found[found >= 0] < train).mean() > 0.5 else "test")
    learnt = np.concatenate([w.rows for w in timeline.windows]) if timeline.windows else np.zeros(0, dtype=np.int64)
    looked = np.concatenate([p.rows for p in timeline.passes]) if timeline.passes else np.zeros(0, dtype=np.int64)
    swapped = bool(len(learnt) and len(looked) and (learnt >= train).mean() > 0.9 and (looked < train).mean() > 0.5)
    learns, looks = bool((learnt >= 0).any() and (learnt < train).any()), bool((looked >= train).any())
    return DataFacts(
        tuple(load.name for load in loads),
        "train" in splits or learns,
        "test" in splits or looks,
        any(load.redirected for load in loads),
        swapped,
        rescaling.scale if rescaling else None,
        rescaling.shift if rescaling else None,
        reached=learns and looks,
    )
