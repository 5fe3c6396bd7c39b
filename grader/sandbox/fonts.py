"""matplotlib's list of fonts: making it takes seconds, so it is made once and put into every workspace."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from grader.assignment.cache import cache_directory, make_directory, write_atomically
from grader.errors import GraderError

BUILD_S = 120.0


@lru_cache(maxsize=1)
def font_cache() -> dict[str, bytes]:
    """The files of a filled MPLCONFIGDIR by name; empty where matplotlib is missing or cannot make them."""
    try:
        version = importlib.metadata.version("matplotlib")
    except importlib.metadata.PackageNotFoundError:
        return {}
    folder = cache_directory() / f"fonts-{version}"
    return _read(folder) or _build(folder)


def _read(folder: Path) -> dict[str, bytes]:
    try:
        return {path.name: path.read_bytes() for path in folder.glob("fontlist-*.json")}
    except OSError:
        return {}


def _build(folder: Path) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="grade-fonts-") as scratch:
        # A home of its own: fonts in the teacher's would not be there inside the sandbox.
        environment = {"PATH": os.defpath, "HOME": scratch, "MPLCONFIGDIR": scratch, "MPLBACKEND": "agg"}
        command = [sys.executable, "-c", "import matplotlib.font_manager"]
        try:
            subprocess.run(command, env=environment, cwd=scratch, capture_output=True, check=True, timeout=BUILD_S)
        except (OSError, subprocess.SubprocessError):
            return {}
        files = _read(Path(scratch))
    try:
        make_directory(folder)
        for name, content in files.items():
            write_atomically(folder / name, content)
    except GraderError:  # a cache that cannot be written costs time, not the run
        return files
    return files
