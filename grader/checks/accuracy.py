"""The accuracy question: the final model on all test images, beside a reference CNN trained on the same data."""

from __future__ import annotations

import math

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict, note
from grader.checks.result import Finding


def band(case: Case, spec: CheckSpec) -> tuple[float, float] | None:
    """(lowest, highest) accuracy that counts as the reference's: spread over seeds, chance of the test set, slack.

    Where nothing was measured there was no chance either.
    """
    if case.baseline is None:
        return None
    examples = sum(map(sum, case.verification.accuracy.confusion or ()))
    mean = case.baseline.mean
    chance = math.sqrt(mean * (1 - mean) / examples) if examples else 0.0
    width = float(spec.parameters["sigmas"]) * math.hypot(case.baseline.std, chance) + float(spec.parameters["slack"])
    return max(0.0, mean - width), min(1.0, mean + width)


def _too_good(case: Case, measured: float, highest: float, observed: str) -> tuple[Finding, ...]:
    """Another optimizer or learning rate may well beat the reference; a quarter of its errors is another matter."""
    assert case.baseline is not None
    ceiling = max(highest, 1 - (1 - case.baseline.mean) / 4)
    if measured <= ceiling:
        return ()
    return (note(case, "accuracy.suspicious", "accuracy", f"{observed}: fewer errors than honest training leaves"),)


def reference(case: Case, spec: CheckSpec) -> Verdict:
    """Full points inside the reference band, linear down to none at chance."""
    chance = float(spec.parameters["chance"])
    limits = band(case, spec)
    expected = f"{limits[0]:.1%} or more" if limits else "as a reference CNN"
    answer = Answer(case, spec, expected)
    facts = case.verification.accuracy
    if case.evidence.reference_loop and facts.measured is None:
        return answer.unmet("the module's model could not be trained")
    if facts.measured is None:
        if not case.trained:
            return answer.absent("trained model")
        return answer.not_assessed(f"the model's accuracy could not be computed: {facts.reason}")
    if limits is None:
        return answer.not_assessed("there is no reference for this data set")
    if not case.trained:
        return answer.absent("training")
    measured = facts.measured
    observed = f"{measured:.2%} (reference {case.baseline.mean:.2%})" if case.baseline else f"{measured:.2%}"
    if facts.non_finite:
        return answer.lost("the model's scores are not finite", "accuracy.below-reference", confidence="proved")
    notes = _too_good(case, measured, limits[1], observed)
    if measured >= limits[0]:
        return answer.met(observed, confidence="proved", notes=notes)
    share = min(1.0, (limits[0] - measured) / (limits[0] - chance))
    return answer.lost(observed, "accuracy.below-reference", share=share, confidence="proved")
