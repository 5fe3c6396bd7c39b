"""Question 3.3: a test phase over the test set, every epoch, from which nothing is learnt, and its figures shown."""

from __future__ import annotations

import math
from dataclasses import replace

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict, note
from grader.checks.result import Finding
from grader.checks.training import ONLY_MODEL
from grader.evidence.values import Flag
from grader.verify.result import BATCH_SCRAMBLED, TestPass

# A pass that sees fewer of the test images than this is far from the whole set; above it a last batch is missing.
NEARLY = 0.95
# Accuracies that differ by less than this are not called contradictory.
FAR = 0.05


def phase(case: Case, spec: CheckSpec) -> Verdict:
    """Forward passes over the whole test set in every epoch."""
    epochs = spec.parameters["epochs"]
    answer = Answer(case, spec, "the whole test set goes through the model in every epoch")
    if case.evidence.reference_loop:
        return answer.unmet(ONLY_MODEL)
    passes = case.verification.passes
    training = case.verification.training
    if not passes and not training.test_rows:
        return _no_phase(answer, case)
    learnt = _learnt_from_test(case)
    total = len_of_test(case)
    distinct = max([p.distinct for p in passes], default=training.test_distinct)
    place = case.verification.test_place
    stopped = case.cut_by
    whole = any(_is_whole(p, total) for p in passes) or training.test_distinct >= NEARLY * total
    if stopped and (not whole or len(passes) < epochs):
        return answer.not_assessed(f"{len(passes)} test passes, then {stopped}")
    if not whole:
        return answer.lost(
            f"the test phase sees {distinct:,} of {total:,} test images",
            "test.coverage",
            share=0.5 if distinct < NEARLY * total else 0.25,
            place=place,
            confidence="proved",
        )
    count = len(passes) if not learnt else max(len(passes), round(training.test_rows / max(1, training.test_distinct)))
    own = training.epochs if case.own_loop else epochs
    if case.own_loop and count < min(own, epochs) - 1 and count < 0.8 * own and not case.ran_out:
        return answer.lost(
            f"the model is tested {count} time{'s' if count != 1 else ''} in {own:.3g} epochs",
            "test.coverage",
            share=0.5,
            place=place,
            confidence="proved",
        )
    return answer.met(f"{count} passes over {distinct:,} test images", confidence="proved", notes=_gradients_on(case))


def _is_whole(look: TestPass, total: int) -> bool:
    """Whether a pass reaches all test images; a few may be alike or not be recognised, but none may be left out.

    Without any training between them several rounds are one pass.
    """
    if look.distinct >= total:
        return True
    rounds = max(1, round(look.examples / max(1, look.distinct)))
    mistaken = look.from_training if look.from_training <= (1 - NEARLY) * total * rounds else 0
    return look.distinct >= NEARLY * total and look.examples + look.unknown + mistaken >= rounds * total


def len_of_test(case: Case) -> int:
    accuracy = case.verification.accuracy
    return sum(map(sum, accuracy.confusion)) if accuracy.confusion else 0


def _learnt_from_test(case: Case) -> bool:
    return case.verification.training.test_rows > 0


def _no_phase(answer: Answer, case: Case) -> Verdict:
    if case.verification.data.mistaken:
        return answer.met("a test phase (on the wrong set, which question 1 charges)")
    if case.verification.layout in ("unknown", BATCH_SCRAMBLED) and case.verification.other_passes:
        return answer.not_assessed("the images of the test phase could not be matched with the data set")
    if case.verification.probe.ignores_input and case.verification.training_passes > 1:
        return answer.not_assessed("the model does not look at the images that it is given (charged in question 2.2)")
    if case.verification.training_passes > 1 and case.own_loop:
        return answer.lost(
            "the test phase looks at training images",
            "test.on-training-data",
            place=case.verification.test_place,
            confidence="proved",
        )
    reason = case.why_not_run("3.3")
    return (
        answer.not_assessed(f"no test phase was seen, for {reason}")
        if reason
        else answer.lost("the model never sees the test images", "test.missing")
    )


def _gradients_on(case: Case) -> tuple[Finding, ...]:
    """A test phase that keeps the graph: a note without a deduction."""
    flags = case.evidence.events.flags
    for look in case.verification.passes:
        if look.event < len(flags) and flags[look.event] & Flag.GRAD_ENABLED:
            text = "gradients are recorded in the test phase, which takes time and memory"
            return (note(case, "test.gradients-on", "3.3", text, case.verification.test_place),)
    return ()


