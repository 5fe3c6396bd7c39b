"""Which of the models that a program made are worth grading, which are one made again, and how they began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from grader.evidence.values import Evidence, Kind

# Models with a smaller share of the training than this were tried out, not handed in.
SERIOUS = 0.2
MAX_MODELS = 4
# More models than this is one model whose layers are made anew at every call.
RECREATED = 24
# So many models alike, none of which gets through the data twice, are one that is made again every epoch.
MADE_AGAIN = 3


def is_recreated(evidence: Evidence, models: Collection[int]) -> bool:
    """Whether layers are made anew at every call: each sees one batch, or there are more than anyone would train."""
    if len(models) > RECREATED or (evidence.state is not None and evidence.state.overflow > 0):
        return True
    forward = evidence.events.who[evidence.events.kind == Kind.FORWARD]
    return len(models) >= MADE_AGAIN and int(np.isin(forward, list(models)).sum()) == len(models)


def serious_models(evidence: Evidence, train: int) -> list[frozenset[int]]:
    """The models to grade, by number, the most trained first; models alike that replace one another are one."""
    events = evidence.events
    forward = events.kind == Kind.FORWARD
    trained = Counter(events.who[events.kind == Kind.BACKWARD].tolist())
    everyone = Counter(events.who[forward].tolist())
    if is_recreated(evidence, everyone):
        return [frozenset(everyone)]
    ranked = trained.most_common() or everyone.most_common(1)
    most = ranked[0][1] if ranked else 0
    alike = [number for number, count in ranked if count >= 0.5 * most]
    seen = int(events.size[forward & (events.who == ranked[0][0])].sum()) if ranked else 0
    if len(alike) >= MADE_AGAIN and seen < 2 * train:
        return [frozenset(alike)]
    return [frozenset([number]) for number, count in ranked[:MAX_MODELS] if count >= SERIOUS * most]


def begins_uniform(evidence: Evidence, parameters: Sequence[int]) -> bool:
    """Whether all weights of several layers began with one value each, so that all kernels stay alike."""
    first = evidence.state.first if evidence.state is not None else {}
    weights = [first[n] for n in parameters if n in first and first[n].ndim > 1 and first[n].size]
    return len(weights) > 1 and all(weight.max() == weight.min() for weight in weights)
