"""Are the pictures that were shown the model's own kernels?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.evidence.values import Picture
from grader.verify.result import Shown

# Greatest departure from an affine map, in units of the kernel's own spread: 8-bit rounding is .004 of the range.
TOLERANCE = 0.02


def find_kernels(
    pictures: Sequence[Picture], final: np.ndarray, initial: Sequence[np.ndarray], snapshots: Sequence[np.ndarray]
) -> Shown:
    """`final` and the others are convolution weights (K, 1, h, w)."""
    moments = {"final": [final], "initial": initial, "intermediate": snapshots}
    stages = [(name, _Templates(weights)) for name, weights in moments.items()]
    found: dict[str, set[int]] = {name: set() for name, _ in stages}
    others, place = 0, None
    for picture in pictures:
        image = picture.image if picture.image.ndim == 2 else picture.image[..., :3].mean(axis=-1)
        if min(image.shape) < min(final.shape[-2:]) or not np.isfinite(image).all():
            continue
        hit = False
        for name, templates in stages:
            matched = templates.in_image(image.astype(np.float64))
            found[name] |= matched
            hit = bool(matched)
            if hit:
                break
        if hit or image.shape == final.shape[-2:]:
            place = picture.place
        others += not hit and image.shape == final.shape[-2:]
    return Shown(
        len(pictures),
        frozenset(found["final"]),
        frozenset(found["initial"]),
        frozenset(found["intermediate"]),
        others,
        place,
    )


def as_kernels(weight: np.ndarray) -> np.ndarray | None:
    """A first layer's weights as kernels (K, 1, h, w), also those of a product with patches (64, 10)."""
    if weight.ndim == 4:
        return weight[:, :1]
    if weight.ndim == 2 and weight.shape[1] < weight.shape[0]:
        weight = weight.T
    side = round((weight.size / 10) ** 0.5)
    return weight.reshape(10, 1, side, side) if side * side * 10 == weight.size and side > 2 else None


def plain_kernels(weight: np.ndarray | None) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """The kernels as plain numbers, for the reports; none where they are too many, too large or not finite."""
    kernels = as_kernels(weight) if weight is not None else None
    if kernels is None or len(kernels) > 64 or kernels.shape[-1] > 32 or not np.isfinite(kernels).all():
        return ()
    return tuple(tuple(tuple(float(v) for v in row) for row in kernel[0]) for kernel in kernels)


class _Templates:
    """Kernels (K, 1, h, w) of one or more moments, as rows of unit length, each upright and transposed."""

    def __init__(self, weights: Sequence[np.ndarray]):
        self._shape = weights[0].shape[-2:] if weights else (0, 0)
        rows: list[np.ndarray] = []
        self._numbers: list[int] = []
        for weight in weights:
            for number, kernel in enumerate(weight[:, 0].astype(np.float64)):
                upright = [kernel] if kernel.shape[0] != kernel.shape[1] else [kernel, kernel.T]
                rows.extend(_unit(view.reshape(1, -1))[0] for view in upright)
                self._numbers.extend([number] * len(upright))
        self._rows = np.array(rows)

    def in_image(self, image: np.ndarray) -> set[int]:
        """The kernels that stand somewhere in `image`, up to contrast and brightness."""
        if not len(self._rows) or image.shape[0] < self._shape[0] or image.shape[1] < self._shape[1]:
            return set()
        views = np.lib.stride_tricks.sliding_window_view(image, self._shape).reshape(-1, self._rows.shape[1])
        likeness = np.abs(_unit(views) @ self._rows.T).max(axis=0)
        return {self._numbers[i] for i in np.flatnonzero(likeness >= 1 - TOLERANCE**2)}


def _unit(rows: np.ndarray) -> np.ndarray:
    """Each row without its mean, of length 1; a flat row becomes zeros."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: np.ndarray = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 1e-9)
    return unit
