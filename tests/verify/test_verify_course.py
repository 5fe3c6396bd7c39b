"""The course of the weights: what no recorded update brings earns nothing, and what a right program does is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grader.evidence import parse_evidence
from grader.evidence.values import Events, Kind
from grader.verify.course import Course, Moment, Weights, doubt_weights

CHANCE = 0.1


def events(*kinds: Kind) -> Events:
    """A journal of these events."""
    zeros = np.zeros(len(kinds), dtype=np.int64)
    columns = dict.fromkeys(("flags", "who", "size", "value", "start"), zeros)
    return replace(parse_evidence([]).events, kind=np.array(kinds, dtype=np.uint8), **columns)


def course(*values: float, updates: int = 1, longest: float | None = 0.1) -> Course:
    """One weight, whose value is the model's accuracy, at moments with `updates` between them."""
    moments = (Moment(i * updates, {0: np.array([value])}) for i, value in enumerate(values))
    return Course(events(*[Kind.STEP] * (updates * len(values))), tuple(moments), longest)


def accuracy(weights: Weights) -> float:
    """The weight itself."""
    return float(weights[0][0])


@pytest.mark.parametrize(
    "right",
    [
        course(0.1, 0.4, 0.7),
        course(0.1, 0.9, updates=1, longest=None),
        course(0.2, 0.5, 0.3, 0.5),
        course(0.1, 0.12, 0.1, updates=0),
        course(0.3, 0.1, updates=0),
        course(0.1, 0.3, 0.05, 0.3, updates=1, longest=0.1),
        course(),
    ],
    ids=["updates", "no update examined", "back and forth", "average", "worse", "reloaded", "nothing recorded"],
)
def test_right_course(right: Course) -> None:
    """Updates, averages that gain little, losses and returns to earlier weights leave no doubt."""
    assert doubt_weights(right, accuracy, CHANCE) == ""


@pytest.mark.parametrize(
    ("wrong", "doubt"),
    [
        (course(0.9, 0.95), "right before its first recorded update"),
        (course(0.1, 0.12, 0.9), "no recorded update"),
        (course(0.1, 0.9, updates=0), "no recorded update"),
        (course(0.1, 0.14, 0.18, updates=0), "no recorded update"),
    ],
    ids=["trained before", "further than updates go", "without an update", "in small parts"],
)
def test_weights_from_elsewhere(wrong: Course, doubt: str) -> None:
    """Accuracy at the start, or with a jump that the updates in between are too short for, is no result of training."""
    assert doubt in doubt_weights(wrong, accuracy, CHANCE)
