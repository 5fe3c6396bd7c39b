"""The running record: one small row an event, and a key for every image that reached the model.

Kept for the whole run, so each entry must cost well under a microsecond to a few; the expensive part is put off: keys
and predicted classes until so many images have come that one look at all of them is cheap, the values of losses until
`flush`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .names import Names
from .wire import Wire

FORWARD, BACKWARD, STEP, UPDATE, LOSS, CELL, FIGURE = range(1, 8)
GRAD_ENABLED, STALE, TRACED, NO_GRADIENT = 1, 2, 4, 8
UNKNOWN = 255
_FLUSH_EVENTS = 2000
_FLUSH_SECONDS = 2.0
_PLAIN = {float, type(None)}


class Journal:
    """Collects events and sends them in chunks."""

    def __init__(self, wire: Wire):
        self._wire = wire
        self._names = Names()
        self.count_of_training = 0
        self._sent = 0
        self._sent_at = time.monotonic()
        self._clear()

    def _clear(self) -> None:
        # Kind, flags, who, size, value of each event.
        self._rows: list[tuple[int, int, int, int, Any]] = []
        self._latest = 0
        # For each batch of images how many they are, and their class scores.
        self._sizes: list[int] = []
        self._logits: list[torch.Tensor | None] = []

    @property
    def count(self) -> int:
        """How many events there were."""
        return self._sent + len(self._rows)

    def add(self, kind: int, flags: int = 0, who: int = -1, size: int = 0) -> int:
        """Appends an event without a value and returns its index."""
        self._rows.append((kind, flags, who, size, None))
        return self._sent + len(self._rows) - 1

    def backward(self, flags: int, who: int, size: int, root: torch.Tensor) -> None:
        """A backward pass from `root`, after `size` forward events."""
        self.count_of_training += 1
        value = root.item() if root.is_cpu and root.numel() == 1 else _value(root)
        self._rows.append((BACKWARD, flags, who, size, value))

    def loss(self, who: int, size: int, result: torch.Tensor) -> None:
        """A loss over `size` samples gave `result`."""
        value = result.item() if result.is_cpu and result.numel() == 1 else _value(result)
        self._rows.append((LOSS, 0, who, size, value))

    def forward(self, flags: int, who: int) -> int:
        """A batch is about to reach the model; `images` says which, before the next one comes."""
        self._make_room()
        self._latest = len(self._rows)
        return self.add(FORWARD, flags, who)

    def images(self, images: torch.Tensor) -> None:
        """The batch of the latest forward event, (N, 784), (N, 28, 28) or (N, 1, 28, 28)."""
        size = self._names.see(images)
        self._sizes.append(size)
        self._logits.append(None)
        kind, flags, who, _, value = self._rows[self._latest]
        self._rows[self._latest] = kind, flags, who, size, value

    def passed(self, flags: int, who: int, images: torch.Tensor) -> None:
        """`forward` and `images` at once: a batch has passed the first layer."""
        self._make_room()
        size = 0
        try:
            size = self._names.see(images)
            self._sizes.append(size)
            self._logits.append(None)
        finally:
            self._rows.append((FORWARD, flags, who, size, None))

    def logits(self, values: torch.Tensor) -> None:
        """The class scores (N, C) for the images of the latest forward event."""
        if self._logits:
            self._logits[-1] = values

    def flush(self) -> None:
        """Sends what has been collected."""
        self._sent_at = time.monotonic()
        if not self._rows:
            return
        kinds, flags, who, sizes, values = zip(*self._rows, strict=True)
        arrays: dict[str, np.ndarray] = {
            "kind": np.array(kinds, dtype=np.uint8),
            "flags": np.array(flags, dtype=np.uint8),
            "who": np.array(who, dtype=np.int32),
            "size": np.array(sizes, dtype=np.int32),
            "value": _numbers(values),
            "keys": self._names.take(),
            "predicted": _classes(self._sizes, self._logits),
        }
        self._sent += len(self._rows)
        self._clear()
        self._wire.send({"kind": "events", "total": self.count}, arrays)

    def _make_room(self) -> None:
        if len(self._rows) >= _FLUSH_EVENTS or time.monotonic() - self._sent_at > _FLUSH_SECONDS:
            self.flush()


def _classes(sizes: list[int], logits: list[torch.Tensor | None]) -> np.ndarray:
    """The class with the highest score for each image, UNKNOWN where no scores were seen that belong to the images."""
    if not sizes:
        return np.zeros(0, dtype=np.uint8)
    known = [
        scores if scores is not None and scores.ndim == 2 and scores.shape[0] == size else None
        for scores, size in zip(logits, sizes, strict=True)
    ]
    given = [scores for scores in known if scores is not None]
    if len(given) == len(known):
        return _highest(torch.cat(given))
    return np.concatenate(
        [
            np.full(size, UNKNOWN, dtype=np.uint8) if scores is None else _highest(scores)
            for scores, size in zip(known, sizes, strict=True)
        ]
    )


def _value(tensor: torch.Tensor) -> torch.Tensor:
    """One number; from a device it comes later, since to ask for it now would have the program wait."""
    value = tensor.detach()
    return value if value.numel() == 1 else value.mean()


def _highest(scores: torch.Tensor) -> np.ndarray:
    return scores.argmax(1).to(torch.uint8).cpu().numpy()


def _numbers(values: Sequence[Any]) -> np.ndarray:
    """The values as float32, NaN where there is none."""
    if set(map(type, values)) <= _PLAIN:
        return np.array(values, dtype=np.float32)  # None becomes NaN
    found = np.full(len(values), np.nan, dtype=np.float32)
    for i, value in enumerate(values):
        if isinstance(value, torch.Tensor) and value.numel() == 1:
            value = value.item()
        if isinstance(value, (int, float)):
            found[i] = value
    return found
