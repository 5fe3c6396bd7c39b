"""The targets of a loss: each image's own among those of a batch, and those that were spread over all images."""

from __future__ import annotations

import os
import tempfile
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.evidence import Evidence, FrameReader, parse_evidence
from grader.recorder import journal
from grader.recorder.journal import Journal
from grader.recorder.place import Places
from grader.recorder.registry import Parameters
from grader.recorder.session import Session
from grader.recorder.wire import Wire
from grader.verify.oracle import prove_step
from grader.verify.result import BROADCAST, StepProof
from tests.verify.traces import CLASSES, CNN, batch, batches_of, one_hot, record_step, trace_of


def record_singly(targets: Tensor) -> Evidence:
    """One image at a time through the model, the losses with `targets` (N, 10) summed before the backward pass."""
    model = CNN()
    with tempfile.TemporaryFile() as file:
        wire = Wire(file.fileno())
        book = Journal(wire)
        session = Session(0, Parameters(), Places("/w", "student.py"), CLASSES, rich=True, find=False)
        total = torch.zeros(())
        for number, image in enumerate(batch(range(len(targets))).split(1)):
            book.forward(journal.GRAD_ENABLED, 0)
            book.images(image)
            session.saw_forward(image, number)
            total = total + F.cross_entropy(model(image), targets[number : number + 1])
        session.before_backward()
        total.backward()
        book.backward(0, 0, len(targets), total)
        session.after_backward(total, False, None)
        session.leave()
        session.end(wire, "cell")
        book.flush()
        file.seek(0)
        return parse_evidence(FrameReader().feed(os.read(file.fileno(), 1 << 30)))


def prove(evidence: Evidence) -> StepProof:
    return prove_step(trace_of(evidence), batches_of(evidence), CLASSES)


@pytest.mark.parametrize(("shift", "wrong"), [(0, 0), (1, 1)])
def test_each_image_is_compared_with_its_own_target(shift: int, wrong: int) -> None:
    """The right target of another image of the batch does not excuse a wrong one, and the loss has its name."""
    targets = one_hot(range(8))
    proof = prove(record_singly(targets.roll(shift, 1)))
    assert proof.loss == "cross entropy"
    assert proof.target is not None
    assert (proof.target.kind, proof.target.wrong, proof.target.judged) == ("one_hot", wrong, 1)


def test_targets_of_the_neighbours_are_wrong() -> None:
    """Right targets in the wrong order are wrong for the image, though each of them is right for another."""
    rows = [0, 1, 2, 3, 4, 5]
    targets = one_hot(rows)
    moved = targets.roll(1, 0)
    assert not torch.equal(moved[-1], targets[-1])
    proof = prove(record_singly(moved))
    assert proof.target is not None
    assert proof.target.wrong == 1


def test_targets_that_are_compared_with_all_images() -> None:
    """(N, 1, 10) against (N, 10): the loss is named, and the targets are still told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proof = prove(record_step(CNN(), F.mse_loss, targets=one_hot()[:, None]))
    assert proof.loss == BROADCAST
    assert proof.target is not None
    assert (proof.target.kind, proof.target.wrong) == ("one_hot", 0)


def test_a_softmax_over_one_value_leaves_no_slope() -> None:
    """The loss depends on the scores and nothing changes it; it has the name of the softmax all the same."""
    row = one_hot(range(1))
    proof = prove(record_step(CNN(), lambda s, t: F.cross_entropy(s.softmax(0), t), targets=row, rows=range(1)))
    assert (proof.vanishes, proof.loss) == (True, "cross entropy of softmax over the batch")
    assert proof.rows_without_loss == 0


def test_a_loss_that_is_made_anew_is_apart() -> None:
    """A new tensor with the loss's value asks for a gradient, and the model gets none."""

    def anew(scores: Tensor, targets: Tensor) -> Tensor:
        return torch.tensor(F.cross_entropy(scores, targets).item(), requires_grad=True)

    assert prove(record_step(CNN(), anew)).apart
    assert not prove(record_step(CNN())).apart
