"""Question 4: the model's ten kernels are plotted, as they are after its training phase."""

from __future__ import annotations

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict
from grader.checks.training import ONLY_MODEL

# Less spread than this among a kernel's weights is none.
FLAT = 1e-7


NOTHING_TO_COMPARE = "there are no kernels that a plot could be told by"


def _indistinct(case: Case) -> bool:
    """Kernels that are flat, or no numbers any more, look like anything."""
    kernels = case.verification.kernels
    flat = [max(map(max, kernel)) - min(map(min, kernel)) < FLAT for kernel in kernels]
    return case.verification.accuracy.non_finite or (bool(flat) and all(flat))


def plotted(case: Case, spec: CheckSpec) -> Verdict:
    """Pictures of the kernels, whatever their weights."""
    count = spec.parameters["out_channels"]
    answer = Answer(case, spec, f"the {count} kernels are plotted")
    if case.evidence.reference_loop and not case.evidence.drawn:
        return answer.unmet(ONLY_MODEL)
    shown = case.verification.shown
    if not case.evidence.drawn:
        reason = case.why_not_run("4")
        return (
            answer.not_assessed(f"no plot was seen, for {reason}")
            if reason
            else answer.lost("no image is plotted", "plot.missing")
        )
    if shown is None or _indistinct(case):
        return answer.not_assessed(NOTHING_TO_COMPARE)
    kernels = len(case.verification.kernels) or count
    best = max(len(shown.final), len(shown.initial), len(shown.intermediate))
    if best >= min(count, kernels):
        return answer.met(f"{best} kernels are plotted", confidence="proved")
    if best:
        return answer.lost(
            f"{best} of {kernels} kernels are plotted",
            "plot.too-few",
            share=0.5,
            place=shown.place,
            confidence="proved",
        )
    if shown.others >= count:
        return answer.met(f"{shown.others} pictures of a kernel's size (what they show is judged below)")
    return answer.lost(
        "images are plotted, none of them a kernel of this model", "plot.wrong-tensor", place=shown.place
    )


def trained(case: Case, spec: CheckSpec) -> Verdict:
    """The plotted arrays are the graded model's kernels after its training."""
    answer = Answer(case, spec, "the plotted kernels are those of the trained model")
    shown = case.verification.shown
    if case.evidence.reference_loop and not case.evidence.drawn:
        return answer.unmet(ONLY_MODEL)
    if not case.evidence.drawn:
        reason = case.why_not_run("4")
        return answer.not_assessed(f"no plot was seen, for {reason}") if reason else answer.unmet("no image is plotted")
    if shown is None or _indistinct(case):
        return answer.not_assessed(NOTHING_TO_COMPARE)
    if shown.final and len(shown.final) >= len(shown.initial):
        return answer.met(
            f"{len(shown.final)} plotted kernels have the weights of the trained model", confidence="proved"
        )
    if shown.initial:
        return answer.lost(
            "the plotted kernels have the weights from before the training",
            "plot.untrained-filters",
            place=shown.place,
            confidence="proved",
        )
    if shown.intermediate:
        return answer.lost(
            "the plotted kernels have the weights of the middle of the training",
            "plot.untrained-filters",
            place=shown.place,
            share=0.5,
            confidence="proved",
        )
    if shown.others:
        return answer.lost(
            "the plotted arrays are not this model's kernels",
            "plot.wrong-tensor",
            place=shown.place,
            confidence="proved",
        )
    return answer.unmet("none of the plotted images is a kernel of this model")
