"""Question 2.2: image -> z_1 -> v_1 -> u_2 -> logits, judged against the student's own layers."""

from __future__ import annotations

from collections import Counter

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict, note
from grader.checks.result import Finding
from grader.evidence.values import Place
from grader.verify.result import BATCH_SCRAMBLED, MIXED, SCRAMBLED, Architecture

# Double softmax in its variants, by the name that the gradient oracle gives the loss.
SOFTMAX_TWICE = ("cross entropy of softmax", "cross entropy of softmax over the batch")
# Other functions of the scores before the cross entropy.
ON_LOGITS = {"cross entropy of ReLU": "ReLU", "cross entropy of sigmoid": "a sigmoid"}


def _architecture(case: Case) -> Architecture | None:
    found = case.verification.architecture
    return found if found is not None and (found.convolution_shape or found.dense_in) else None


def _stopped(answer: Answer, case: Case, what: str) -> Verdict:
    """The forward pass never got to `what`."""
    architecture = case.verification.architecture
    if architecture is not None and architecture.error:
        return answer.not_assessed(f"the forward pass stops before with {architecture.error}")
    return answer.absent(what)


def image(case: Case, spec: CheckSpec) -> Verdict:
    """The convolution gets each image upright and whole: (N, 1, 28, 28)."""
    answer = Answer(case, spec, "x as (N, 1, 28, 28), each image upright")
    layout = case.verification.layout
    found = _architecture(case)
    if found is None:
        return _stopped(answer, case, "forward pass")
    place = found.convolution.place if found.convolution else None
    if layout in ("transposed", "flipped", "mirrored", "rotated"):
        return answer.lost(
            f"the images reach the convolution {layout}", "forward.transposed-image", place=place, confidence="proved"
        )
    if layout in (SCRAMBLED, BATCH_SCRAMBLED):
        text = f"the pixels reach the convolution in another order ({layout})"
        return answer.lost(text, "forward.scrambled-image", place=place, confidence="proved")
    if layout == "unknown":
        return answer.not_assessed("what reaches the convolution could not be matched with the images of the data set")
    return answer.met("every image reaches the convolution as it is", confidence="proved")


def convolution_output(case: Case, spec: CheckSpec) -> Verdict:
    """z_1 has the shape that the student's own convolution gives; a wrong convolution was charged in 2.1."""
    answer = Answer(case, spec, "z_1 with shape (N, 10, 11, 11)")
    found = _architecture(case)
    if found is None or found.convolution_shape is None:
        return _stopped(answer, case, "output of a convolution")
    return answer.met(f"z_1 with shape (N, {', '.join(map(str, found.convolution_shape))})", confidence="proved")


def activation_applied(case: Case, spec: CheckSpec) -> Verdict:
    """What the activation makes is what goes on."""
    answer = Answer(case, spec, "v_1 = ReLU(z_1), and v_1 goes on")
    found = _architecture(case)
    if found is None or found.activation is None:
        return _stopped(answer, case, "activation")
    if found.activation_discarded:
        return answer.lost(
            "ReLU is computed, but z_1 goes on without it",
            "forward.activation-discarded",
            place=found.activation_place or found.dense_place,
            confidence="proved",
        )
    if found.activation == "none":
        return answer.met("nothing to apply (the missing activation is charged in question 2.1)")
    return answer.met(f"{found.activation} is applied to z_1 and its result goes on", confidence="proved")


def flattened(case: Case, spec: CheckSpec) -> Verdict:
    """u_2 is one row an image."""
    answer = Answer(case, spec, f"u_2 with shape (N, {spec.parameters['features']})")
    found = _architecture(case)
    if found is None or found.dense_in is None:
        return _stopped(answer, case, "flattening")
    if found.dense_rows is not None and found.dense_rows != found.rows and not _vector(found):
        return answer.lost(
            f"{found.rows} images become {found.dense_rows} rows of {found.dense_in}",
            "forward.batch-mixed",
            place=found.dense_place,
            confidence="proved",
        )
    if found.flatten_order == MIXED:
        return answer.lost(
            "the row of an image holds values of other images of its batch",
            "forward.batch-mixed",
            place=found.dense_place,
            confidence="proved",
        )
    notes: list[Finding] = []
    failed = case.verification.probe.sizes_failed
    if failed and 30 not in failed:
        notes.append(
            note(
                case,
                "forward.fixed-batch",
                "2.2",
                f"the forward pass fails for a batch of {min(failed)}: {failed[min(failed)]}",
            )
        )
    return answer.met(f"u_2 with shape (N, {found.dense_in})", confidence="proved", notes=tuple(notes))


def _vector(found: Architecture) -> bool:
    return found.rows == 1


def logits(case: Case, spec: CheckSpec) -> Verdict:
    """Ten unbounded scores: the cross entropy applies the softmax itself."""
    answer = Answer(case, spec, f"y_hat as logits, (N, {spec.parameters['classes']}), without softmax")
    found = _architecture(case)
    if found is None or found.dense_out is None:
        return _stopped(answer, case, "class scores")
    if case.verification.probe.ignores_input:
        text = "the model gives the same scores for other images: it does not look at the ones that it is given"
        return answer.lost(text, "forward.wrong-output", place=found.dense_place, confidence="proved")
    losses = [loss for loss, _ in Counter(s.loss for s in case.steps if s.loss).most_common(1)]
    place = _softmax_place(found)
    if losses and losses[0] in SOFTMAX_TWICE:
        text = "softmax is applied before the cross entropy, which applies it again"
        return answer.lost(text, "loss.double-softmax", place=place, confidence="proved")
    if losses and losses[0] in ON_LOGITS:
        text = f"{ON_LOGITS[losses[0]]} is applied to the logits"
        return answer.lost(text, "forward.activation-on-logits", place=place, confidence="proved")
    cuts = [s.cut for s in case.steps if s.cut is not None]
    if cuts and all(cuts):
        return answer.lost(
            "the forward pass cuts the graph, so that no gradient comes back",
            "forward.detached",
            place=found.detached,
            confidence="proved",
        )
    names = [name for name, _ in found.after]
    if not losses and names[:1] == ["softmax"] and case.evidence.reference_loop:
        return answer.lost("the model returns probabilities", "loss.double-softmax", place=place)
    return answer.met(
        f"scores (N, {found.dense_out}) without softmax before the loss", confidence="proved" if losses else "observed"
    )


def _softmax_place(found: Architecture) -> Place | None:
    return next(
        (place for name, place in found.after if name != "log-softmax" and place is not None), found.dense_place
    )
