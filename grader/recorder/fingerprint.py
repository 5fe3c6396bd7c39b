"""Names an image by what it shows: the same key for a view, a copy, a shuffle or an affine rescaling of it.

The same function runs in the sandbox, on what reaches the model, and on the trusted side, on the staged images; the
trusted side alone knows which key is which image.
"""

from __future__ import annotations

import numpy as np
import torch

SIDE = 28
PIXELS = SIDE * SIDE
# A 10x10 grid over the middle of the image: every one of the 70,000 images of MNIST has a key of its own (measured;
# an 8x8 grid confuses 14 of them).
GRID = slice(5, 25, 2)
# A fixed, irrational-like shift keeps the rounding boundary away from the ratios of small integers, so that
# float noise of a rescaling cannot move a pixel over it.
SHIFT = 0.3713790673
_SAMPLED = 100
# So many images at a time stay in the processor's cache.
_BLOCK = 1024
_WORDS = (_SAMPLED + 7) // 8
_WEIGHTS = np.random.default_rng(20240429).integers(1, 2**63, size=_WORDS, dtype=np.uint64) * np.uint64(2) + np.uint64(
    1
)


def sample(images: np.ndarray) -> np.ndarray:
    """The grid of each image: (N, 784), (N, 28, 28), (N, 1, 28, 28) or one image without N -> (N, 10, 10), copied."""
    if images.ndim == 4:
        return sample_any(images[:, 0])
    if images.ndim == 3 and images.shape[-1] != SIDE:
        return sample_any(images)
    return images.reshape(-1, SIDE, SIDE)[:, GRID, GRID].copy()


def sample_any(images: np.ndarray) -> np.ndarray:
    """The same for images of another size: (N, H, W) with H, W >= 25 -> (N, 10, 10)."""
    return images[:, GRID, GRID].copy()


def keys(samples: np.ndarray) -> np.ndarray:
    """One uint64 for each sampled image, (N, 10, 10) -> (N,), unchanged by a positive affine map of the values."""
    blocks = [_keys_of_block(samples[start : start + _BLOCK]) for start in range(0, len(samples), _BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.uint64)


def _keys_of_block(samples: np.ndarray) -> np.ndarray:
    values = samples.reshape(len(samples), -1).astype(np.float32)
    # torch's reductions of short rows are four times faster than numpy's.
    rows = torch.from_numpy(values)
    low = rows.amin(1, keepdim=True).numpy()
    spread = rows.amax(1, keepdim=True).numpy() - low
    usable = np.isfinite(spread) & (spread > 0)
    # Blank images, and those with broken numbers, all get the key of a blank image.
    if not usable.all():
        values[~usable[:, 0]] = 0
        low, spread = np.where(usable, low, 0), np.where(usable, spread, 1)
    values -= low
    values *= np.float32(255.0) / spread
    values += np.float32(SHIFT)
    # Eight levels make one word, so that hashing costs an eighth.
    words = np.zeros((len(samples), _WORDS * 8), dtype=np.uint8)
    words[:, :_SAMPLED] = values
    found: np.ndarray = words.view(np.uint64) @ _WEIGHTS
    return found
