"""Small real assignments and data sets."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.assignment import Assignment, load_assignment
from tests.assignment.samples import write_data


@pytest.fixture
def assignment() -> Assignment:
    """The default assignment."""
    return load_assignment(None)


@pytest.fixture
def copied_assignment(repo_root: Path, tmp_path: Path) -> Path:
    """A copy of the default assignment's folder, to be changed."""
    return Path(
        shutil.copytree(repo_root / "reference", tmp_path / "assignment", ignore=shutil.ignore_patterns("__pycache__"))
    )


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A small data folder."""
    return write_data(tmp_path / "letters")
