"""Printed numbers: read in the notations that programs use, and matched with measured ones."""

from __future__ import annotations

import pytest

from grader.verify.reported import (
    as_fraction,
    find_fractions,
    find_values,
    printed_numbers,
)
from grader.verify.reported import (
    test_accuracies as accuracies_of,
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("loss 0.25 acc 97.3%", [0.25, 97.3]),
        ("0,973", [0.973]),
        ("1e-3 -2.5E+2", [0.001, -250.0]),
        ("9730/10000", [9730, 10000]),
        ("tensor(0.9730)", [0.973]),
        ("conv2d x1 v1.2.3", []),
        ("epoch=3,acc=0.5", [3, 0.5]),
        ("97 %", [97]),
        ("", []),
    ],
)
def test_numbers(text: str, values: list[float]) -> None:
    """Per cent, decimal commas, exponents, fractions and tensors are numbers; parts of names and versions are not."""
    assert [n.value for n in printed_numbers(text)] == values


def test_label_and_digits() -> None:
    """Each number knows the text before it, its digits after the point, and its per cent sign."""
    first, second = printed_numbers("Epoch 3 test acc: 97.30 %")
    assert (first.label, first.digits, first.percent) == ("Epoch", 0, False)
    assert (second.label, second.digits, second.percent) == ("test acc:", 2, True)


def test_limit() -> None:
    """A program that prints numbers without end is read up to a limit."""
    assert len(printed_numbers("1 " * 900 + "\n" + "2 " * 900, limit=1000)) == 1000


@pytest.mark.parametrize("text", ["0.973", "0,973", "97.3%", "97.30", "0.9730", "973", "2.7 %", "0.027"])
def test_accuracy_in_any_notation(text: str) -> None:
    """97.3% of 1000 images: as fraction, per cent, count of hits or error rate."""
    assert find_fractions(printed_numbers(text), 0.973, 1000)


@pytest.mark.parametrize("text", ["0.983", "96.3%", "963", "9", "1", "0.5", "1000"])
def test_other_numbers_are_not_taken(text: str) -> None:
    """Other values, and single digits, are no accuracy of 97.3%."""
    assert not find_fractions(printed_numbers(text), 0.973, 1000)


def test_rounding_counts() -> None:
    """97% says 97.3%; 97.0% does not."""
    assert find_fractions(printed_numbers("97 %"), 0.973, 1000)
    assert not find_fractions(printed_numbers("97.0 %"), 0.973, 1000)


@pytest.mark.parametrize(("text", "found"), [("0.4321", True), ("0.43", True), ("0.4", False), ("0.52", False)])
def test_losses(text: str, found: bool) -> None:
    """A loss is recognised by at least two digits after the point."""
    assert bool(find_values(printed_numbers(text), [0.4321])) is found


def test_as_fraction() -> None:
    """A number below 1 may be a fraction or a per cent: the nearer reading counts."""
    (number,) = printed_numbers("0.9")
    assert as_fraction(number, 0.9) == 0.9
    assert as_fraction(number, 0.01) == pytest.approx(0.009)
    assert as_fraction(printed_numbers("250")[0], 0.5) is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("test accuracy: 97.3%", [0.973]),
        ("Test Acc 0.85\nTest Acc 0.91", [0.85, 0.91]),
        ("train acc 0.99, test acc 0.91", [0.91]),
        ("Testgenauigkeit: 93,9 %", [0.939]),
        ("accuracy 91.5", [0.915]),
        ("loss 0.3", []),
        ("test accuracy 5 %, test accuracy 0.5 %", [0.05, 0.005]),
        ("test hits 9730", []),
    ],
)
def test_claimed_test_accuracies(text: str, values: list[float]) -> None:
    """Numbers labelled as a test accuracy, in several languages; per cent where the series says so."""
    assert accuracies_of(printed_numbers(text)) == pytest.approx(values)
