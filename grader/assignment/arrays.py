"""Images and labels as arrays: reading the practical's .npz files, validating, hashing and writing them.

Imports numpy, so the other modules import this one only where arrays are really needed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.assignment.npz import read_npz
from grader.errors import DataError

FILES = {"train": "train.npz", "test": "test.npz"}

# Pixels of an 8-bit image that were divided by 255 in any precision lie this near to a level of 0..255.
LEVEL_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Split:
    """One split: `images` float32 (N, pixels) in [0, 1], `labels` int64 (N,), the class indices."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def first(self, count: int) -> Split:
        """The first `count` images, or all where there are fewer."""
        return Split(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class Splits:
    """The training and the test split of one data set."""

    train: Split
    test: Split

    def first(self, train: int, test: int) -> Splits:
        """The first `train` and `test` images of the two."""
        return Splits(self.train.first(train), self.test.first(test))


def read_folder(folder: Path, pixels: int, classes: int) -> Splits:
    """Reads `train.npz` and `test.npz` of `folder`: X (N, pixels) or (N, height, width), Y one-hot or class indices.

    Raises DataError, naming file and array, for what is missing, malformed or out of range.
    """
    return Splits(**{split: _read_split(folder / name, pixels, classes) for split, name in FILES.items()})


def make_split(images: Any, labels: Any, pixels: int, classes: int, file: str) -> Split:
    """Validates two arrays and brings them to a Split's form; `file` is what errors name.

    Images are 8-bit levels 0..255, or fractions 0..1. Fractions that are 8-bit levels divided by 255 come out as
    exactly the floats that the levels themselves give, so that one data set has one hash in either form.
    """
    return _checked_split(np.asarray(images), np.asarray(labels), pixels, classes, file)


def content_hash(splits: Splits) -> str:
    """SHA-256 over the images' float32 bytes and the class indices of both splits, the same on every machine."""
    digest = hashlib.sha256(b"grader.dataset/1\n")
    for split in (splits.train, splits.test):
        digest.update(f"{split.images.shape[0]} {split.images.shape[1]}\n".encode())
        digest.update(np.ascontiguousarray(split.images, dtype="<f4").data)
        digest.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
    return digest.hexdigest()


def write_folder(splits: Splits, folder: Path, classes: int) -> None:
    """Writes both files in the practical's format: X float32 (N, pixels), Y one-hot float32 (N, classes).

    Uncompressed, because every student's run reads them: 0.1 s instead of 0.6 s for MNIST's training images.
    """
    for name, split in ((FILES["train"], splits.train), (FILES["test"], splits.test)):
        np.savez(folder / name, X=split.images, Y=np.eye(classes, dtype=np.float32)[split.labels])


def _read_split(path: Path, pixels: int, classes: int) -> Split:
    try:
        images, labels = read_npz(path, ("X", "Y"))
    except KeyError as error:
        place, remedy = f'array "{error.args[0]}"', "Store the images as X, labels as Y"
        raise _error(path, place, "the array is missing", remedy) from error
    except FileNotFoundError as error:
        remedy = f"A data folder holds {FILES['train']} and {FILES['test']}"
        raise DataError("the file is missing", file=str(path), remedy=remedy) from error
    except (OSError, ValueError) as error:
        remedy = "Write it with numpy.savez(file, X=images, Y=labels)"
        raise DataError(f"this is not a readable .npz file: {error}", file=str(path), remedy=remedy) from error
    return _checked_split(images, labels, pixels, classes, str(path))


def _checked_split(images: NDArray[Any], labels: NDArray[Any], pixels: int, classes: int, file: str) -> Split:
    flat = images.reshape(len(images), -1) if images.ndim in (2, 3) and len(images) else images
    if flat.ndim != 2 or flat.shape[1] != pixels or not len(flat):
        raise _error(file, 'array "X"', f"its shape is {images.shape}", f"It must be (N, {pixels}) with N at least 1")
    if labels.ndim == 0 or len(labels) != len(images):
        raise _error(file, 'array "Y"', f"its shape is {labels.shape}", f"It must have {len(images)} rows, as X has")
    return Split(_unit_interval(flat, file), _class_indices(labels, classes, file))


def _unit_interval(images: NDArray[Any], file: str) -> NDArray[np.float32]:
    remedy = "Store 8-bit integers 0..255, or floats 0..1"
    if images.dtype.kind not in "uif":
        raise _error(file, 'array "X"', f"its type is {images.dtype}", remedy)
    low, high = images.min(), images.max()
    top = 1 if images.dtype.kind == "f" else 255
    if not (low >= 0 and high <= top):  # also true of NaN
        raise _error(file, 'array "X"', f"its values go from {low:g} to {high:g}", remedy)
    if images.dtype.kind != "f":
        return images.astype(np.float32) / np.float32(255)
    values = images.astype(np.float32)
    scaled = values * np.float32(255)
    levels = np.rint(scaled)
    return levels / np.float32(255) if np.abs(scaled - levels).max() < LEVEL_TOLERANCE else values


def _class_indices(labels: NDArray[Any], classes: int, file: str) -> NDArray[np.int64]:
    remedy = f"Store class indices 0..{classes - 1}, or one-hot rows (N, {classes})"
    if labels.dtype.kind not in "buif" or labels.ndim not in (1, 2):
        raise _error(file, 'array "Y"', f"it is {labels.dtype} {labels.shape}", remedy)
    if labels.ndim == 2:
        ones = labels == 1
        if labels.shape[1] != classes or not (ones.sum(axis=1) == 1).all() or np.count_nonzero(labels) != len(labels):
            raise _error(file, 'array "Y"', f"its shape is {labels.shape}, not each row one-hot", remedy)
        indices: NDArray[np.int64] = ones.argmax(axis=1).astype(np.int64)
        return indices
    if labels.dtype.kind not in "ui" or labels.min() < 0 or labels.max() >= classes:
        raise _error(file, 'array "Y"', f"it is {labels.dtype}, {labels.min()} to {labels.max()}", remedy)
    return labels.astype(np.int64)


def _error(path: Path | str, place: str, message: str, remedy: str) -> DataError:
    return DataError(message, file=str(path), place=place, remedy=remedy)
