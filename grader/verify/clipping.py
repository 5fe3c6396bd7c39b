"""What a program does to its gradients between backward pass and update, where that is one of the usual rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from grader.evidence.values import Trace
from grader.verify.course import weights_of

Gradients = Mapping[int, torch.Tensor]
Rule = Callable[[Gradients], Gradients]
# With fewer examined updates than this a single one is no exception.
ENOUGH = 4


def as_they_are(gradients: Gradients) -> Gradients:
    """No change."""
    return gradients


def find_rule(traces: Sequence[Trace]) -> tuple[Rule, frozenset[int]] | None:
    """The rule of all these updates, and the traces that it leaves unexplained; None where no usual rule is seen.

    One update may be an exception: what a program does to its gradients once is no reason to believe all the others.
    """
    changed = [t for t in traces if not _explains(as_they_are, t)]
    if not changed:
        return as_they_are, frozenset()
    for rule in _clippings(changed):
        if all(_explains(rule, t) for t in traces):
            return rule, frozenset()
    if len(changed) == 1 and len(traces) >= ENOUGH:
        return as_they_are, frozenset(t.index for t in changed)
    return None


def _explains(rule: Rule, trace: Trace) -> bool:
    used, added = (
        {n: torch.from_numpy(np.array(a)) for n, a in weights_of(trace, name).items()}
        for name in ("gradient", "added/all")
    )
    if used.keys() != added.keys():
        return False
    made = rule(added)
    return all(used[n].shape == made[n].shape and torch.allclose(used[n], made[n], rtol=1e-4, atol=1e-7) for n in used)


def _clippings(changed: Sequence[Trace]) -> Iterator[Rule]:
    """Clipping by the norm of all gradients, by that of each, and by value, with the limits that these updates show."""
    used = [list(weights_of(t, "gradient").values()) for t in changed]
    norms = [[float(np.linalg.norm(a)) for a in arrays] for arrays in used]
    total = max(float(np.linalg.norm(each)) for each in norms)
    largest = max((norm for each in norms for norm in each), default=0.0)
    value = max((float(np.abs(a).max(initial=0.0)) for arrays in used for a in arrays), default=0.0)

    def by_total(gradients: Gradients) -> Gradients:
        norm = float(torch.stack([g.norm() for g in gradients.values()]).norm())
        return {n: g * min(1.0, total / max(norm, 1e-12)) for n, g in gradients.items()}

    def by_each(gradients: Gradients) -> Gradients:
        return {n: g * min(1.0, largest / max(float(g.norm()), 1e-12)) for n, g in gradients.items()}

    def by_value(gradients: Gradients) -> Gradients:
        return {n: g.clamp(-value, value) for n, g in gradients.items()}

    yield from (by_total, by_value, by_each)
