"""Which staged image is it? Keys from the sandbox against the trusted side's own copy of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from grader.recorder import fingerprint

Arrange = Callable[[np.ndarray], np.ndarray]


def _padded(width: int) -> Arrange:
    return lambda images: np.pad(images, ((0, 0), (width, width), (width, width)))


# Arrangements of an image before the first layer, tried in order when the plain one does not match.
LAYOUTS: dict[str, Arrange] = {
    "identity": lambda images: images,
    "transposed": lambda images: images.transpose(0, 2, 1),
    "flipped": lambda images: images[:, ::-1, :],
    "mirrored": lambda images: images[:, :, ::-1],
    "rotated": lambda images: images[:, ::-1, ::-1],
    "inverted": lambda images: 1 - images,
    "padded-2": _padded(2),
    "padded-1": _padded(1),
    "padded-3": _padded(3),
    "padded-4": _padded(4),
}
# So large a share of the keys must be known before a layout is taken for the program's own.
ENOUGH = 0.5


@dataclass(frozen=True)
class Images:
    """The trusted copy: images float32 (N, 784) in [0, 1], labels int64 (N,)."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    @cached_property
    def all(self) -> np.ndarray:
        """Training images, then test images: the numbering that `RowIndex` uses."""
        return np.concatenate([self.train, self.test])

    @cached_property
    def labels(self) -> np.ndarray:
        return np.concatenate([self.train_labels, self.test_labels])


class RowIndex:
    """Finds images by key: number i < len(train) is a training image, the rest are test images, -1 is unknown."""

    def __init__(self, images: Images):
        self.images = images
        self._tables: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def match(self, keys: np.ndarray) -> tuple[np.ndarray, str]:
        """Image numbers for `keys` (M,), and the layout in which they are known; "unknown" where none fits."""
        sample = keys if len(keys) <= 4000 else keys[:: len(keys) // 2000]
        best, share = "identity", 0.0
        for layout in LAYOUTS:
            known = float((self._find(sample, layout) >= 0).mean()) if len(sample) else 0.0
            if known > share:
                best, share = layout, known
            if known >= ENOUGH:
                break
        return self._find(keys, best), best if share >= ENOUGH else "unknown"

    def knows(self, images: np.ndarray) -> bool:
        """Whether all of `images` (N, 784) are staged ones, as they lie in the data set."""
        return bool((self._find(fingerprint.keys(fingerprint.sample(images)), "identity") >= 0).all())

    def match_arranged(self, keys: np.ndarray, arrange: Arrange) -> np.ndarray:
        """Image numbers for `keys` (M,) of images in an arrangement that is none of `LAYOUTS`; -1 where unknown."""
        return _look_up(keys, *self._keys_of(arrange))

    def warm(self) -> None:
        """Builds the plain table now, so that it is there when the evidence comes."""
        self._table("identity")

    def _find(self, keys: np.ndarray, layout: str) -> np.ndarray:
        return _look_up(keys, *self._table(layout))

    def _table(self, layout: str) -> tuple[np.ndarray, np.ndarray]:
        if layout not in self._tables:
            self._tables[layout] = self._keys_of(LAYOUTS[layout])
        return self._tables[layout]

    def _keys_of(self, arrange: Arrange) -> tuple[np.ndarray, np.ndarray]:
        """The keys of all images, sorted, and whose they are."""
        parts = [
            fingerprint.keys(fingerprint.sample_any(arrange(part.reshape(-1, 28, 28))))
            for part in (self.images.train, self.images.test)
        ]
        keys = np.concatenate(parts)
        order = np.argsort(keys, kind="stable")
        return keys[order], order


def _look_up(keys: np.ndarray, ordered: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    position = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.where(ordered[position] == keys, numbers[position], -1)
