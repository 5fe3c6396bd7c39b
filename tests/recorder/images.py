"""Small images of ten classes, as like MNIST's as a test needs: 28x28, 8-bit levels in [0, 1], each one different."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grader.verify.rows import Images

TRAIN, TEST = 120, 60


def make_images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 (count, 784) in [0, 1] and int64 (count,): a pattern a class, shifted and made uneven by noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, size=count)
    rows, columns = np.mgrid[0:28, 0:28]
    images = np.zeros((count, 28, 28))
    for i, label in enumerate(labels):
        angle = label * np.pi / 10
        wave = np.sin((rows * np.cos(angle) + columns * np.sin(angle)) / 1.7 + rng.uniform(0, 0.6))
        images[i] = np.clip(wave, 0, 1) * rng.uniform(0.6, 1.0, size=(28, 28))
    images[:, :2], images[:, -2:], images[:, :, :2], images[:, :, -2:] = 0, 0, 0, 0
    return (np.rint(images * 255) / 255).astype(np.float32).reshape(count, 784), labels


def small_set() -> Images:
    """The set that every recorded program gets: 120 training and 60 test images."""
    return Images(*make_images(TRAIN, 1), *make_images(TEST, 2))


def write_small_data(folder: Path) -> None:
    """Writes 300 training and 150 test images in the practical's format: enough to learn from, soon gone through."""
    for name, count, seed in (("train.npz", 300, 1), ("test.npz", 150, 2)):
        images, labels = make_images(count, seed)
        np.savez(folder / name, X=images, Y=np.eye(10, dtype=np.float32)[labels])
