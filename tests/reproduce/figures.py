"""The published figures beside those of the runs: which of them are reproduced."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.reproduce import published
from tests.reproduce.runs import Measured, Runs, weighted

REPORT, EARLIER, AGREES = "report", "measured before", "must agree"


@dataclass(frozen=True)
class Figure:
    """One figure: `expected` as published, `reproduced` None where the runs do not give it; `digits` are shown.

    `source` says where the expected figure comes from: the student's report, an earlier measurement of ours, or another
    figure of the same run that it has to agree with.
    """

    name: str
    expected: float
    reproduced: float | None
    tolerance: float
    digits: int
    source: str

    @property
    def holds(self) -> bool:
        """Whether the figure is there and within its tolerance; a tolerance itself is within it."""
        found = self.reproduced
        if found is None or not math.isfinite(found):
            return False
        return abs(found - self.expected) <= self.tolerance + 1e-9


@dataclass(frozen=True)
class Column:
    """A column of the report by epoch; epochs that it does not print have no figure. `reproduced` is the run's."""

    title: str
    figures: Mapping[int, Figure]
    reproduced: tuple[float | None, ...]
    digits: int


def compare_column(
    title: str, expected: Mapping[int, float], reproduced: Sequence[float | None], tolerance: float, digits: int
) -> Column:
    """The report's figures by epoch, from 1, beside those of a run, in order; missing epochs of the run are None."""
    found = {epoch: reproduced[epoch - 1] if epoch <= len(reproduced) else None for epoch in expected}
    figures = {
        epoch: Figure(f"{title}, epoch {epoch}", value, found[epoch], tolerance, digits, REPORT)
        for epoch, value in expected.items()
    }
    return Column(title, figures, tuple(reproduced), digits)


def train_losses(run: Measured) -> tuple[float | None, ...]:
    """The run's training losses as the report counts: 2,000 batch means over 60,000 images are a thirtieth."""
    return tuple(None if loss is None else loss / published.BATCH for loss in run.losses)


def columns(runs: Runs) -> tuple[Column, ...]:
    """The report's epoch lines beside the overlapping loop's; what it calls accuracy in training is only printed."""
    run = runs.overlapping
    test_losses = tuple(None if loss is None else loss / published.TEST_BATCH for loss in run.test_losses)
    counted = dict.fromkeys(published.PRINTED_EPOCHS, published.TRAIN_ACCURACY)
    printed = tuple(line.accuracy for line in run.lines)
    near = published.LOSS_TOLERANCE
    return (
        compare_column("training loss", published.TRAIN_LOSS, train_losses(run), near, 4),
        compare_column("training accuracy", counted, printed, published.PRINTED_TOLERANCE[2], 2),
        compare_column("test loss", published.TEST_LOSS, test_losses, near, 4),
        compare_column("test accuracy", published.TEST_ACCURACY, run.test_accuracies, published.CURVE_TOLERANCE, 2),
    )


def single_figures(runs: Runs) -> tuple[Figure, ...]:
    """All that is not a column: what was seen of the data, accuracies, and whether the explanations are true."""
    return (*_seen(runs), *_accuracies(runs), *_explanations(runs))


def all_figures(runs: Runs) -> tuple[Figure, ...]:
    """Every figure; the columns' first."""
    return (*(figure for column in columns(runs) for figure in column.figures.values()), *single_figures(runs))


def _seen(runs: Runs) -> tuple[Figure, ...]:
    run, correct = runs.overlapping, runs.correct
    return (
        _exact("steps an epoch", published.STEPS, run.steps),
        _exact("training images seen, of 60,000", published.TRAIN_SEEN, run.train_seen),
        _exact("test images seen, of 10,000", published.TEST_SEEN, run.test_seen),
        _exact("training images that the correct loop sees", published.TRAIN_IMAGES, correct.train_seen),
        _exact("test images that the correct loop sees", published.TEST_IMAGES, correct.test_seen),
        _exact("findings that the grader has to make and does not", 0, len(missing_findings(runs))),
    )


