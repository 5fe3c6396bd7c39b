"""What a program prints in every epoch, beside what it should be and what the usual slips would make of it.

A figure is recognised by recomputing it: a column of printed numbers, one a test phase, has to agree with a way of
counting in every row. Figures that agree with no way at all are left alone, but for an accuracy that is called one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grader.verify.reported import ACCURACY, NUMBER, TEST, Printed, find_fractions, printed_numbers
from grader.verify.result import TestPass, TrainingFacts, WrongFigure

# With fewer rows than this a column may agree with anything.
ROWS = 3
# Accuracies that differ by less than this are not called contradictory.
FAR = 0.05
# Losses that are computed again differ by less than this share: rounding alone.
UNLIKE = 1e-3
# Rows of a right column that may differ: a tie between two classes falls either way.
MOSTLY = 0.7
WRONG, MISMATCH, STALE = "report.wrong-metric", "report.accuracy-mismatch", "test.stale-output"
_LOSS = re.compile(r"loss|verlust|fehler|perte|verlies|kosten|cost|error|ce\b", re.IGNORECASE)
_TRAIN = re.compile(r"train|trn|lern|opleid|entra", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """Numbers at the same place of lines that are alike."""

    label: str
    numbers: tuple[Printed, ...]

    @property
    def values(self) -> np.ndarray:
        return np.array([n.value for n in self.numbers])

    @property
    def margins(self) -> np.ndarray:
        return np.array([0.6 * 10.0**-n.digits for n in self.numbers])

    def share(self, expected: np.ndarray, slack: float | np.ndarray = 0.0) -> float:
        """The share of rows that say `expected`, to their last digit and within `slack`."""
        allowed = self.margins + slack + 2e-3 * np.abs(expected)
        return float((np.abs(self.values - expected) <= allowed).mean())

    def says(self, expected: np.ndarray, rows: float = 1.0) -> bool:
        """Whether this share of the rows says `expected`, to at least two significant digits, and not all the same."""
        fine = self.margins < 0.02 * np.abs(expected)
        within = np.abs(self.values - expected) <= self.margins + 2e-3 * np.abs(expected)
        return bool(within.mean() >= rows and fine.mean() >= MOSTLY and len(set(self.values.tolist())) > 1)


def columns(text: str) -> list[Column]:
    """The columns of the output with at least `ROWS` rows."""
    rows: dict[str, list[list[Printed]]] = {}
    for line in re.split(r"[\r\n]+", text):
        # Without blanks: numbers of several lengths are set to one width by them.
        template = "".join(NUMBER.sub("#", line[:2000]).split())
        if "#" in template:
            rows.setdefault(template, []).append(printed_numbers(line))
    found = []
    for lines in rows.values():
        if len(lines) >= ROWS and len({len(line) for line in lines}) == 1:
            found += [Column(part[0].label, tuple(part)) for part in zip(*lines, strict=True)]
    return found


def wrong_figure(text: str, passes: Sequence[TestPass], training: TrainingFacts, total: int) -> WrongFigure | None:
    """What is wrong about the figures of the test phase, or of the training accuracy; None where nothing is known.

    `passes` are looks at the test set of one model whose scores the trusted side knows, `total` the number of training
    images.
    """
    table = columns(text)
    if len(passes) < ROWS or any(p.accuracy is None or p.loss is None or not np.isfinite(p.loss) for p in passes):
        return None
    return (
        _wrong_accuracy(text, table, passes, training, total)
        or _wrong_loss(table, passes, training, total)
        or _constant_training_accuracy(table, training)
    )


def _aligned(column: Column, passes: Sequence[TestPass]) -> Iterator[Sequence[TestPass]]:
    """The runs of consecutive passes that the rows may belong to."""
    rows = len(column.numbers)
    for start in range(max(0, len(passes) - rows) + 1):
        if start + rows <= len(passes):
            yield passes[start : start + rows]


def _of(passes: Sequence[TestPass], value: Callable[[TestPass], float]) -> np.ndarray:
    return np.array([value(p) for p in passes], dtype=np.float64)


def _wrong_accuracy(
    text: str, table: Sequence[Column], passes: Sequence[TestPass], training: TrainingFacts, total: int
) -> WrongFigure | None:
    numbers = printed_numbers(text)
    said = [bool(find_fractions(numbers, p.accuracy or 0.0, p.examples)) for p in passes]
    if np.mean(said) >= MOSTLY or any(_is_right_accuracy(c, part) for c in table for part in _aligned(c, passes)):
        return None
    for column in table:
        for part in _aligned(column, passes):
            for meaning, expected in _slips_of_accuracy(part, training, total):
                if any(column.says(scale * expected) for scale in (1.0, 100.0)):
                    return WrongFigure(WRONG, f"the printed test accuracy is {meaning}")
    for column in table:
        if TEST.search(column.label) and ACCURACY.search(column.label) and len(column.numbers) == len(passes):
            given = column.values / (100 if any(n.percent or n.value > 1 for n in column.numbers) else 1)
            measured = _of(passes, lambda p: p.accuracy or 0.0)
            if ((given >= 0) & (given <= 1)).all() and (np.abs(given - measured) > FAR).all():
                text = f"the printed test accuracy is {given[-1]:.1%} at last, where the model has {measured[-1]:.1%}"
                return WrongFigure(MISMATCH, text)
    return None


def _is_right_accuracy(column: Column, passes: Sequence[TestPass]) -> bool:
    """As a fraction, per cent, number of hits, or share of errors, over images or as the mean over batches."""
    fraction, count = _of(passes, lambda p: p.accuracy or 0.0), _of(passes, lambda p: p.examples)
    forms = [fraction, 1 - fraction, fraction * count, count - fraction * count]
    if all(p.batch_mean is not None for p in passes):
        forms += [mean := _of(passes, lambda p: p.batch_mean or 0.0), 1 - mean]
    one = 1.5 / count
    return any(
        column.share(scale * form, scale * (one if i not in (2, 3) else 1.5)) >= MOSTLY
        for i, form in enumerate(forms)
        for scale in ((1, 100) if i not in (2, 3) else (1,))
    )


def _divisors(passes: Sequence[TestPass], training: TrainingFacts, total: int) -> dict[str, float]:
    """Counts that a sum may be divided by in error."""
    return {
        "the number of training images": float(total),
        "the number of training batches": training.batches / max(1.0, training.epochs),
        "the number of test batches": float(passes[0].forwards),
        "the size of a batch": float(training.window_rows or training.batch_rows),
    }


def _slips_of_accuracy(
    passes: Sequence[TestPass], training: TrainingFacts, total: int
) -> Iterator[tuple[str, np.ndarray]]:
    """(what it is, values) of the usual slips."""
    right, count = _of(passes, lambda p: p.right or 0), _of(passes, lambda p: p.examples)
    for name, divisor in _divisors(passes, training, total).items():
        if divisor > 0 and abs(divisor / count[0] - 1) > FAR:
            yield f"the number of hits divided by {divisor:,.0f}, {name}", right / divisor
    yield "the hits of all epochs so far, divided by the images of one", right.cumsum() / count
    yield "the hits of all epochs so far", right.cumsum()
    yield "that of all epochs so far", right.cumsum() / count.cumsum()
    if all(p.last is not None for p in passes):
        hits, size = _of(passes, lambda p: (p.last or (0, 0))[1]), _of(passes, lambda p: (p.last or (1, 0))[0])
        yield "the hits of the last batch alone, divided by all images", hits / count
        if passes[0].forwards > 1:
            yield "that of the last batch alone", hits / size


def _wrong_loss(
    table: Sequence[Column], passes: Sequence[TestPass], training: TrainingFacts, total: int
) -> WrongFigure | None:
    if _stand_still(passes):
        return WrongFigure(STALE, "the test losses are those of scores that stay the same for all test images")
    # Coarse figures of the training may come near those of the test: where columns are named, the name decides.
    named = [c for c in table if TEST.search(c.label) and _LOSS.search(c.label)]
    if any(_is_right_loss(c, part) for c in named or table for part in _aligned(c, passes)):
        return None
    for column in table:
        for part in _aligned(column, passes):
            for meaning, expected in _slips_of_loss(part, training, total):
                if column.says(expected):
                    return WrongFigure(WRONG, f"the printed test loss is {meaning}")
            # A look at single images behind the last test phase makes its pass longer.
            stale = any(column.says(expected, MOSTLY) for expected in _stale(part))
            if stale and TEST.search(column.label) and _LOSS.search(column.label):
                text = "the printed test loss is made of the loss of the last training batch"
                return WrongFigure(STALE, text)
    return None


def _stand_still(passes: Sequence[TestPass]) -> bool:
    """Whether the test losses are those of scores that stay the same, although the model's own do not.

    The scores of a model that has hardly begun to learn do stay nearly the same: the losses have to depart from the
    model's in every pass, and far in one of them.
    """
    if not all(p.label_losses for p in passes):
        return False
    departures = [abs(float(np.mean(p.losses)) / p.loss - 1) if p.loss else 0.0 for p in passes]
    return min(departures) > UNLIKE and max(departures) > FAR


def _sums(passes: Sequence[TestPass]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(sums of the losses, numbers of losses, numbers of images) as the program may have added them up."""
    count = _of(passes, lambda p: p.examples)
    forwards = _of(passes, lambda p: max(1, p.forwards))
    mean = _of(passes, lambda p: p.loss or 0.0)
    found = [(mean * count, forwards, count), (mean * forwards, forwards, count)]
    if all(p.losses for p in passes):
        number = _of(passes, lambda p: len(p.losses))
        found.append((_of(passes, lambda p: sum(p.losses)), number, count))
        weighted = _of(passes, lambda p: sum(v * s for v, s in zip(p.losses, p.loss_sizes, strict=True)))
        found.append((weighted, number, count))
    return found


