"""Question 3.1: one-hot targets, the gradient of the mean loss, batches of 30 through all the data, 10 epochs."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict, note
from grader.checks.result import Finding
from grader.verify.result import BROADCAST, Target

# From this share on, consecutive batches overlap and don't merely share an image by chance.
OVERLAPPING = 0.3
ONLY_MODEL = "the module only defines a model"
NO_BACKWARD = "there is no backward pass (charged in question 3.1)"
# A gradient in another direction than this was not a rounding error (measured: right ones have cosine 1.0000).
RIGHT_COSINE = 0.999


def _no_loop(answer: Answer, case: Case) -> Verdict | None:
    if case.evidence.reference_loop:
        return answer.unmet(ONLY_MODEL)
    if case.only_looked:
        return answer.not_assessed(NO_BACKWARD)
    return None if case.trained else answer.absent("training with a backward pass")


def without_model(case: Case) -> bool:
    """Whether no gradient ever reaches the model, because the loss was cut from it or made anew."""
    return (
        bool(case.steps)
        and all(s.apart for s in case.steps)
        and not any(u.had_gradient for u in case.verification.updates)
    )


def targets(case: Case, spec: CheckSpec) -> Verdict:
    """The loss gets one-hot rows, each of the class of its own image."""
    answer = Answer(case, spec, f"one-hot targets (N, {spec.parameters['classes']}) of the batch's own labels")
    missing = _no_loop(answer, case)
    if missing is not None:
        return missing
    seen = [s.target for s in case.steps if s.target is not None]
    if not seen:
        return answer.not_assessed("the targets that the loss was given could not be told")
    several = [t for t in seen if t.kind == "several"]
    if len(several) * 2 > len(seen):
        return answer.lost(
            "rows of the targets name several classes at once",
            "target.not-one-hot",
            place=several[0].place,
            confidence="proved",
        )
    wrong = [t for t in seen if t.judged and t.wrong > 0.1 * t.judged]
    if len(wrong) * 2 > len(seen):
        return _wrong_classes(answer, wrong, seen)
    if Counter(s.loss for s in case.steps).most_common(1)[0][0] == BROADCAST:
        return answer.lost(
            "the shape of the targets makes the loss compare every image with every target",
            "target.misaligned",
            place=seen[0].place,
            confidence="proved",
        )
    kind, _ = Counter(t.kind for t in seen).most_common(1)[0]
    example = next(t for t in seen if t.kind == kind)
    shape = f"({', '.join('N' if i == 0 and len(example.shape) > 1 else str(n) for i, n in enumerate(example.shape))})"
    if kind == "index":
        return answer.lost(
            f"class indices of {example.dtype}, not one-hot rows",
            "target.not-one-hot",
            place=example.place,
            confidence="proved",
        )
    return answer.met(
        f"{'one-hot' if kind in ('one_hot', 'smoothed') else 'soft'} targets {shape} of the right classes",
        confidence="proved",
    )


def _wrong_classes(answer: Answer, wrong: list[Target], seen: list[Target]) -> Verdict:
    first = wrong[0]
    message = f"{first.wrong} of {first.judged} targets of a batch name another class than their image's"
    if sum(t.permuted for t in wrong) * 2 > len(wrong):
        return answer.lost(message, "target.misaligned", place=first.place, confidence="proved")
    # Targets of other images are right by chance now and then; a wrong encoding never is.
    always = sum(t.wrong for t in seen) > 0.95 * sum(t.judged for t in seen)
    finding = "target.wrong-class" if always else "target.misaligned"
    return answer.lost(message, finding, place=first.place, confidence="proved")


# Marked graphs of losses that are still there 64 batches later: none in a program that lets them go.
KEPT, KEPT_SHARE = 3, 0.2


def gradient(case: Case, spec: CheckSpec) -> Verdict:
    """The gradient itself, and whether the graphs of the losses are let go after it."""
    verdict = _gradient(case, spec)
    kept, checked, *_ = (*(case.evidence.state.graphs if case.evidence.state is not None else ()), 0, 0)
    if kept < KEPT or kept < KEPT_SHARE * checked or not case.own_loop:
        return verdict
    text = f"{kept} of {checked} losses that were looked at keep their graphs, so that memory grows with every batch"
    place = case.verification.train_place
    return replace(verdict, findings=(*verdict.findings, note(case, "train.keeps-graph", "3.1", text, place)))


def _gradient(case: Case, spec: CheckSpec) -> Verdict:
    """What each backward pass adds is the gradient of the student's own loss, over all images since the last update."""
    answer = Answer(case, spec, "the gradient of the loss over the whole batch")
    if case.only_looked and not case.evidence.reference_loop:
        return answer.lost("the model is run, but there is no backward pass", "train.no-backward")
    missing = _no_loop(answer, case)
    if missing is not None:
        return missing
    judged = [s for s in case.steps if s.gradient_matches is not None]
    place = next((s.backward_place for s in case.steps if s.backward_place), None)
    if without_model(case):
        text = "the backward pass begins at a value that is not computed from the model, which gets no gradient"
        return answer.lost(text, "train.no-backward", place=place, confidence="proved")
    partial = [s for s in case.steps if s.unlinked and s.linked]
    if partial and len(partial) * 2 > len([s for s in case.steps if s.linked]):
        first = partial[0]
        total = first.unlinked + len(first.linked)
        return answer.lost(
            f"the loss takes in {len(first.linked)} of the {total} forward passes before it",
            "train.wrong-gradient",
            place=first.loss_place,
            confidence="proved",
        )
    narrow = [s for s in case.steps if s.rows_without_loss]
    if narrow and len(narrow) * 2 > len(case.steps):
        return answer.lost(
            f"{narrow[0].rows_without_loss} images of a batch have no part in its loss",
            "train.wrong-gradient",
            place=narrow[0].loss_place,
            confidence="proved",
        )
    if judged and sum(s.negated for s in judged) * 2 > len(judged):
        return answer.lost(
            "the loss is negated, so that training makes it larger", "train.maximises", place=place, confidence="proved"
        )
    if not judged:
        reason = next((s.reason for s in case.steps if s.reason), None)
        if any(s.cut for s in case.steps):
            return answer.met("what the cut graph leaves (the cut is charged in question 2.2)")
        return answer.not_assessed(
            f"the gradient could not be recomputed: {reason or 'no backward pass was recorded in full'}"
        )
    wrong = [s for s in judged if not s.gradient_matches and (s.cosine is None or s.cosine < RIGHT_COSINE)]
    if len(wrong) * 2 > len(judged):
        cosine = wrong[0].cosine
        text = "the gradient is not that of the loss" + (f" (cosine {cosine:.2f})" if cosine is not None else "")
        return answer.lost(text, "train.wrong-gradient", place=place, confidence="proved")
    return answer.met(f"the recomputed gradient agrees at all {len(judged)} examined updates", confidence="proved")