def _accuracies(runs: Runs) -> tuple[Figure, ...]:
    ours, soft, correct = runs.overlapping, runs.softmax, runs.correct
    first, every, said = published.FIRST_TOLERANCE, published.ALL_TOLERANCE, published.CURVE_TOLERANCE
    return (
        Figure('"approximately 93": printed, over the windows', published.CLAIMED, ours.reported, said, 2, REPORT),
        Figure("first 199 test images, each once", published.OVERLAPPING_FIRST, over_first(ours), first, 1, EARLIER),
        Figure("all test images", published.OVERLAPPING_ALL, ours.measured, every, 1, EARLIER),
        Figure('"approximately 90": with softmax, over the windows', published.CLAIMED_WITH_SOFTMAX, soft.reported,
               said, 2, REPORT),
        Figure("with softmax, first 199, each once", published.SOFTMAX_FIRST, over_first(soft), first, 1, EARLIER),
        Figure("with softmax, all test images", published.SOFTMAX_ALL, soft.measured, every, 1, EARLIER),
        Figure("correct loop, all test images", published.CORRECT_ALL, correct.measured,
               published.CORRECT_TOLERANCE, 1, EARLIER),
    )  # fmt: skip


def _explanations(runs: Runs) -> tuple[Figure, ...]:
    """Why the report's figures are what they are: each is computed in another way, and has to come out the same."""
    ours, rounding = runs.overlapping, published.PRINTED_TOLERANCE
    zeros = weighted(ours.zeros, ours.learnt)
    correct = compare_column("", published.TRAIN_LOSS, train_losses(runs.correct), published.LOSS_TOLERANCE, 4)
    fitting = sum(figure.holds for figure in correct.figures.values())
    return (
        Figure('"accuracy" in training: zeros in the windows', published.TRAIN_ACCURACY, zeros, rounding[2], 2, REPORT),
        _exact("epochs at which the correct loop has the report's loss", 0, fitting),
        Figure("printed loss less the grader's, at most", 0, loss_distance(ours), rounding[4], 6, AGREES),
        *(
            Figure(f"{run.title}: what it prints, from its weights", over_tested(run), run.reported, rounding[2], 2,
                   AGREES)
            for run in (ours, runs.softmax, runs.correct)
        ),
        *(
            Figure(f"{run.title}: what the grader says, from its weights", over_all(run), run.measured, rounding[2], 2,
                   AGREES)
            for run in (ours, runs.softmax, runs.correct)
        ),
    )  # fmt: skip


def _exact(name: str, expected: int, count: float | None) -> Figure:
    return Figure(name, expected, count, 0, 0, EARLIER)


def over_tested(run: Measured) -> float:
    """Accuracy as the program counts: each image as often as its own test phase takes it."""
    return weighted(run.right, run.tested)


def over_windows(run: Measured, runs: Runs) -> float:
    """Accuracy of any run over the test windows of the overlapping loop."""
    return weighted(run.right, runs.overlapping.tested)


def over_first(run: Measured) -> float:
    """Accuracy over the first 199 test images, each counted once."""
    return 100 * float(run.right[: published.TEST_SEEN].mean())


def over_all(run: Measured) -> float:
    """Accuracy over all test images."""
    return 100 * float(run.right.mean())


def loss_distance(run: Measured) -> float | None:
    """How far a printed training loss is from the one that the grader recorded, at most."""
    own = train_losses(run)
    if len(own) != len(run.lines) or not own:
        return None
    return max(abs(line.loss - (math.nan if loss is None else loss)) for line, loss in zip(run.lines, own, strict=True))


def missing_findings(runs: Runs) -> frozenset[str]:
    """What the grader has to say of the two faulty loops, and does not."""
    both = frozenset({"train.overlapping-batches", "test.coverage", "report.accuracy-mismatch"})
    return (both - runs.overlapping.findings) | (both | {"loss.double-softmax"}) - runs.softmax.findings
