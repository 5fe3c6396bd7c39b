"""Printed figures are recognised by recomputing them: right ones in any form, wrong ones by their slip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grader.verify.figures import wrong_figure
from grader.verify.result import TestPass, TrainingFacts

EPOCHS, IMAGES, BATCHES = 6, 1000, 34
RIGHT = [710, 802, 841, 862, 871, 880]
LOSSES = [0.9, 0.61, 0.52, 0.47, 0.431, 0.402]
TRAINED = [0.81, 0.33, 0.62, 0.21, 0.47, 0.18]
TRAINING = TrainingFacts(
    batches=200 * EPOCHS,
    epochs=float(EPOCHS),
    window_rows=30,
    batch_rows=30,
    accuracies=(0.6, 0.75, 0.8, 0.83, 0.85, 0.86),
)


def passes(*, with_losses: bool = True) -> list[TestPass]:
    """One look at the whole test set an epoch, in batches of 30, the last of 10 with 8 or 9 hits."""
    found = []
    for epoch, (right, loss, trained) in enumerate(zip(RIGHT, LOSSES, TRAINED, strict=True)):
        losses = tuple([loss] * BATCHES) if with_losses else ()
        sizes = (*[30] * 33, 10) if with_losses else ()
        accuracy = right / IMAGES
        found.append(
            TestPass(
                epoch, 200 * (epoch + 1), IMAGES, IMAGES, 0, accuracy, loss, right, losses, sizes, BATCHES, 0,
                (10, 5 + epoch % 5), accuracy + 0.001, trained,
            )
        )  # fmt: skip
    return found


def said(lines: list[str], looks: list[TestPass] | None = None) -> str | None:
    """The finding about a program that prints `lines`."""
    found = wrong_figure("\n".join(lines), looks or passes(), TRAINING, 6000)
    return found.finding if found else None


ACCURACIES = {
    "fraction": [f"epoch {i}: test accuracy {r / 1000:.4f}" for i, r in enumerate(RIGHT)],
    "per cent": [f"[{i + 5:2d}/10] acc={r / 10:.2f}%" for i, r in enumerate(RIGHT)],
    "comma": [f"Epoche {i}: Genauigkeit {r / 10:.1f}".replace(".", ",") + " %" for i, r in enumerate(RIGHT)],
    "hits": [f"epoch {i}: {r} of 1000 right" for i, r in enumerate(RIGHT)],
    "errors": [f"epoch {i}: test error {1 - r / 1000:.4f}" for i, r in enumerate(RIGHT)],
    "mean of batches": [f"test acc {100 * (r / 1000 + 0.001):.2f}" for r in RIGHT],
}
MEANS = {
    "mean": [f"{i} test loss {v:.4f}" for i, v in enumerate(LOSSES)],
    "sum of batches": [f"{i} test loss {BATCHES * v:.3f}" for i, v in enumerate(LOSSES)],
    "sum over images": [f"{i} test loss {BATCHES * v / IMAGES:.4f}" for i, v in enumerate(LOSSES)],
    "last training loss of its own": [f"{i} loss {v:.4f}" for i, v in enumerate(TRAINED)],
}


@pytest.mark.parametrize("lines", [*ACCURACIES.values(), *MEANS.values()], ids=[*ACCURACIES, *MEANS])
def test_right_figures_are_left_alone(lines: list[str]) -> None:
    """Fractions, per cent, hits, errors, means and sums are all right, whatever the order and the language."""
    assert said(lines) is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([r / 6000 for r in RIGHT], id="training images"),
        pytest.param([r / 34 for r in RIGHT], id="batches"),
        pytest.param(list(np.cumsum(RIGHT) / 1000), id="never reset"),
        pytest.param([p.last[1] / 1000 for p in passes() if p.last], id="last batch"),
    ],
)
def test_slips_of_the_accuracy_are_named(values: list[float]) -> None:
    """A wrong denominator, sums that are never or too often reset."""
    assert said([f"Epoch {i} Test Accuracy: {100 * v:.2f}" for i, v in enumerate(values)]) == "report.wrong-metric"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([BATCHES * v / 30 for v in LOSSES], id="batch size"),
        pytest.param(list(np.cumsum(LOSSES) * BATCHES / IMAGES), id="never reset"),
        pytest.param(list(np.cumsum(LOSSES) / np.arange(1, EPOCHS + 1)), id="mean of all epochs"),
    ],
)
def test_slips_of_the_loss_are_named(values: list[float]) -> None:
    """They cost the report although the accuracy beside them is right."""
    lines = [
        f"{i}: test loss {v:.4f}, test accuracy {r / 1000:.3f}"
        for i, (v, r) in enumerate(zip(values, RIGHT, strict=True))
    ]
    assert said(lines) == "report.wrong-metric"


def test_training_loss_in_the_test_phase_is_stale() -> None:
    """The last training loss, added up for every test batch, counts only under a test loss's name."""
    values = [BATCHES * v / IMAGES for v in TRAINED]
    looks = passes(with_losses=False)
    assert said([f"Test Loss: {v:.4f}" for v in values], looks) == "test.stale-output"
    assert said([f"Train Loss: {v:.4f}" for v in values], looks) is None
    # A single image is looked at behind the last test phase.
    looks[-1] = replace(looks[-1], forwards=BATCHES + 1, examples=IMAGES + 1)
    assert said([f"Test Loss: {v:.4f}" for v in values], looks) == "test.stale-output"


@pytest.mark.parametrize(
    ("shares", "finding"),
    [
        pytest.param([1.011, 1.02, 1.03, 1.042, 1.1, 1.2], "test.stale-output", id="departs while it learns"),
        pytest.param([1.0, 1.0, 1.0, 1.0, 1.0, 1.2], None, id="right but for one"),
        pytest.param([1.011, 1.02, 1.03, 1.042, 1.02, 1.01], None, id="near"),
        pytest.param([1.0] * 6, None, id="right"),
    ],
)
def test_losses_that_stand_still(shares: list[float], finding: str | None) -> None:
    """One loss for all images of a class is that of another output where the model's own departs in every epoch; a
    model that has learnt nothing has such losses, too, and they are its own."""
    looks = [
        replace(look, losses=((look.loss or 0.0) * share,) * IMAGES, loss_sizes=(1,) * IMAGES, label_losses=True)
        for look, share in zip(passes(), shares, strict=True)
    ]
    assert said([f"accuracy {r / 1000:.4f}" for r in RIGHT], looks) == finding
    assert said([f"accuracy {r / 1000:.4f}" for r in RIGHT], [replace(p, label_losses=False) for p in looks]) is None


def test_accuracy_of_wrong_labels_contradicts_the_measured_one() -> None:
    """A figure that is called a test accuracy and is far off in every epoch; one without that name is left alone."""
    assert said([f"test_acc={v:.2%}" for v in (0.1, 0.09, 0.11, 0.1, 0.12, 0.1)]) == "report.accuracy-mismatch"
    assert said([f"x={v:.2%}" for v in (0.1, 0.09, 0.11, 0.1, 0.12, 0.1)]) is None


def test_training_accuracy_that_never_moves_is_wrong() -> None:
    """It is recomputed too: a model that learns has another accuracy in every epoch."""
    lines = [f"train acc 0.1000 test acc {r / 1000:.4f}" for r in RIGHT]
    assert said(lines) == "report.wrong-metric"
