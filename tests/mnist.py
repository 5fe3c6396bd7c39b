"""Where MNIST lies for development and CI; the repository does not carry it."""

from __future__ import annotations

import os
from pathlib import Path


def mnist_folder() -> Path:
    """The folder named by MNIST_DIRECTORY, else the one beside the repository; it may be missing."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "mnist"
    return Path(os.environ.get("MNIST_DIRECTORY", beside))
