"""The oracle: names the loss by its gradient, judges the targets, and recomputes what each backward pass added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.evidence import Evidence
from grader.verify.oracle import LOSSES, RIGHT_LOSS, name_loss, prove_step
from grader.verify.result import StepProof
from tests.verify.traces import CLASSES, CNN, IMAGES, ROWS, batch, batches_of, one_hot, record_step, trace_of

LABELS = torch.from_numpy(IMAGES.labels[list(ROWS)])


def prove(evidence: Evidence) -> StepProof:
    return prove_step(trace_of(evidence), batches_of(evidence), CLASSES)


def random_batch(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(30, CLASSES, generator=generator, requires_grad=True)
    return scores, F.one_hot(torch.randint(0, CLASSES, (30,), generator=generator), CLASSES).double()


# Of one-hot targets these have, up to scale, one and the same gradient: both are sums of 1 - softmax at the label.
SAME_GRADIENT = {
    "mean absolute error of softmax": "negative log-likelihood of softmax",
    "cross entropy of softmax with swapped arguments": "negative log-likelihood of softmax",
}


@pytest.mark.parametrize("scale", [1.0, 1 / 30, 1 / 300, 50.0])
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "cross entropy with label smoothing"])
def test_each_loss_is_named(name: str, scale: float) -> None:
    """Of every loss in the table the gradient names that loss, whatever its scale; a negative scale is told."""
    scores, targets = random_batch(0)
    gradient = LOSSES[name](scores, targets)
    for sign in (1, -1):
        root = (scores * (sign * gradient * scale).float()).sum()
        assert name_loss(scores, root, targets) == (SAME_GRADIENT.get(name, name), sign < 0)


def test_label_smoothing_is_named() -> None:
    """Label smoothing is told from the plain cross entropy, to which its gradient is near."""
    scores, targets = random_batch(0)
    name = "cross entropy with label smoothing"
    assert name_loss(scores, (scores * LOSSES[name](scores, targets).float()).sum(), targets) == (name, False)


def nll(apply: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda scores, target: F.nll_loss(apply(scores), target.argmax(1))


def first(
    function: Callable[..., Tensor], apply: Callable[[Tensor], Tensor], **options: object
) -> Callable[..., Tensor]:
    return lambda scores, target: function(apply(scores), target, **options)


softmax, log_softmax = partial(torch.softmax, dim=1), partial(torch.log_softmax, dim=1)
WAYS: dict[str, tuple[Callable[..., Tensor], str]] = {
    "one-hot": (F.cross_entropy, RIGHT_LOSS),
    "indices": (lambda s, t: F.cross_entropy(s, t.argmax(1)), RIGHT_LOSS),
    "module": (nn.CrossEntropyLoss(), RIGHT_LOSS),
    "sum": (partial(F.cross_entropy, reduction="sum"), RIGHT_LOSS),
    "scaled": (lambda s, t: F.cross_entropy(s, t) / 7, RIGHT_LOSS),
    "none, then mean": (lambda s, t: F.cross_entropy(s, t, reduction="none").mean(), RIGHT_LOSS),
    "log_softmax and nll": (nll(log_softmax), RIGHT_LOSS),
    "log_softmax and cross entropy": (first(F.cross_entropy, log_softmax), RIGHT_LOSS),
    "by hand": (lambda s, t: -(t * log_softmax(s)).sum(1).mean(), RIGHT_LOSS),
    "log of softmax": (lambda s, t: -(t * softmax(s).log()).sum(1).mean(), RIGHT_LOSS),
    "logsumexp": (lambda s, t: (s.logsumexp(1) - (s * t).sum(1)).mean(), RIGHT_LOSS),
    "row by row": (lambda s, t: sum(F.cross_entropy(s[i : i + 1], t[i : i + 1]) for i in range(30)) / 30, RIGHT_LOSS),
    "double softmax": (first(F.cross_entropy, softmax), "cross entropy of softmax"),
    "softmax over the batch": (
        first(F.cross_entropy, partial(torch.softmax, dim=0)), "cross entropy of softmax over the batch",
    ),
    "sigmoid first": (first(F.cross_entropy, torch.sigmoid), "cross entropy of sigmoid"),
    "ReLU first": (first(F.cross_entropy, torch.relu), "cross entropy of ReLU"),
    "nll of scores": (nll(lambda s: s), "negative log-likelihood without log-softmax"),
    "nll of softmax": (nll(softmax), "negative log-likelihood of softmax"),
    "squares": (F.mse_loss, "mean squared error"),
    "squares of softmax": (first(F.mse_loss, softmax), "mean squared error of softmax"),
    "squares of sigmoid": (first(F.mse_loss, torch.sigmoid), "mean squared error of sigmoid"),
    "absolute": (F.l1_loss, "mean absolute error"),
    "smooth": (F.smooth_l1_loss, "smooth L1"),
    "binary": (F.binary_cross_entropy_with_logits, "binary cross entropy"),
    "binary of sigmoid": (first(F.binary_cross_entropy, torch.sigmoid), "binary cross entropy"),
    "binary of softmax": (first(F.binary_cross_entropy, softmax), "binary cross entropy of softmax"),
    "label smoothing": (partial(F.cross_entropy, label_smoothing=0.1), "cross entropy with label smoothing"),
    "label smoothing of indices": (
        lambda s, t: F.cross_entropy(s, t.argmax(1), label_smoothing=0.1), "cross entropy with label smoothing",
    ),
    "swapped": (lambda s, t: F.cross_entropy(t, s), "cross entropy with swapped arguments"),
}  # fmt: skip


# What the oracle does not tell apart while all scores are still near 0, and what not when most images are learnt.
OPEN = {"row by row": "targets that reach the loss row by row are not put together"}


def learnt() -> CNN:
    """A model that is some way into its training."""
    model = CNN()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for _ in range(25):
        optimizer.zero_grad()
        F.cross_entropy(model(batch(range(120))), one_hot(range(120))).backward()
        optimizer.step()
    optimizer.zero_grad()
    return model


def ways(open_too: dict[str, str]) -> list[object]:
    return [
        pytest.param(way, marks=pytest.mark.xfail(strict=True, reason=open_too[way])) if way in open_too else way
        for way in WAYS
    ]


@pytest.mark.parametrize("way", ways(OPEN))
def test_losses_as_students_write_them(way: str) -> None:
    """The recorded step of a real model names its loss; targets and gradient are right in all of them."""
    loss, name = WAYS[way]
    proof = prove(record_step(learnt(), loss))
    assert (proof.loss, proof.negated, proof.reason) == (name, False, None)
    assert proof.target is not None
    assert (proof.target.wrong, proof.target.judged) == (0, 30)
    assert proof.equivalent
    assert proof.gradient_matches
    assert proof.cosine == pytest.approx(1, abs=1e-5)
    assert proof.cut is False


@pytest.mark.parametrize("way", ways(OPEN))
def test_losses_at_the_very_first_step(way: str) -> None:
    """They are named at the first step too, where a fresh model's scores are all alike."""
    loss, name = WAYS[way]
    assert prove(record_step(CNN(), loss)).loss == name


