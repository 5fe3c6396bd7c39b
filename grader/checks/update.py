"""Question 3.2: one optimizer step a batch, gradients cleared once a step."""

from __future__ import annotations

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict
from grader.checks.training import NO_BACKWARD, ONLY_MODEL, without_model

MOSTLY = 0.5
NEARLY_ALL = 0.999


def _no_loop(answer: Answer, case: Case) -> Verdict | None:
    if case.evidence.reference_loop:
        return answer.unmet(ONLY_MODEL)
    if case.only_looked:
        return answer.not_assessed(NO_BACKWARD)
    return None if case.trained else answer.absent("training loop")


def step(case: Case, spec: CheckSpec) -> Verdict:
    """The parameters move once a batch."""
    size = spec.parameters["batch_size"]
    answer = Answer(case, spec, "one optimizer step a batch")
    missing = _no_loop(answer, case)
    if missing is not None:
        return missing
    facts = case.verification.training
    place = case.verification.step_place or case.verification.train_place
    if not facts.updates and case.cut_by:
        return answer.not_assessed(f"no update, for {case.cut_by}")
    if not facts.updates:
        return answer.lost(
            "no update in the whole training: the parameters stay as they were made",
            "update.no-step",
            place=case.verification.train_place,
            confidence="proved",
        )
    wrong_owner = case.verification.optimizer_parameters in ("none", "some")
    if facts.window_rows == 1 and MOSTLY < facts.stale_first < NEARLY_ALL:
        return answer.lost(
            "one step for every image, while the gradients are cleared once a batch",
            "update.step-frequency",
            place=place,
            confidence="proved",
        )
    if facts.window_batches > 1 and facts.batch_rows >= size and facts.window_rows > facts.batch_rows:
        return answer.lost(
            f"one step for every {facts.window_batches:.0f} batches",
            "update.step-frequency",
            place=place,
            confidence="proved",
        )
    if wrong_owner:
        return answer.met("one step a batch (whose parameters it moves belongs to question 2.3)", confidence="proved")
    return answer.met(f"{facts.updates:,} updates for {facts.batches:,} backward passes", confidence="proved")


def zero_grad(case: Case, spec: CheckSpec) -> Verdict:
    """No gradient of an earlier batch is left at a backward pass, and this batch's is there at the update."""
    answer = Answer(case, spec, "gradients cleared once a step")
    missing = _no_loop(answer, case)
    if missing is not None:
        return missing
    facts = case.verification.training
    place = case.verification.train_place
    empty = _without_gradients(answer, case)
    if empty is not None:
        return empty
    if not facts.updates:
        stale = facts.stale_unupdated
        if stale is not None and stale > MOSTLY:
            return answer.lost(
                "gradients add up over all batches", "update.no-zero-grad", place=place, confidence="proved"
            )
        return answer.met("no old gradient is left at a backward pass", confidence="proved")
    if facts.window_rows == 1 and MOSTLY < facts.stale_first < NEARLY_ALL:
        return answer.met("the gradients are cleared once a batch (the step's place is charged above)")
    if facts.stale_first > MOSTLY:
        return answer.lost(
            f"old gradients are still there at {facts.stale_first:.0%} of the updates, so that they add up",
            "update.no-zero-grad",
            place=place,
            confidence="proved",
        )
    if facts.stale_inner is not None and facts.window_batches > 1 and facts.stale_inner < MOSTLY:
        return answer.lost(
            f"the gradients are cleared {facts.window_batches:.0f} times a step, which then uses the last one alone",
            "update.zero-frequency",
            place=place,
            confidence="proved",
        )
    if facts.stale_first > 0.02:
        return answer.lost(
            f"old gradients are still there at {facts.stale_first:.0%} of the updates",
            "update.zero-frequency",
            share=0.5,
            place=place,
            confidence="proved",
        )
    return answer.met("no old gradient is left when a batch begins", confidence="proved")


def _without_gradients(answer: Answer, case: Case) -> Verdict | None:
    """What is said where the updates found no gradients of the model; None where they did."""
    facts = case.verification.training
    if without_model(case) or (case.steps and all(s.vanishes for s in case.steps)):
        return answer.met("there are no gradients that could be left (why is charged before)")
    # Scores that are saturated leave gradients of zero too: then some of the examined updates had one.
    if facts.without_gradient > MOSTLY and not any(u.had_gradient for u in case.verification.updates):
        return answer.lost(
            "the gradients are cleared before the step can use them",
            "update.cleared-before-step",
            place=case.verification.step_place or case.verification.train_place,
            confidence="proved",
        )
    if case.verification.optimizer_parameters == "none" and facts.untouched > MOSTLY:
        return answer.met("the gradients of the parameters that the optimizer holds are cleared")
    return None
