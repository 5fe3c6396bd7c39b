"""Pictures of kernels: known however they are drawn, and not taken for those of another stage."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from grader.evidence.values import Picture, Place
from grader.verify.pictures import find_kernels
from grader.verify.result import Shown

RNG = np.random.default_rng(5)
INITIAL = RNG.uniform(-0.125, 0.125, size=(10, 1, 8, 8)).astype(np.float32)
FINAL = (INITIAL + RNG.normal(0, 0.03, size=INITIAL.shape)).astype(np.float32)
HALFWAY = (INITIAL + FINAL) / 2
ALL = frozenset(range(10))


def find(*images: np.ndarray, snapshots: tuple[np.ndarray, ...] = ()) -> Shown:
    pictures = [Picture(0, image, Place("s.py", None, 7)) for image in images]
    return find_kernels(pictures, FINAL, [INITIAL], snapshots)


def as_bytes(image: np.ndarray) -> np.ndarray:
    low, high = image.min(), image.max()
    return np.rint((image - low) / (high - low) * 255)


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "plain": lambda k: k,
    "contrast": lambda k: 3 * k + 0.5,
    "negative": lambda k: 1 - k,
    "normalised": lambda k: (k - k.min()) / (k.max() - k.min()),
    "8-bit": as_bytes,
    "transposed": lambda k: k.T,
    "grey as RGB": lambda k: np.repeat(k[..., None], 3, axis=-1),
    "RGBA": lambda k: np.concatenate([np.repeat(k[..., None], 3, axis=-1), np.ones((8, 8, 1))], axis=-1),
    "framed": lambda k: np.pad(k, 3),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_kernels_are_known(way: str) -> None:
    """The trained kernels are known under contrast, inversion, rounding, transposition, colour and frame."""
    shown = find(*[WAYS[way](kernel[0]) for kernel in FINAL])
    assert (shown.final, shown.initial, shown.others) == (ALL, frozenset(), 0)
    assert shown.place == Place("s.py", None, 7)


def test_grid() -> None:
    """Ten kernels in one picture, as `make_grid` draws them, are ten kernels."""
    grid = np.full((2 * 10 + 2, 5 * 10 + 2), FINAL.max())
    for i, kernel in enumerate(FINAL):
        top, left = 2 + 10 * (i // 5), 2 + 10 * (i % 5)
        grid[top : top + 8, left : left + 8] = kernel[0]
    assert find(grid).final == ALL


def test_untrained_kernels() -> None:
    """Kernels from before the training are those, and not the trained ones."""
    shown = find(*[kernel[0] for kernel in INITIAL])
    assert (shown.final, shown.initial) == (frozenset(), ALL)


def test_kernels_of_the_middle() -> None:
    """Kernels of a test pass in between are known as such."""
    shown = find(*[kernel[0] for kernel in HALFWAY], snapshots=(HALFWAY,))
    assert (shown.final, shown.initial, shown.intermediate) == (frozenset(), frozenset(), ALL)


def test_other_pictures() -> None:
    """Images, feature maps and noise are no kernels; those of a kernel's size are counted."""
    shown = find(RNG.random((28, 28)), RNG.random((11, 11)), RNG.random((8, 8)), np.zeros((8, 8)))
    assert not shown.final | shown.initial | shown.intermediate
    assert (shown.pictures, shown.others) == (4, 2)


def test_some_kernels() -> None:
    """Which kernels were shown is told by number."""
    assert find(FINAL[2, 0], FINAL[7, 0]).final == {2, 7}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pictures_that_are_no_numbers(value: float) -> None:
    """A picture with NaN or infinity is passed over."""
    assert not find(np.full((8, 8), value)).final


def test_small_pictures() -> None:
    """A picture smaller than a kernel shows none."""
    assert find(np.zeros((4, 4))).others == 0


def test_constant_kernels() -> None:
    """A model whose kernels are all zero has nothing to be recognised by."""
    zeros = np.zeros_like(FINAL)
    assert not find_kernels([Picture(0, np.zeros((8, 8)))], zeros, [zeros], []).final