def test_targets_outside_the_unit_interval() -> None:
    """Targets of -1 and +1, as for tanh outputs, are another kind of target, and no error of the grader's."""
    proof = prove(record_step(learnt(), lambda s, t: ((s.tanh() - t) ** 2).mean(), targets=2 * one_hot() - 1))
    assert proof.target is not None
    assert proof.target.kind == "other"


def test_loss_that_is_none_of_the_table() -> None:
    """A loss of the student's own is another loss, and its gradient is still right."""
    proof = prove(record_step(CNN(), lambda s, t: ((s - t) ** 4).mean()))
    assert (proof.loss, proof.gradient_matches) == ("another loss", True)


def test_negated_cross_entropy() -> None:
    """A step that climbs the cross entropy is told."""
    proof = prove(record_step(CNN(), lambda s, t: -F.cross_entropy(s, t)))
    assert (proof.loss, proof.negated) == (RIGHT_LOSS, True)


@pytest.mark.parametrize(
    ("targets", "kind", "wrong", "permuted"),
    [
        (one_hot(), "one_hot", 0, False),
        (one_hot().double(), "one_hot", 0, False),
        (LABELS, "index", 0, False),
        (one_hot() * 0.9 + 0.01, "smoothed", 0, False),
        (one_hot().flip(0), "one_hot", int((LABELS.flip(0) != LABELS).sum()), True),
        (LABELS.roll(1), "index", int((LABELS.roll(1) != LABELS).sum()), True),
        (F.one_hot((LABELS + 1) % 10, 10).float(), "one_hot", 30, sorted((LABELS + 1) % 10) == sorted(LABELS)),
        (torch.zeros(30, dtype=torch.int64), "index", int((LABELS != 0).sum()), False),
    ],
    ids=["one-hot", "double", "index", "soft", "reversed", "shifted", "another class", "zeros"],
)
def test_targets(targets: Tensor, kind: str, wrong: int, permuted: bool) -> None:
    """Form of the targets, how many name another class than their image's, and whether they are the batch's own."""
    loss = F.cross_entropy if targets.dtype != torch.float64 else lambda s, t: F.cross_entropy(s.double(), t)
    found = prove(record_step(CNN(), loss, targets=targets)).target
    assert found is not None
    assert (found.kind, found.wrong, found.judged, found.permuted) == (kind, wrong, 30, permuted)
    assert found.shape == tuple(targets.shape)


