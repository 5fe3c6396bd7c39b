"""Real traces for the verifier: one update of a real model, recorded as the sandbox records it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.evidence import Evidence, FrameReader, parse_evidence
from grader.evidence.values import Trace
from grader.recorder import journal
from grader.recorder.journal import Journal
from grader.recorder.place import Places
from grader.recorder.registry import Optimizers, Parameters
from grader.recorder.session import Session
from grader.recorder.wire import Wire
from grader.verify.inputs import Batches
from grader.verify.rows import LAYOUTS, RowIndex
from tests.recorder.images import small_set

IMAGES = small_set()
INDEX = RowIndex(IMAGES)
CLASSES = 10
ROWS = range(30)
Loss = Callable[[Tensor, Tensor], Tensor]


class CNN(nn.Module):
    """The practical's model with the same weights each time."""

    def __init__(self, **options: int) -> None:
        super().__init__()
        torch.manual_seed(options.pop("seed", 0))
        self.conv = nn.Conv2d(1, 10, **{"kernel_size": 8, "stride": 2, **options})
        self.dense = nn.LazyLinear(10)
        self(torch.zeros(1, 1, 28, 28))

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(F.relu(self.conv(x.reshape(-1, 1, 28, 28))).flatten(1))


class Unfolded(nn.Module):
    """A convolution by hand, beside batch normalisation and pooling."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.rand(64, 10) / 10)
        self.norm = nn.BatchNorm1d(1210)
        self.dense = nn.Linear(1210, 10)

    def forward(self, x: Tensor) -> Tensor:
        z = (F.unfold(x, 8, stride=2).transpose(1, 2) @ self.weight).transpose(1, 2).clamp(min=0)
        return self.dense(self.norm(z.flatten(1)))


class Pooled(nn.Module):
    """Layers that the practical does not ask for."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 5, padding=2), nn.LeakyReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.GELU(),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(288, 20), nn.Tanh(), nn.Linear(20, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def one_hot(rows: Sequence[int] = ROWS) -> Tensor:
    """The right targets of these images, float32 (N, 10)."""
    return F.one_hot(torch.from_numpy(IMAGES.labels[list(rows)]), CLASSES).float()


def batch(rows: Sequence[int] = ROWS) -> Tensor:
    """These images (training images first) as (N, 1, 28, 28)."""
    return torch.from_numpy(IMAGES.all[list(rows)]).reshape(-1, 1, 28, 28)


def record_step(
    model: Callable[[Tensor], Tensor],
    loss: Loss | None = F.cross_entropy,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    targets: Tensor | None = None,
    rows: Sequence[int] = ROWS,
    data: Tensor | None = None,
    update: Callable[[], None] | None = None,
    index: int = 0,
) -> Evidence:
    """The evidence of one forward pass, and of the backward pass and the update where there is a loss."""
    images = batch(rows) if data is None else data
    with tempfile.TemporaryFile() as file:
        wire, parameters = Wire(file.fileno()), Parameters()
        book = Journal(wire)
        book.forward(journal.GRAD_ENABLED, 0)
        book.images(images)
        session = Session(index, parameters, Places("/w", "student.py"), CLASSES, rich=True, find=False)
        session.saw_forward(images, 0)
        scores = model(images)
        if loss is not None:
            value = loss(scores, one_hot(rows) if targets is None else targets)
            session.before_backward()
            value.backward()
            book.backward(0, 0, 1, value)
            session.after_backward(value, False, None)
        if optimizer is not None:
            session.before_step(optimizer, 0, Optimizers(parameters).describe(optimizer), None)
            optimizer.step()
            book.add(journal.STEP, 4, 0)
        else:
            session.leave()
        if update is not None:
            update()
        session.end(wire, "step" if optimizer is not None else "update" if update is not None else "cell")
        book.flush()
        file.seek(0)
        return parse_evidence(FrameReader().feed(os.read(file.fileno(), 1 << 30)))


def trace_of(evidence: Evidence) -> Trace:
    (trace,) = evidence.traces
    return trace


def batches_of(evidence: Evidence) -> Batches:
    """The trusted side's way to the batches of `evidence`."""
    rows, layout = INDEX.match(evidence.events.keys)
    return Batches(evidence.events, rows, LAYOUTS.get(layout), IMAGES, evidence.traces)
