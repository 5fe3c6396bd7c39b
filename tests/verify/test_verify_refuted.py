"""Recorded operations that do not do what was recorded are told from programs that calculate in unusual ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.evidence import Evidence
from grader.evidence.values import Trace
from grader.verify.model import StudentModel
from grader.verify.oracle import prove_step
from tests.verify.traces import CLASSES, CNN, Pooled, Unfolded, batch, batches_of, record_step, trace_of

Change = Callable[[Trace], Trace]


class InPlace(CNN):
    """Overwrites the convolution's output through a view of it."""

    def forward(self, x: Tensor) -> Tensor:
        z = self.conv(x)
        z.view(-1).clamp_(min=0)
        z[:, 0].mul_(2)
        return self.dense(z.flatten(1))


class Dropped(CNN):
    """Has dropout, and is in training mode."""

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(F.dropout(F.relu(self.conv(x)), 0.5).flatten(1))


class Steep(CNN):
    """Has scores of many thousands."""

    def forward(self, x: Tensor) -> Tensor:
        return 1e5 * super().forward(x)


def refuted(evidence: Evidence) -> tuple[bool, bool]:
    """Whether the traced update is, and the forward pass of the model."""
    trace, batches = trace_of(evidence), batches_of(evidence)
    student = StudentModel([trace], batches, CLASSES)
    step = prove_step(trace, batches, CLASSES).refuted if trace.backwards else student.refuted
    return step, student.refuted


@pytest.mark.parametrize("kind", [CNN, Unfolded, Pooled, InPlace, Dropped, Steep])
def test_honest_programs(kind: Callable[[], nn.Module]) -> None:
    """No program is refuted that was recorded as it is, whatever it does to its images or its scores."""
    assert refuted(record_step(kind())) == (False, False)


def masked(z: Tensor) -> Tensor:
    """ReLU by an index."""
    z[z < 0] = 0
    return z


def viewed(z: Tensor) -> Tensor:
    """ReLU through a view, whose result is thrown away."""
    z.view(-1).clamp_(min=0)
    return z


@pytest.mark.parametrize("relu", [masked, viewed])
def test_relu_in_place(relu: Callable[[Tensor], Tensor]) -> None:
    """ReLU is found by its values, however it gets into the convolution's output, and the update is proved."""

    class Overwriting(CNN):
        def forward(self, x: Tensor) -> Tensor:
            return self.dense(relu(self.conv(x)).flatten(1))

    evidence = record_step(Overwriting())
    trace, batches = trace_of(evidence), batches_of(evidence)
    student = StudentModel([trace], batches, CLASSES)
    assert student.architecture is not None
    assert (student.architecture.activation, student.architecture.flatten_order) == ("ReLU", "channels first")
    proof = prove_step(trace, batches, CLASSES)
    assert (proof.loss, proof.gradient_matches, proof.equivalent) == ("cross entropy", True, True)


def test_double_precision() -> None:
    """Nor one that calculates in float64."""
    evidence = record_step(CNN().double(), lambda s, t: F.cross_entropy(s, t.double()), data=batch().double())
    assert refuted(evidence) == (False, False)


def test_images_with_another_border() -> None:
    """Nor one that darkens the border of its images, which their keys do not look at."""
    images = batch()
    images[..., :4] = 0.7
    evidence = record_step(CNN(), data=images)
    assert refuted(evidence) == (False, False)
    # Where it does so now and then, the trusted side makes its images again as they mostly are.
    proof = prove_step(trace_of(evidence), batches_of(record_step(CNN())), CLASSES)
    assert (proof.equivalent, proof.refuted) == (False, False)


def changed(evidence: Evidence, part: str, **fields: object) -> Evidence:
    """The same evidence with other fields of the operation that `part` names."""
    trace = trace_of(evidence)
    nodes = tuple(replace(n, **fields) if part in n.op else n for n in trace.nodes)
    return replace(evidence, traces=(replace(trace, nodes=nodes),))


def without_images(evidence: Evidence) -> Evidence:
    """The same evidence without the images that the program is said to have used."""
    trace = trace_of(evidence)
    arrays = {name: array for name, array in trace.arrays.items() if not name.startswith("data/")}
    return replace(evidence, traces=(replace(trace, arrays=arrays),))


@pytest.mark.parametrize("learns", [True, False], ids=["update", "test phase"])
def test_other_operation(learns: bool) -> None:
    """A sigmoid that is said to be a ReLU gives other scores, in an update and in a stretch of the test phase."""

    class Sigmoid(CNN):
        def forward(self, x: Tensor) -> Tensor:
            return self.dense(torch.sigmoid(self.conv(x)).flatten(1))

    evidence = record_step(Sigmoid(), F.cross_entropy if learns else None)
    forged = changed(evidence, "sigmoid", op="aten.relu.default")
    assert refuted(evidence) == (False, False)
    assert refuted(forged) == (True, True)
    assert refuted(without_images(forged)) == (True, True)


def test_other_shape() -> None:
    """Another shape than the operation gives."""
    forged = changed(record_step(CNN()), "addmm", shapes=((30, 20),))
    assert refuted(forged) == (True, True)


def test_layer_that_cannot_be() -> None:
    """A kernel larger than the image, said to have worked."""
    evidence = record_step(CNN())
    trace = trace_of(evidence)
    arrays = {
        name: np.zeros((10, 1, 32, 32), dtype=np.float32) if array.shape == (10, 1, 8, 8) else array
        for name, array in trace.arrays.items()
    }
    assert refuted(replace(evidence, traces=(replace(trace, arrays=arrays),))) == (True, True)


def test_operation_that_the_replay_does_not_know() -> None:
    """What cannot be done again refutes nothing."""
    assert refuted(changed(record_step(CNN()), "relu", op="aten.fft_fft.default")) == (False, False)