def test_arange_is_not_taken_for_the_target() -> None:
    """Indexing with `arange(N)` puts another row of whole numbers beside the labels; the labels are the target."""
    loss = lambda s, t: -log_softmax(s)[torch.arange(30) % 10 * 0 + torch.arange(30), t].mean()  # noqa: E731
    found = prove(record_step(CNN(), loss, targets=LABELS)).target
    assert found is not None
    assert (found.kind, found.wrong) == ("index", 0)


def test_rescaled_images_are_made_again() -> None:
    """Normalised batches are remade from the trusted images."""
    data = (batch() - 0.1307) / 0.3081
    evidence = record_step(CNN(), data=data)
    batches = batches_of(evidence)
    assert batches.rescaling is not None
    assert batches.rescaling.scale == pytest.approx(1 / 0.3081, rel=1e-4)
    proof = prove(evidence)
    assert (proof.loss, proof.equivalent, proof.gradient_matches) == (RIGHT_LOSS, True, True)


def test_forged_gradient() -> None:
    """A gradient that was not the loss's is found out."""
    evidence = record_step(CNN())
    trace = trace_of(evidence)
    forged = {
        n: a + np.float32(np.abs(a).mean() + 1e-3) if n.startswith("added/all") else a for n, a in trace.arrays.items()
    }
    proof = prove_step(replace(trace, arrays=forged), batches_of(evidence), CLASSES)
    assert proof.gradient_matches is False
    assert proof.cosine is not None
    assert proof.cosine < 0.999


def test_forged_values() -> None:
    """Recorded scores that the recorded operations do not give are found out."""
    evidence = record_step(CNN())
    trace = trace_of(evidence)
    dense = next(node for node in trace.nodes if node.op.startswith("aten.addmm"))
    scores = f"value/{dense.outputs[0]}"
    forged = {**trace.arrays, scores: trace.arrays[scores] + 1}
    assert prove_step(replace(trace, arrays=forged), batches_of(evidence), CLASSES).equivalent is False


def test_detached_first_layer() -> None:
    """A forward pass that cuts the graph sends no gradient to its convolution."""

    class Cut(CNN):
        def forward(self, x: Tensor) -> Tensor:
            return self.dense(F.relu(self.conv(x)).detach().flatten(1))

    assert prove(record_step(Cut())).cut is True


def test_loss_over_part_of_the_batch() -> None:
    """A loss that takes in the first row alone has its own right gradient and a name all the same."""
    proof = prove(record_step(CNN(), lambda s, t: F.cross_entropy(s[:1], t[:1])))
    assert proof.gradient_matches


def test_loss_without_images() -> None:
    """A backward pass that the images have no part in has a reason instead of a proof."""
    model = CNN()
    model(batch())
    proof = prove(record_step(model, lambda s, t: model.dense.weight.sum()))
    assert proof.loss is None
    assert proof.reason


def test_unlisted_operation_is_a_reason() -> None:
    """A forward pass that the replay refuses is not judged, and says why."""
    proof = prove(record_step(CNN(), lambda s, t: F.cross_entropy(s + torch.special.i0(s) * 0, t)))
    assert proof.loss is None
    assert proof.reason
    assert "i0" in proof.reason


@pytest.mark.parametrize("name", ["zeros", "nan"])
def test_scores_without_gradient(name: str) -> None:
    """No gradient, or one that is no number, has no name."""
    scores, targets = random_batch(0)
    factor = 0.0 if name == "zeros" else float("nan")
    assert name_loss(scores, (scores * factor).sum(), targets) == (None, False)
