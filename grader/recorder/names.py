"""Which images reached the model: a key for each, in order of appearance.

A batch that shows what it showed before is not read again: a view of the same tensor, at the same place, of the same
shape, that torch has not changed since. Memory that numpy shares with torch changes unseen, so some pixels are
compared every time, and now and then all of them.
"""

from __future__ import annotations

import weakref
from ctypes import c_char
from typing import Any

import numpy as np
import torch

from . import fingerprint
from .registry import grid_of

# So many images wait for a look at all of them, since the code is then warm and costs a third.
_DIGEST_IMAGES = 4096
READ_AGAIN = 16
MAX_VIEWS = 100_000
# The bytes that are compared: some pixels in the middle of the first image, where hardly two images are alike.
_MIDDLE = fingerprint.PIXELS // 2 + 8
_PIXELS = c_char * 64


class _View:
    """A batch that was read: of which tensor it is a view, some pixels of it, and its keys once they are known."""

    __slots__ = ("base", "keys", "memory", "pixels", "shape", "version")

    def __init__(self, images: torch.Tensor, base: torch.Tensor):
        self.base = weakref.ref(base)
        self.version = images._version
        self.shape = images.shape
        # Where some pixels lie; to be read only while the tensor is known to be the same.
        self.memory = _PIXELS.from_address(images.data_ptr() + _MIDDLE * images.element_size())
        self.pixels = self.memory.raw
        self.keys: np.ndarray | None = None


class Names:
    """Collects batches of images and hands out their keys."""

    def __init__(self) -> None:
        self._views: dict[int, _View] = {}
        self._hits = 0
        self._trusts = True
        self._samples: list[np.ndarray] = []
        self._waiting = 0
        self._parts: list[np.ndarray] = []
        # For each batch its keys, or how many images of it were read, and the view to tell the keys to.
        self._order: list[tuple[Any, _View | None]] = []

    def see(self, images: torch.Tensor) -> int:
        """Takes the next batch: (N, 784), (N, 28, 28), (N, 1, 28, 28), or one image without N; returns N."""
        base = images._base if self._trusts else None
        view = None
        if base is not None:
            place = images.data_ptr()
            view = self._views.get(place)
            # In one expression, for a call costs the program more than all of these together.
            if (
                view is None
                or view.base() is not base
                or view.version != images._version
                or view.shape != images.shape
                or not images.is_contiguous()
            ):
                view = self._view(images, base, place)
            elif view.pixels != view.memory.raw:
                self._distrust()
                view = None
            elif view.keys is not None:
                self._hits += 1
                if self._hits % READ_AGAIN:
                    self._order.append((view.keys, None))
                    return len(view.keys)
        return self._read(images, view)

    def _read(self, images: torch.Tensor, view: _View | None) -> int:
        samples = grid_of(images)
        count = len(samples)
        self._samples.append(samples)
        self._order.append((count, view))
        self._waiting += count
        if self._waiting >= _DIGEST_IMAGES:
            self._digest()
        return count

    def take(self) -> np.ndarray:
        """The keys of all batches since the last call, one uint64 an image."""
        self._digest()
        read = _joined(self._parts)
        order, self._order, self._parts = self._order, [], []
        pieces: list[np.ndarray] = []
        start = 0
        for keys, view in order:
            if isinstance(keys, int):
                start, begun = start + keys, start
                keys = read[begun:start]
                self._tell(view, keys)
            pieces.append(keys)
        return _joined(pieces)

    def _view(self, images: torch.Tensor, base: torch.Tensor, place: int) -> _View | None:
        """A new view of `base`; None where nobody could tell that it has changed."""
        plain = images.device.type == "cpu" and images.is_contiguous() and images.numel() >= fingerprint.PIXELS
        if not plain or images.is_inference():
            return None
        if len(self._views) >= MAX_VIEWS:
            self._views.clear()
        view = self._views[place] = _View(images, base)
        return view

    def _distrust(self) -> None:
        """The memory was changed behind torch's back: from here on every batch is read."""
        self._trusts = False
        self._views.clear()

    def _tell(self, view: _View | None, keys: np.ndarray) -> None:
        if view is None:
            return
        if view.keys is not None and not np.array_equal(view.keys, keys):
            self._distrust()
        view.keys = keys

    def _digest(self) -> None:
        if self._samples:
            self._parts.append(fingerprint.keys(np.concatenate(self._samples, dtype=np.float32, casting="unsafe")))
            self._samples, self._waiting = [], 0


def _joined(keys: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(keys) if keys else np.zeros(0, dtype=np.uint64)
