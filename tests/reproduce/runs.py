"""Three runs through the grader: the report's loop, the same with softmax before the loss, and the correct loop.

Everything that is compared comes from the grader's report and evidence: its epochs, its counts of images, and the final
weights, which are put into the reference CNN here and tried on every test image.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from grader.assignment.folder import load_module
from grader.errors import DataError, EvidenceError
from grader.evidence import Evidence
from grader.evidence.values import Kind, output_text
from grader.pipeline import Candidate, Graded, Grader, find_candidates
from grader.pipeline.collect import collect
from grader.pipeline.probes import make_probes
from grader.submission import load_submission
from tests.reproduce.published import EPOCHS, FIRST_CLASSES, TEST_IMAGES, TRAIN_IMAGES

REPOSITORY = Path(__file__).resolve().parents[2]
OVERLAPPING = REPOSITORY / "submissions" / "overlapping-windows" / "Practical5.ipynb"
CORRECT = REPOSITORY / "reference" / "solution.ipynb"

LOGITS = "y_hat = self.dense_2(u_2)\n"
PROBABILITIES = "y_hat = torch.softmax(self.dense_2(u_2), dim=1)\n"

_LINE = re.compile(r"Epoch (\d+) Loss: (\S+) Accuracy: (\S+) Test Loss: (\S+) Test Accuracy: (\S+)")
_SEED = re.compile(r"manual_seed\((\d+)\)")


@dataclass(frozen=True)
class EpochLine:
    """A line that the program printed; accuracies are per cent."""

    loss: float
    accuracy: float
    test_loss: float
    test_accuracy: float


@dataclass(frozen=True)
class Measured:
    """One run as the grader saw it; accuracies are per cent, losses means over the batches.

    `seed` is the one that the program sets itself. `learnt` (60000,) and `tested` (10000,) say how often one epoch took
    each image, `right` (10000,) which test images the final weights classify correctly, `zeros` (60000,) which training
    images show a 0. `reported` is what the grader read in the output, `measured` its own figure over all test images.
    """

    title: str
    seed: int
    losses: tuple[float | None, ...]
    test_losses: tuple[float | None, ...]
    test_accuracies: tuple[float | None, ...]
    lines: tuple[EpochLine, ...]
    steps: float
    train_seen: int | None
    test_seen: int | None
    reported: float | None
    measured: float | None
    findings: frozenset[str]
    learnt: np.ndarray = field(repr=False)
    tested: np.ndarray = field(repr=False)
    right: np.ndarray = field(repr=False)
    zeros: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Runs:
    """The three runs that the figures come from."""

    overlapping: Measured
    softmax: Measured
    correct: Measured


def weighted(hits: np.ndarray, weights: np.ndarray) -> float:
    """Per cent of `hits`, each counted `weights` times."""
    return 100 * float((hits * weights).sum() / weights.sum())


def check_mnist(folder: Path) -> None:
    """Raises DataError unless `folder` holds full MNIST in its original order, on which alone the figures hold."""
    remedy = "Name a folder with MNIST's train.npz and test.npz: --data DIR, or make reproduce DATA=DIR"
    for name, count in (("train.npz", TRAIN_IMAGES), ("test.npz", TEST_IMAGES)):
        try:
            with np.load(folder / name, allow_pickle=False) as archive:
                labels = archive["Y"]
        except (OSError, ValueError, KeyError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(f"MNIST cannot be read ({reason})", file=str(folder / name), remedy=remedy) from None
        if len(labels) != count:
            raise DataError(f"{len(labels):,} images, not {count:,}", file=str(folder / name), remedy=remedy)
        classes = labels.argmax(axis=1) if labels.ndim == 2 else labels
        if name == "train.npz" and tuple(classes[: len(FIRST_CLASSES)].tolist()) != FIRST_CLASSES:
            raise DataError("is not MNIST in its original order", file=str(folder / name), remedy=remedy)


def with_softmax(notebook: str) -> str:
    """The overlapping notebook with softmax before the loss; raises ValueError where its forward pass is another."""
    content = json.loads(notebook)
    changed = 0
    for cell in content["cells"]:
        source = "".join(cell["source"])
        changed += source.count(LOGITS)
        cell["source"] = source.replace(LOGITS, PROBABILITIES)
    if changed != 1:
        raise ValueError(f"the notebook has {LOGITS.strip()!r} {changed} times, not once")
    return json.dumps(content)


def run_all(grader: Grader, folder: Path, tell: Callable[[str], None]) -> Runs:
    """Grades the three programs one after the other; `tell` is given a line before and after each."""
    variant = folder / "overlapping-windows-with-softmax.ipynb"
    variant.write_text(with_softmax(OVERLAPPING.read_text(encoding="utf-8")), encoding="utf-8")
    chosen = (("overlapping windows", OVERLAPPING), ("overlapping windows, softmax", variant), ("correct", CORRECT))
    found = []
    for number, (title, path) in enumerate(chosen, start=1):
        tell(f"run {number} of {len(chosen)}: {title}, {EPOCHS} epochs through the grader")
        begun = time.monotonic()
        found.append(measure(grader, title, path))
        tell(f"run {number} of {len(chosen)}: done in {time.monotonic() - begun:.0f} s")
    return Runs(*found)


def measure(grader: Grader, title: str, path: Path) -> Measured:
    """Grades one notebook; raises EvidenceError where the run did not come to its end."""
    (candidate,) = find_candidates(path)
    graded = grader.grade_one(candidate)
    grade = graded.grade
    evidence = _evidence(grader, candidate)
    if grade.status != "graded" or evidence.state is None:
        raise EvidenceError(f"the run ended as {grade.status}: {grade.message}", file=str(path))
    images = grader.setting.result().images
    rows, _ = grader.setting.result().index.match(evidence.events.keys)
    train, epochs = len(images.train), grade.training.epochs
    return Measured(
        title=title,
        seed=_seed(path, int(grader.assignment.rubric.parameters["seed"])),
        losses=tuple(epoch.train_loss for epoch in epochs),
        test_losses=tuple(epoch.test_loss for epoch in epochs),
        test_accuracies=tuple(_percent(epoch.test_accuracy) for epoch in epochs),
        lines=epoch_lines(graded),
        steps=int((evidence.events.kind == Kind.STEP).sum()) / EPOCHS,
        train_seen=grade.training.train_examples_seen,
        test_seen=grade.training.test_examples_seen,
        reported=_percent(grade.accuracy.reported),
        measured=_percent(grade.accuracy.measured),
        findings=frozenset(finding.id for finding in grade.findings),
        learnt=times_an_epoch(rows[(rows >= 0) & (rows < train)], train),
        tested=times_an_epoch(rows[rows >= train] - train, len(images.test)),
        right=_right(grader, evidence, images.test, images.test_labels),
        zeros=images.train_labels == 0,
    )


def times_an_epoch(rows: np.ndarray, images: int) -> np.ndarray:
    """How often an epoch takes each image; single looks, as at the image that is plotted, are fewer than epochs."""
    return np.bincount(rows, minlength=images) // EPOCHS


def epoch_lines(graded: Graded) -> tuple[EpochLine, ...]:
    """The epoch lines in the outputs of the executed notebook, in order."""
    cells = json.loads(graded.notebook or '{"cells": []}')["cells"]
    text = "".join(output_text(output) for cell in cells for output in cell.get("outputs", []))
    return tuple(EpochLine(*map(float, found[1:])) for found in _LINE.findall(text))


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _seed(path: Path, otherwise: int) -> int:
    found = _SEED.search(path.read_text(encoding="utf-8"))
    return int(found[1]) if found else otherwise


def _evidence(grader: Grader, candidate: Candidate) -> Evidence:
    """What the run left, from the grader's store, which has just got it."""
    probes = partial(make_probes, grader.setting.result().images.test)
    collected = collect(
        load_submission(candidate),
        grader.assignment,
        grader.dataset,
        probes,
        grader.isolation,
        grader.limits,
        grader.store,
        lambda _: None,
        None,
    )
    return collected.evidence


def _right(grader: Grader, evidence: Evidence, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which test images the program's final weights classify correctly, in a model that is not the program's."""
    import torch

    assert evidence.state is not None
    model = load_module(grader.assignment.model_path).ReferenceCNN()
    (numbers,) = evidence.state.models.values()
    weights = [torch.from_numpy(np.array(evidence.state.final[number])) for number in numbers]
    model.load_state_dict(dict(zip(model.state_dict(), weights, strict=True)))
    with torch.no_grad():
        predicted = model(torch.from_numpy(images)).argmax(dim=1).numpy()
    right: np.ndarray = predicted == labels
    return right