def batches(case: Case, spec: CheckSpec) -> Verdict:
    """Batches of the asked size that go through the whole training set."""
    size, coverage = spec.parameters["batch_size"], spec.parameters["coverage"]
    answer = Answer(case, spec, f"batches of {size} that go through the whole training set")
    missing = _no_loop(answer, case)
    if missing is not None:
        return missing
    facts = case.verification.training
    place = case.verification.train_place
    if case.verification.data.mistaken:
        return answer.met("batches of the set that was loaded (which one is charged in question 1)")
    if facts.known < 0.5 * facts.examples:
        return answer.not_assessed("the images that were learnt from could not be matched with the training set")
    seen = f"{facts.distinct:,} of {facts.total:,} training images"
    ran_out = bool(case.ran_out)
    if facts.overlap > OVERLAPPING and not facts.same_batch and facts.distinct < coverage * facts.total:
        return answer.lost(
            f"each batch repeats {facts.overlap:.0%} of the one before; the training sees {seen}",
            "train.overlapping-batches",
            place=place,
            confidence="proved",
        )
    extra = _other_size(case, size)
    stopped = case.cut_by
    if facts.distinct < coverage * facts.total and stopped:
        return answer.not_assessed(stopped)
    if facts.distinct < coverage * facts.total and (not ran_out or facts.same_batch):
        short_data = facts.prefix and not facts.same_batch and facts.batches > 1 and not _breaks_off(case)
        name = "data.truncated" if short_data else "train.coverage"
        return answer.lost(f"the training sees {seen}", name, place=place, confidence="proved", more=extra)
    if extra:
        return answer.lost(extra[0].message, "train.batch-size", place=place, confidence="proved")
    return answer.met(f"batches of {size}; the training sees {seen}", confidence="proved")


def _breaks_off(case: Case) -> bool:
    """Whether the loop that holds the backward pass has a `break`: then it is left early, and the data are whole."""
    place = case.verification.train_place
    source = case.sources.get((place.file, place.cell), "") if place is not None else ""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    loops = [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While))]
    around = [loop for loop in loops if place and loop.lineno <= place.line <= (loop.end_lineno or loop.lineno)]
    return any(isinstance(node, ast.Break) for loop in around for node in ast.walk(loop))


def _other_size(case: Case, size: int) -> tuple[Finding, ...]:
    facts = case.verification.training
    sizes = {facts.window_rows, facts.batch_rows} if not _per_image_updates(case) else {size}
    if size in sizes or not facts.batch_rows:
        return ()
    rows = facts.window_rows or facts.batch_rows
    return (
        note(
            case,
            "train.batch-size",
            "3.1",
            f"batches of {rows} images instead of {size}",
            case.verification.train_place,
            "proved",
        ),
    )


def _per_image_updates(case: Case) -> bool:
    """One update an image, gradients cleared more rarely: the update's place is wrong, not the batch."""
    facts = case.verification.training
    return facts.window_rows == 1 and 0.5 < facts.stale_first < 0.999


def epochs(case: Case, spec: CheckSpec) -> Verdict:
    """As many passes through the (own) training data as asked."""
    wanted = spec.parameters["epochs"]
    answer = Answer(case, spec, f"{wanted} epochs")
    missing = _no_loop(answer, case)
    if missing is not None:
        return missing
    facts = case.verification.training
    if case.verification.data.mistaken:
        return answer.met("epochs over the set that was loaded (which one is charged in question 1)")
    if facts.known < 0.5 * facts.examples:
        return answer.not_assessed("the images that were learnt from could not be matched with the training set")
    seen = facts.epochs
    if facts.same_batch or abs(seen - wanted) <= 0.05 * wanted:
        return answer.met(
            "every epoch repeats one batch (charged above)" if facts.same_batch else f"{seen:.3g} epochs",
            confidence="proved",
        )
    stopped = case.cut_by or case.ran_out
    if stopped and seen < wanted:
        return answer.not_assessed(f"{seen:.3g} epochs, then {stopped}")
    return answer.lost(f"{seen:.3g} epochs", "train.epochs", place=case.verification.train_place, confidence="proved")
