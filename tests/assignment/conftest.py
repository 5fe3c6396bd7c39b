"""Small real assignments and data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import Assignment, load_assignment
from tests.assignment.samples import write_data


@pytest.fixture
def assignment() -> Assignment:
    """The default assignment."""
    return load_assignment(None)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A small data folder."""
    return write_data(tmp_path / "letters")