def no_learning(case: Case, spec: CheckSpec) -> Verdict:
    """No test image has a part in any update."""
    answer = Answer(case, spec, "nothing is learnt from test images")
    if case.evidence.reference_loop:
        return answer.unmet(ONLY_MODEL)
    facts = case.verification.training
    if not case.trained and case.verification.passes and case.why_not_run("3.3") is None:
        return answer.met("nothing is learnt at all (that it is not is charged in question 3.1)")
    if not case.trained:
        return answer.absent("training that could be told from testing")
    if case.verification.data.mistaken:
        return answer.met("each phase keeps to its set (that the sets are swapped is charged in question 1)")
    if facts.test_rows and facts.test_distinct > 1:
        message = f"{facts.test_distinct:,} test images take part in backward passes"
        finding = "test.updates-model" if not case.verification.passes else "data.test-in-training"
        return answer.lost(message, finding, place=case.verification.train_place, confidence="proved")
    if facts.known < 0.5 * facts.examples:
        return answer.not_assessed("the images that were learnt from could not be matched with the data set")
    if not case.verification.passes:
        reason = case.why_not_run("3.3")
        if reason or case.verification.other_passes:
            return answer.met("no test image takes part in an update", confidence="proved")
        return answer.unmet("there is no test phase that could keep from learning")
    return answer.met("no test image takes part in an update", confidence="proved")


def reported(case: Case, spec: CheckSpec) -> Verdict:
    """Loss or accuracy of the test phase stand in the output."""
    answer = Answer(case, spec, "test loss or test accuracy are shown")
    if case.evidence.reference_loop:
        return answer.unmet(ONLY_MODEL)
    facts = case.verification.reported
    measured = case.verification.accuracy.measured
    notes: tuple[Finding, ...] = ()
    if facts.accuracy is not None and measured is not None:
        notes = _mismatch(case, facts.accuracy, measured, float(spec.parameters["reported_tolerance"]))
    if facts.wrong is not None:
        place = case.verification.test_place
        return answer.lost(facts.wrong.text, facts.wrong.finding, place=place, confidence="proved", more=notes)
    false = _false_claim(case)
    if false is not None:
        return replace(answer.not_assessed(false), findings=notes)
    if facts.recognised or facts.accuracy is not None:
        shown = f"test accuracy {facts.accuracy:.2%}" if facts.accuracy is not None else "figures of the test phase"
        return answer.met(shown, confidence="proved" if facts.recognised else "observed", notes=notes)
    tested = bool(case.verification.passes) or _learnt_from_test(case)
    if facts.mentions and tested:
        return answer.met("figures are shown that could not be matched with the recomputed ones")
    if not tested:
        return answer.absent("test phase whose figures could be shown")
    reason = case.cut_by or case.why_not_run("3.3")
    if reason is not None:
        return answer.not_assessed(f"no figure of the test phase was shown, for {reason}")
    return answer.unmet(
        "no figure of the test phase is shown",
        "Print the test loss and the test accuracy in every epoch.",
        case.verification.test_place,
    )


def _false_claim(case: Case) -> str | None:
    """Why a shown test accuracy is no figure of this program: it is far from all that the trusted side measures."""
    facts, measured = case.verification.reported, case.verification.accuracy.measured
    if facts.accuracy is None or measured is None or facts.recognised or case.verification.probe.agrees is False:
        return None
    accuracies = (measured, *(p.accuracy for p in case.verification.passes), *case.verification.training.accuracies)
    if any(known is None or abs(facts.accuracy - known) <= FAR for known in accuracies):
        return None
    return f"a test accuracy of {facts.accuracy:.2%} is shown, where the model gets {measured:.2%}"


def _mismatch(case: Case, claimed: float, measured: float, tolerance: float) -> tuple[Finding, ...]:
    if math.isnan(measured) or abs(claimed - measured) <= max(tolerance, 1e-9):
        return ()
    distinct = max([p.distinct for p in case.verification.passes], default=0)
    text = f"the program reports {claimed:.2%}; on all test images its model gets {measured:.2%}"
    if distinct and distinct < NEARLY * len_of_test(case):
        text += f" (the reported figure is over {distinct:,} different images)"
    return (note(case, "report.accuracy-mismatch", "3.3", text, case.verification.test_place, "proved"),)
