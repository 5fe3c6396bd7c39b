"""The batches that went in, remade from the trusted copy of the images: which images, how arranged, how rescaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from grader.evidence.values import Events, Trace
from grader.verify.graph import references
from grader.verify.rows import Arrange, Images

# Largest departure, in units of the pixel range, of a rescaling that is still called affine.
AFFINE_TOLERANCE = 2e-3


@dataclass(frozen=True)
class Rescaling:
    """What the program made of a pixel v in [0, 1]: `scale` * v + `shift`."""

    scale: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True)
class Form:
    """How a batch lay in memory as it reached the layer. Narrower floats are recorded, and done again, as float32."""

    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32


def batch_form(trace: Trace, event: int) -> Form | None:
    """The form of the batch of forward event `event`."""
    for node in trace.nodes:
        for value in node.inputs:
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and event in references(item, "d"):
                    dtype = torch.float64 if item.get("dtype") == "float64" else torch.float32
                    return Form(tuple(item.get("shape", ())), dtype)
    return None


class Batches:
    """Makes the batch of a forward event again from the trusted images."""

    def __init__(
        self,
        events: Events,
        rows: np.ndarray,
        arrange: Arrange | None,
        images: Images,
        traces: Sequence[Trace],
    ):
        """`arrange` lays images out as the program does; None where that is not known."""
        self._events = events
        self._rows = rows
        self._arrange = arrange
        self._images = images
        self.rescaling = self._fit(traces, arrange) if arrange is not None else None

    @property
    def trusted(self) -> bool:
        """Whether batches come from the trusted images; otherwise the recorded ones are all there is."""
        return self.rescaling is not None

    def rows(self, event: int) -> np.ndarray:
        """Image numbers of the batch, (N,); -1 where unknown."""
        start = int(self._events.start[event])
        return self._rows[start : start + int(self._events.size[event])]

    def are_training(self, rows: np.ndarray) -> bool:
        """Whether all of these are images of the training set."""
        return bool(((rows >= 0) & (rows < len(self._images.train))).all())

    def labels(self, event: int) -> np.ndarray:
        rows = self.rows(event)
        return np.where(rows >= 0, self._images.labels[np.maximum(rows, 0)], -1)

    def make(self, trace: Trace, event: int) -> torch.Tensor | None:
        """The batch as it reached the layer, or None where it cannot be made."""
        form = batch_form(trace, event)
        rows = self.rows(event)
        if self.trusted and form is not None and len(rows) and (rows >= 0).all():
            return self.arrange(self._images.all[rows], form)
        recorded = trace.arrays.get(f"data/{event}")
        dtype = form.dtype if form is not None else torch.float32
        return None if recorded is None else torch.from_numpy(np.array(recorded)).to(dtype)

    def arrange(self, images: np.ndarray, form: Form, *, rescaled: bool = True) -> torch.Tensor | None:
        """`images` (N, 784) in [0, 1] as this program feeds them; `form` is a recorded batch's."""
        if self.rescaling is None or self._arrange is None:
            return None
        rescaling = self.rescaling if rescaled else Rescaling()
        arranged = self._arrange(images.reshape(-1, 28, 28))
        values = arranged * np.float32(rescaling.scale) + np.float32(rescaling.shift)
        try:
            return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(form.dtype).reshape(form.shape)
        except RuntimeError:
            return None

    def _fit(self, traces: Sequence[Trace], arrange: Arrange) -> Rescaling | None:
        for trace in traces:
            for event in trace.events:
                recorded = trace.arrays.get(f"data/{event}")
                rows = self.rows(event) if event < len(self._events.kind) else np.zeros(0, dtype=np.int64)
                if recorded is None or not len(rows) or (rows < 0).any():
                    continue
                staged = arrange(self._images.all[rows].reshape(-1, 28, 28)).reshape(-1).astype(np.float64)
                seen = recorded.reshape(-1).astype(np.float64)
                if len(seen) == len(staged):
                    return _affine(staged, seen)
        return Rescaling()


def _affine(staged: np.ndarray, seen: np.ndarray) -> Rescaling | None:
    variance = staged.var()
    if variance == 0 or not np.isfinite(seen).all():
        return None
    scale = float(((staged - staged.mean()) * (seen - seen.mean())).mean() / variance)
    shift = float(seen.mean() - scale * staged.mean())
    if abs(seen - (scale * staged + shift)).max() > AFFINE_TOLERANCE * max(abs(scale), 1e-12):
        return None
    if abs(scale - 1) < 1e-6 and abs(shift) < 1e-6:
        return Rescaling()
    return Rescaling(scale, shift)
