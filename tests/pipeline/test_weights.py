"""Digests of weights are equal for equal numbers, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grader.evidence import Evidence, parse_evidence
from grader.evidence.values import State
from grader.pipeline.weights import weights_of

KERNEL = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
BIAS = np.array([0.5, 1.5], dtype=np.float32)


def evidence(first: dict[int, np.ndarray], final: dict[int, np.ndarray]) -> Evidence:
    """A run that left these parameters of model 0."""
    return replace(parse_evidence([]), state=State({0: tuple(final)}, final, first))


def final_of(final: dict[int, np.ndarray]) -> str | None:
    found = weights_of(evidence(final, final), 0)
    assert found is not None
    return found.final


def test_the_order_of_the_layers_does_not_matter() -> None:
    """The same parameters under other numbers have the same digest."""
    assert final_of({0: KERNEL, 1: BIAS}) == final_of({3: BIAS, 4: KERNEL})


def test_one_bit_makes_another_digest() -> None:
    """The nearest other number is another number."""
    nearly = KERNEL.copy()
    nearly.flat[2] = np.nextafter(nearly.flat[2], np.float32(9))
    assert final_of({0: KERNEL}) != final_of({0: nearly})


def test_start_and_end_are_told_apart() -> None:
    """The start has its own digest."""
    found = weights_of(evidence({0: BIAS}, {0: BIAS + 1}), 0)
    assert found is not None
    assert found.initial == final_of({0: BIAS})
    assert found.initial != found.final


def test_diverged_and_constant_weights_have_no_digest() -> None:
    """Any two runs could have them in common."""
    assert final_of({0: np.full(3, np.nan, dtype=np.float32)}) is None
    assert final_of({0: np.zeros(3, dtype=np.float32)}) is None


def test_without_state_or_model_there_is_nothing() -> None:
    """A run that was cut off left no weights to compare."""
    assert weights_of(parse_evidence([]), 0) is None
    assert weights_of(evidence({0: BIAS}, {0: BIAS}), None) is None
