"""A small data set in the practical's form, and its arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

TRAIN, TEST = 40, 20


def levels(count: int, seed: int) -> np.ndarray:
    """8-bit images (count, 784)."""
    return np.random.default_rng(seed).integers(0, 256, (count, 784)).astype(np.uint8)


def classes(count: int) -> np.ndarray:
    """Class indices (count,), every class among them."""
    return np.arange(count) % 10


def write_data(folder: Path, change: Callable[[str, dict[str, np.ndarray]], None] = lambda file, arrays: None) -> Path:
    """A small data folder: 8-bit X, one-hot Y; `change` may alter the arrays of a file ("train", "test") before."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (file, count) in enumerate((("train", TRAIN), ("test", TEST))):
        arrays = {"X": levels(count, seed), "Y": np.eye(10, dtype=np.uint8)[classes(count)]}
        change(file, arrays)
        np.savez(folder / f"{file}.npz", **arrays)
    return folder
