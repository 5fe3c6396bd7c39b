"""The running record: one small row an event, and a key for every image that reached the model.

Kept for the whole run, so each entry must cost well under a microsecond to a few; the expensive part is put off: keys
and predicted classes until so many images have come that one look at all of them is cheap and they are still in the
processor's cache, the values of losses until `flush`.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from . import fingerprint
from .wire import Wire

FORWARD, BACKWARD, STEP, UPDATE, LOSS, CELL, FIGURE = range(1, 8)
GRAD_ENABLED, STALE, TRACED, NO_GRADIENT = 1, 2, 4, 8
UNKNOWN = 255
_FLUSH_EVENTS = 2000
_FLUSH_SECONDS = 2.0
_DIGEST_IMAGES = 512


class Journal:
    """Collects events and sends them in chunks."""

    def __init__(self, wire: Wire):
        self._wire = wire
        self.count = 0
        self.count_of_training = 0
        self._sent_at = time.monotonic()
        self._clear()

    def _clear(self) -> None:
        self._kinds: list[int] = []
        self._flags: list[int] = []
        self._who: list[int] = []
        self._sizes: list[int] = []
        self._values: list[Any] = []
        self._samples: list[np.ndarray] = []
        self._logits: list[torch.Tensor | None] = []
        self._waiting = self._latest = 0
        self._keys: list[np.ndarray] = []
        self._predicted: list[np.ndarray] = []

    def add(self, kind: int, flags: int = 0, who: int = -1, size: int = 0, value: Any = None) -> int:
        """Appends an event and returns its index; `value` may be a detached one-element tensor."""
        self._kinds.append(kind)
        self._flags.append(flags)
        self._who.append(who)
        self._sizes.append(size)
        self._values.append(value)
        self.count += 1
        self.count_of_training += kind == BACKWARD
        return self.count - 1

    def forward(self, flags: int, who: int) -> int:
        """A batch is about to reach the model; `images` says which, before the next one comes."""
        if len(self._kinds) >= _FLUSH_EVENTS or time.monotonic() - self._sent_at > _FLUSH_SECONDS:
            self.flush()
        elif self._waiting >= _DIGEST_IMAGES:
            self._digest()
        self._latest = len(self._kinds)
        return self.add(FORWARD, flags, who)

    def images(self, samples: np.ndarray) -> None:
        """`samples` (N, 10, 10): the grid of each image of the latest forward event's batch, in order."""
        self._sizes[self._latest] = len(samples)
        self._samples.append(samples)
        self._logits.append(None)
        self._waiting += len(samples)

    def logits(self, values: torch.Tensor) -> None:
        """The class scores (N, C) for the images of the latest forward event."""
        if self._logits:
            self._logits[-1] = values

    def flush(self) -> None:
        """Sends what has been collected."""
        self._sent_at = time.monotonic()
        if not self._kinds:
            return
        self._digest()
        arrays: dict[str, np.ndarray] = {
            "kind": np.array(self._kinds, dtype=np.uint8),
            "flags": np.array(self._flags, dtype=np.uint8),
            "who": np.array(self._who, dtype=np.int32),
            "size": np.array(self._sizes, dtype=np.int32),
            "value": _numbers(self._values),
            "keys": np.concatenate(self._keys) if self._keys else np.zeros(0, dtype=np.uint64),
            "predicted": np.concatenate(self._predicted) if self._predicted else np.zeros(0, dtype=np.uint8),
        }
        self._clear()
        self._wire.send({"kind": "events", "total": self.count}, arrays)

    def _digest(self) -> None:
        """Turns the images that wait into keys, and their scores into classes."""
        if self._samples:
            self._keys.append(fingerprint.keys(_joined(self._samples)))
            self._predicted.append(self._classes())
        self._samples, self._logits, self._waiting = [], [], 0

    def _classes(self) -> np.ndarray:
        """The class with the highest score for each image that waits, UNKNOWN where no scores were seen."""
        counts = [len(samples) for samples in self._samples]
        known = [
            logits
            for logits, count in zip(self._logits, counts, strict=True)
            if logits is not None and logits.ndim == 2 and len(logits) == count
        ]
        if len(known) == len(counts):
            return _highest(torch.cat(known))
        return np.concatenate(
            [
                _highest(logits)
                if logits is not None and logits.ndim == 2 and len(logits) == count
                else np.full(count, UNKNOWN, dtype=np.uint8)
                for logits, count in zip(self._logits, counts, strict=True)
            ]
        )


def _joined(samples: list[np.ndarray]) -> np.ndarray:
    """All samples (N, 10, 10) as float32, in one copy."""
    return np.concatenate(samples, dtype=np.float32, casting="unsafe")


def _highest(scores: torch.Tensor) -> np.ndarray:
    return scores.argmax(1).to(torch.uint8).cpu().numpy()


def _numbers(values: list[Any]) -> np.ndarray:
    """The values as float32, NaN where there is none; all tensors at once, for one by one costs a microsecond each."""
    found = np.full(len(values), np.nan, dtype=np.float32)
    places = [i for i, v in enumerate(values) if isinstance(v, torch.Tensor)]
    try:
        found[places] = torch.stack([values[i] for i in places]).float().cpu().numpy() if places else []
    except (RuntimeError, ValueError, TypeError):  # of several shapes, devices or kinds
        for i in places:
            if values[i].numel() == 1 and not values[i].is_complex():
                found[i] = float(values[i])
    return found