def _is_right_loss(column: Column, passes: Sequence[TestPass]) -> bool:
    """The sum of the losses, or their mean over batches or images."""
    forms = [
        form
        for total, number, count in _sums(passes)
        for form in (total, total / number, total / count, total / np.maximum(1, number - 1))
    ]
    return any(column.share(form) >= MOSTLY and (column.margins < 0.5 * np.abs(form)).any() for form in forms)


def _slips_of_loss(passes: Sequence[TestPass], training: TrainingFacts, total: int) -> Iterator[tuple[str, np.ndarray]]:
    for value, number, count in _sums(passes):
        for name, divisor in _divisors(passes, training, total).items():
            if divisor > 1:
                yield f"the sum of the losses divided by {divisor:,.0f}, {name}", value / divisor
        for by, per in (("", np.ones_like(count)), (", divided by those of one", number), ("", count)):
            yield f"the sum of the losses of all epochs so far{by}", value.cumsum() / per
        yield "the mean of all epochs so far", value.cumsum() / number.cumsum()
        yield "the mean of all epochs so far", value.cumsum() / count.cumsum()
    if all(len(p.losses) > 1 for p in passes):
        last, size = _of(passes, lambda p: p.losses[-1]), _of(passes, lambda p: p.loss_sizes[-1])
        count, number = _of(passes, lambda p: p.examples), _of(passes, lambda p: len(p.losses))
        for expected in (last * size / count, last / count, last / number):
            yield "that of the last batch alone, divided by all", expected


def _stale(passes: Sequence[TestPass]) -> Iterator[np.ndarray]:
    """What comes of adding the last training loss up in the test phase; nothing where a test loss is computed."""
    if any(p.losses or p.trained_loss is None for p in passes):
        return
    last, count = _of(passes, lambda p: p.trained_loss or 0.0), _of(passes, lambda p: p.examples)
    forwards = _of(passes, lambda p: p.forwards)
    yield from (last, last * forwards, last * forwards / count)


def _constant_training_accuracy(table: Sequence[Column], training: TrainingFacts) -> WrongFigure | None:
    known = [a for a in training.accuracies if a is not None]
    if len(known) < ROWS or max(known) - min(known) < FAR:
        return None
    for column in table:
        named = _TRAIN.search(column.label) and ACCURACY.search(column.label)
        if named and len(column.numbers) == len(known) and len(set(column.values.tolist())) == 1:
            text = f"the printed training accuracy is {column.values[0]:g} in every epoch, though the model learns"
            return WrongFigure(WRONG, text)
    return None
