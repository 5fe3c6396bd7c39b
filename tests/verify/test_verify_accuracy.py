"""Accuracy by the trusted side: recorded operations or the practical's own, with any weights, on its own images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grader.verify.accuracy import wilson
from grader.verify.inputs import Batches
from grader.verify.model import SCORE_TOLERANCE, StudentModel, judge_accuracy
from tests.verify.traces import CLASSES, CNN, IMAGES, Pooled, Unfolded, batch, batches_of, record_step


def student(model: nn.Module, data: Tensor | None = None) -> tuple[StudentModel, dict[int, np.ndarray], Batches]:
    """The trusted side's model of `model`, and its weights by the recorder's numbers."""
    evidence = record_step(model, data=data)
    trace = evidence.traces[0]
    weights = {int(n.rpartition("/")[2]): a for n, a in trace.arrays.items() if n.startswith("parameter/")}
    batches = batches_of(evidence)
    return StudentModel(evidence.traces, batches, CLASSES), weights, batches


class BatchMajor(CNN):
    """The same layers with the values flattened in another order."""

    def forward(self, x: Tensor) -> Tensor:
        z = torch.relu(self.conv(x))
        return self.dense(z.permute(0, 2, 3, 1).flatten(1))


@pytest.mark.parametrize("kind", [CNN, BatchMajor, Unfolded, Pooled])
def test_scores_are_the_students(kind: Callable[[], nn.Module]) -> None:
    """On images that were never recorded the scores are the student's own model's."""
    model = kind().eval()
    made, weights, _ = student(model)
    runnable = made.runnable()
    assert runnable is not None
    with torch.no_grad():
        expected = model(torch.from_numpy(IMAGES.test).reshape(-1, 1, 28, 28)).numpy()
    found = runnable.scores(IMAGES.test, weights)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < SCORE_TOLERANCE


def test_any_number_of_images() -> None:
    """Images that fill no whole batch are judged all the same."""
    model = Pooled()
    made, weights, _ = student(model)
    runnable = made.runnable()
    assert runnable is not None
    assert np.allclose(
        runnable.scores(IMAGES.test[:31], weights), runnable.scores(IMAGES.test, weights)[:31], atol=1e-5
    )
    assert len(runnable.scores(IMAGES.test[:0], weights)) == 0


def test_normalised_images() -> None:
    """A program that normalises its images is judged on images that are normalised as it does."""
    model = CNN()
    made, weights, _ = student(model, (batch() - 0.1307) / 0.3081)
    runnable = made.runnable()
    assert runnable is not None
    with torch.no_grad():
        expected = model((torch.from_numpy(IMAGES.test).reshape(-1, 1, 28, 28) - 0.1307) / 0.3081).numpy()
    assert np.abs(runnable.scores(IMAGES.test, weights) - expected).max() < SCORE_TOLERANCE


def test_accuracy_and_confusion() -> None:
    """Accuracy, confusion and interval agree with a count by hand."""
    model = CNN()
    made, weights, _ = student(model)
    facts = judge_accuracy(made.runnable(), weights, IMAGES, CLASSES)
    with torch.no_grad():
        predicted = model(torch.from_numpy(IMAGES.test).reshape(-1, 1, 28, 28)).argmax(1).numpy()
    assert facts.measured == (predicted == IMAGES.test_labels).mean()
    assert facts.confusion is not None
    confusion = np.array(facts.confusion)
    assert confusion.sum() == len(IMAGES.test)
    assert confusion[3, 7] == ((IMAGES.test_labels == 3) & (predicted == 7)).sum()
    assert facts.interval is not None
    assert facts.interval[0] <= facts.measured <= facts.interval[1]


def test_weights_that_are_no_numbers() -> None:
    """NaN weights get nothing right, though argmax names a class."""
    made, weights, _ = student(CNN())
    facts = judge_accuracy(made.runnable(), {n: np.full_like(w, np.nan) for n, w in weights.items()}, IMAGES, CLASSES)
    assert (facts.measured, facts.non_finite) == (0.0, True)


def test_missing_weights() -> None:
    """A model whose weights were not sent has a reason instead of an accuracy."""
    made, _, _ = student(Pooled())
    facts = judge_accuracy(made.runnable(), {}, IMAGES, CLASSES)
    assert facts.measured is None
    assert facts.reason


def test_no_model() -> None:
    """Without a forward pass there is a reason too."""
    assert judge_accuracy(None, {}, IMAGES, CLASSES).measured is None


def test_architecture_of_the_practical() -> None:
    """Sizes, activation and order of the plain model are read off its operations and values."""
    made, _, _ = student(CNN())
    found = made.architecture
    assert found is not None
    assert found.convolution is not None
    assert (found.convolution.kernel, found.convolution.stride, found.convolution.padding) == ((8, 8), (2, 2), (0, 0))
    assert (found.convolution.in_channels, found.convolution.out_channels) == (1, 10)
    assert (found.convolution_shape, found.activation, found.flatten_order) == ((10, 11, 11), "ReLU", "channels first")
    assert (found.dense_rows, found.dense_in, found.dense_out, found.rows) == (30, 1210, 10, 30)
    assert [name for name, _ in found.after] == ["log-softmax"]  # the loss's own
    assert (found.extra, found.detached, found.error) == ((), None, None)


def changed(expression: str) -> nn.Module:
    """The plain model whose forward pass is `expression` of z = conv(x), self and x."""

    class Changed(CNN):
        def forward(self, x: Tensor) -> Tensor:
            return eval(expression, {"z": self.conv(x), "self": self, "x": x, "torch": torch})

    return Changed()


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("self.dense(torch.relu(z).flatten(1))", "ReLU"),
        ("self.dense(z.clamp(min=0).flatten(1))", "ReLU"),
        ("self.dense(torch.where(z > 0, z, 0).flatten(1))", "ReLU"),
        ("self.dense(((z + z.abs()) / 2).flatten(1))", "ReLU"),
        ("self.dense((z * (z > 0)).flatten(1))", "ReLU"),
        ("self.dense(torch.maximum(z, torch.zeros_like(z)).flatten(1))", "ReLU"),
        ("self.dense(z.flatten(1))", "none"),
        ("self.dense(torch.sigmoid(z).flatten(1))", "sigmoid"),
        ("self.dense(torch.tanh(z).flatten(1))", "tanh"),
        ("self.dense(torch.nn.functional.leaky_relu(z).flatten(1))", "leaky ReLU"),
        ("self.dense(z.abs().flatten(1))", "absolute value"),
        ("self.dense(torch.nn.functional.gelu(z).flatten(1))", "GELU"),
    ],
)
def test_activation_by_value(expression: str, name: str) -> None:
    """The activation is told by what it makes of z_1, not by its name."""
    made, _, _ = student(changed(expression))
    assert made.architecture is not None
    assert made.architecture.activation == name


def test_activation_discarded() -> None:
    """A ReLU that is computed and not used is told from one that is missing."""
    used, _, _ = student(changed("(torch.relu(z), self.dense(z.flatten(1)))[1]"))
    missing, _, _ = student(changed("self.dense(z.flatten(1))"))
    assert used.architecture is not None
    assert missing.architecture is not None
    assert [used.architecture.activation_discarded, missing.architecture.activation_discarded] == [True, False]


@pytest.mark.parametrize(
    ("expression", "after"),
    [
        ("self.dense(z.relu().flatten(1)).softmax(1)", ["softmax", "log-softmax"]),
        ("self.dense(z.relu().flatten(1)).log_softmax(1)", ["log-softmax", "log-softmax"]),
        ("self.dense(z.relu().flatten(1)).relu()", ["ReLU", "log-softmax"]),
    ],
)
def test_what_follows_the_scores(expression: str, after: list[str]) -> None:
    """Functions between the scores and the loss are listed in order."""
    made, _, _ = student(changed(expression))
    assert made.architecture is not None
    assert [name for name, _ in made.architecture.after] == after


def test_extra_layers() -> None:
    """Pooling and further layers are listed."""
    made, _, _ = student(Pooled())
    assert made.architecture is not None
    names = [name for name, _ in made.architecture.extra]
    assert names == ["max pooling", "a second convolution", "average pooling", "a hidden dense layer"]


@pytest.mark.parametrize("cut", ["z.detach()", "z.data"])
def test_cut_graph(cut: str) -> None:
    """A forward pass that cuts the graph is read like any other."""
    made, _, _ = student(changed(f"self.dense({cut}.relu().flatten(1))"))
    assert made.architecture is not None
    assert (made.architecture.activation, made.architecture.dense_in) == ("ReLU", 1210)


@pytest.mark.parametrize(("options", "shape"), [({"stride": 1}, (10, 21, 21)), ({"padding": 2}, (10, 13, 13))])
def test_other_convolutions(options: dict[str, int], shape: tuple[int, ...]) -> None:
    """Stride and padding other than asked are read as they are."""
    made, _, _ = student(CNN(**options))
    assert made.architecture is not None
    assert made.architecture.convolution_shape == shape
    assert made.architecture.convolution is not None
    for name, value in options.items():
        assert getattr(made.architecture.convolution, name) == (value, value)


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (973, 1000, 0.9610, 0.9814)],
)
def test_wilson(right: int, total: int, low: float, high: float) -> None:
    """Known values of the 95% interval (Wilson 1927), at the edges too."""
    assert wilson(right, total) == pytest.approx((low, high), abs=2e-4)


def test_wilson_of_nothing() -> None:
    """Without an image nothing is known."""
    assert wilson(0, 0) == (0.0, 1.0)
