"""Are the pictures that were shown the model's own kernels?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from grader.evidence.values import Picture
from grader.verify.result import Shown

# Greatest departure from an affine map, in units of the kernel's own spread: 8-bit rounding is .004 of the range.
TOLERANCE = 0.02


def find_kernels(
    pictures: Sequence[Picture], final: np.ndarray, initial: np.ndarray, snapshots: Sequence[np.ndarray]
) -> Shown:
    """`final` and the others are convolution weights (K, 1, h, w)."""
    stages: Mapping[str, Sequence[np.ndarray]] = {"final": [final], "initial": [initial], "intermediate": snapshots}
    found: dict[str, set[int]] = {name: set() for name in stages}
    others, place = 0, None
    for picture in pictures:
        image = picture.image if picture.image.ndim == 2 else picture.image[..., :3].mean(axis=-1)
        if min(image.shape) < min(final.shape[-2:]) or not np.isfinite(image).all():
            continue
        hit = False
        for name, weights in stages.items():
            matched = {
                k
                for w in weights
                for k in range(len(w))
                if _shows(image.astype(np.float64), w[k, 0].astype(np.float64))
            }
            found[name] |= matched
            hit = hit or bool(matched)
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


def _shows(image: np.ndarray, kernel: np.ndarray) -> bool:
    """Whether `kernel`, or its transpose, stands somewhere in `image` up to contrast and brightness."""
    return _stands_in(image, kernel) or (kernel.shape[0] == kernel.shape[1] and _stands_in(image, kernel.T))


def _stands_in(image: np.ndarray, kernel: np.ndarray) -> bool:
    h, w = kernel.shape
    centred = kernel - kernel.mean()
    norm = np.linalg.norm(centred)
    if norm == 0 or image.shape[0] < h or image.shape[1] < w:
        return False
    views = np.lib.stride_tricks.sliding_window_view(image, (h, w)).reshape(-1, h, w)
    flat = views.reshape(len(views), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(flat, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.abs(flat @ centred.reshape(-1)) / (norms * norm)
    return bool(np.nanmax(np.where(norms > 1e-9, cosine, 0.0), initial=0.0) >= 1 - TOLERANCE**2)
