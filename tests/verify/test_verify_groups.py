"""Which models are graded, and when several of them are one that is made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from grader.evidence import Evidence, parse_evidence
from grader.evidence.values import Kind, State
from grader.verify.groups import RECREATED, begins_uniform, is_recreated, serious_models

TRAIN = 300


def run_of(models: Sequence[int]) -> Evidence:
    """Forward and backward passes of 30 images, by the models of these numbers in turn."""
    evidence = parse_evidence([])
    count = 2 * len(models)
    kind = np.array([Kind.FORWARD, Kind.BACKWARD] * len(models))
    size = np.array([30, 1] * len(models))
    return replace(
        evidence,
        events=replace(evidence.events, kind=kind, who=np.repeat(models, 2), size=size, start=np.zeros(count, int)),
    )


@pytest.mark.parametrize(
    ("models", "groups"),
    [
        ([0] * 20, [{0}]),
        ([0] + [1] * 20, [{1}]),
        ([0] * 20 + [1] * 15, [{0}, {1}]),
        ([0] * 10 + [1] * 10 + [2] * 10, [{0, 1, 2}]),
        ([0] * 30 + [1] * 30 + [2] * 30, [{0}, {1}, {2}]),
        (list(range(5)), [{0, 1, 2, 3, 4}]),
    ],
    ids=["one", "one tried", "two", "one made again every epoch", "three trained for long", "layers made anew"],
)
def test_models_worth_grading(models: list[int], groups: list[set[int]]) -> None:
    """What was only tried is left out; models that replace one another are one."""
    assert serious_models(run_of(models), TRAIN) == [frozenset(group) for group in groups]


@pytest.mark.parametrize(
    ("models", "anew"),
    [
        (list(range(5)), True),
        (list(range(RECREATED + 1)) * 2, True),
        ([0, 0, 1, 1, 2, 2], False),
        ([0] * 20, False),
        ([0], False),
        ([0, 1], False),
    ],
)
def test_layers_made_at_every_call(models: list[int], anew: bool) -> None:
    """A model for each batch is one whose layers are made anew; a model for each epoch sees several batches."""
    assert is_recreated(run_of(models), set(models)) == anew


@pytest.mark.parametrize(
    ("values", "uniform"),
    [([[0.0, 0.0], [0.5, 0.5]], True), ([[0.0, 0.0], [0.5, 0.6]], False), ([[0.0, 0.0]], False), ([], False)],
)
def test_weights_that_begin_alike(values: list[list[float]], uniform: bool) -> None:
    """All layers' weights have to be of one value each; one layer's may be by chance of its making."""
    first = {number: np.array([row]) for number, row in enumerate(values)} | {9: np.zeros(10)}
    evidence = replace(parse_evidence([]), state=State(models={}, final={}, first=first))
    assert begins_uniform(evidence, (*range(len(values)), 9)) == uniform
