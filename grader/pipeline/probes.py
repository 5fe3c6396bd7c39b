"""Images that a model is asked about when its program has ended: test images, shuffled and perturbed."""

from __future__ import annotations

import numpy as np

COUNT = 60


def make_probes(test_images: np.ndarray, seed: int) -> np.ndarray:
    """(60, 784) float32 in [0, 1] from test images (N, 784); another seed, other images."""
    generator = np.random.default_rng(seed)
    chosen = test_images[generator.choice(len(test_images), COUNT)]
    shifted = np.roll(chosen.reshape(-1, 28, 28), generator.integers(-2, 3, size=2), axis=(1, 2)).reshape(COUNT, -1)
    noisy = shifted * generator.uniform(0.7, 1.0, size=(COUNT, 1)) + generator.uniform(0, 0.1, size=shifted.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)
