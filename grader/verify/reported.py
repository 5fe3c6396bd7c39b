"""Numbers that the program printed, beside what it measured: which of them are its losses and accuracies?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?(?![\w]|\.\d)\s*%?")
# Words, in the languages of courses that use this grader, that name a test accuracy.
ACCURACY = re.compile(r"acc|genau|exact|pr[eé]cis|nauwkeur|hits|correct|richtig|trefwoord|score", re.IGNORECASE)
TEST = re.compile(r"test|val|eval", re.IGNORECASE)


@dataclass(frozen=True)
class Printed:
    """A printed number: `value` as written, `percent` with a per cent sign; `label` is the text before it."""

    value: float
    percent: bool
    label: str
    line: str
    digits: int


def printed_numbers(text: str, limit: int = 20_000) -> list[Printed]:
    """All numbers of the output, in order, each with the text that precedes it on its line."""
    found: list[Printed] = []
    for line in text.splitlines():
        start = 0
        for match in NUMBER.finditer(line[:2000]):
            token = match.group().strip()
            number = token.rstrip("% ").replace(",", ".")
            digits = len(number.partition(".")[2]) if "e" not in number.lower() else 9
            found.append(Printed(float(number), token.endswith("%"), line[start : match.start()].strip(), line, digits))
            start = match.end()
            if len(found) >= limit:
                return found
    return found


def as_fraction(number: Printed, expected: float) -> float | None:
    """The number as a fraction of 1, read as a fraction or a per cent, whichever is nearer to `expected`."""
    readings = [v for v in (number.value, number.value / 100) if 0 <= v <= 1]
    return min(readings, key=lambda v: abs(v - expected)) if readings else None


def find_fractions(numbers: Sequence[Printed], expected: float, total: int) -> list[Printed]:
    """The numbers that say `expected` (a fraction of 1): as fraction, per cent, count of hits, or error rate."""
    found = []
    for number in numbers:
        margin = 0.6 * 10.0**-number.digits
        candidates = (
            (expected, margin),
            (expected * 100, margin),
            (expected * total, 0.5 if number.digits == 0 else margin),
            (1 - expected, margin),
            (100 - expected * 100, margin),
        )
        # A number of one digit says too little to be recognised by its value.
        if number.digits == 0 and abs(number.value) < 10:
            continue
        if any(abs(number.value - value) <= allowed + 1e-9 for value, allowed in candidates):
            found.append(number)
    return found


def find_values(numbers: Sequence[Printed], expected: Sequence[float]) -> list[Printed]:
    """The numbers with at least two digits after the point that say one of `expected`."""
    found = []
    for number in numbers:
        margin = 0.6 * 10.0**-number.digits + 1e-9
        if number.digits >= 2 and any(abs(number.value - value) <= margin + 2e-3 * abs(value) for value in expected):
            found.append(number)
    return found


def test_accuracies(numbers: Sequence[Printed]) -> list[float]:
    """Numbers whose label speaks of a test accuracy, as fractions; per cent where the series leaves [0, 1]."""
    labelled = [n for n in numbers if ACCURACY.search(n.label) and TEST.search(n.label)]
    if not labelled:
        plain = [n for n in numbers if ACCURACY.search(n.label)]
        labelled = plain
    if not labelled:
        return []
    percent = any(n.percent or n.value > 1 for n in labelled)
    values = [n.value / 100 if percent else n.value for n in labelled]
    return [v for v in values if 0 <= v <= 1]


def shapes_shown(text: str, train: int, test: int) -> int:
    """How many of the four true shapes the output names: (N, 784) and (N,) of either split, in any notation."""
    shown = 0
    for count in (train, test):
        number = rf"(?<![\d.]){count:,}(?![\d.])|(?<![\d.]){count}(?![\d.])"
        pictures = re.findall(rf"(?:{number})\D{{1,12}}(?:784|28|1\D{{1,4}}28)(?!\d)", text)
        mentions = len(re.findall(number, text))
        shown += bool(pictures) + (mentions > len(pictures))
    return shown
