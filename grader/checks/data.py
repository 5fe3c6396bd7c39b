"""Question 1: both sets are loaded and their shapes shown."""

from __future__ import annotations

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict, note
from grader.checks.result import Confidence
from grader.evidence.values import Place

# Standardised images have a scale of about 3; those of 0 to 255 have 255.
UNSCALED = 20
# A model that has learnt anything from ten classes gets more of them right.
LEARNT = 0.2
# A training set of which less than this is learnt from was cut short.
NEARLY = 0.95


def loaded(case: Case, spec: CheckSpec) -> Verdict:
    """Both staged sets reach the program, each as what it is."""
    answer = Answer(case, spec, "train.npz and test.npz are loaded, each for its own purpose")
    facts = case.verification.data
    if facts.swapped:
        return answer.lost(
            "the model learns from the test set and is tested on the training set",
            "data.swapped-splits",
            confidence="proved",
        )
    if facts.twice is not None:
        return answer.lost(
            f"{facts.twice} is loaded in the place of both sets", "data.swapped-splits", share=0.5, confidence="proved"
        )
    present = [name for name, there in (("training", facts.train_variable), ("test", facts.test_variable)) if there]
    opened = set(facts.loaded)
    if case.evidence.reference_loop and not opened:
        return answer.lost("the module opens no data", "data.not-loaded")
    if len(present) == 2 or ({"train.npz", "test.npz"} <= opened and not case.own_loop):
        return _scaled(case, answer, facts.scale)
    if not present and not opened:
        if case.why_not_run("1"):
            return answer.absent("loading of the data")
        return answer.lost("no file of the data set was opened", "data.not-loaded", place=_error_place(case))
    if "train.npz" in opened and "test.npz" in opened:
        return answer.met("both files were opened")
    missing = "test" if "training" in present or "train.npz" in opened else "training"
    return answer.lost(f"the {missing} set is not loaded", "data.not-loaded", share=0.5)


def _scaled(case: Case, answer: Answer, scale: float | None) -> Verdict:
    """Pixels that are far from 0 to 1 are a note, unless the model learns nothing from them."""
    confidence: Confidence = "proved" if case.verification.data.reached else "observed"
    if scale is None or 1 / UNSCALED < scale < UNSCALED:
        return answer.met("both sets are in use", confidence=confidence)
    text = f"the model gets pixels of 0 to {scale:.3g} instead of 0 to 1"
    accuracy = case.verification.accuracy.measured
    sound = bool(case.steps) and all(s.gradient_matches for s in case.steps) and case.verification.training.updates > 0
    if accuracy is not None and accuracy < LEARNT and case.own_loop and sound:
        message = f"{text}, and does not learn from them ({accuracy:.1%} of the test images are right)"
        return answer.lost(text, "data.unnormalised", share=0.5, message=message)
    return answer.met(
        "both sets are in use", confidence=confidence, notes=(note(case, "data.unnormalised", "1", text),)
    )


def _error_place(case: Case) -> Place | None:
    return case.evidence.errors[0].place if case.evidence.errors else None


def shapes_shown(case: Case, spec: CheckSpec) -> Verdict:
    """The four shapes stand in the output, in whatever notation."""
    answer = Answer(case, spec, "the shapes of images and labels of both sets are shown")
    shown = case.verification.reported.shapes
    if shown >= 4:
        return answer.met("all four shapes are in the output", confidence="proved")
    if not case.verification.data.loaded and not case.verification.data.train_variable:
        return (
            answer.absent("data whose shapes could be shown")
            if case.why_not_run("1")
            else answer.lost("no data was loaded, so no shape was shown", "data.shapes-not-shown")
        )
    if case.verification.data.twice and shown >= 2:
        return answer.met("the shapes of what was loaded (that it is one set twice is charged above)")
    training = case.verification.training
    if shown >= 2 and training.prefix and training.distinct < NEARLY * training.total:
        return answer.met("the shapes of what was kept (that it was cut short is charged in question 3.1)")
    message = f"{shown} of the 4 shapes are in the output"
    return answer.lost(
        message,
        "data.shapes-not-shown",
        share=0.5 if shown >= 2 else 1.0,
        place=_error_place(case),
        confidence="proved",
    )
