"""Counting what lies beneath a folder, however deep."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox import tree

LEVELS = 1000
NAME = "deep-folder"


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder with so many others one inside the other that no path names the last; a file lies in each."""
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(LEVELS):
            os.mkdir(NAME)
            os.chdir(NAME)
            Path("file").write_bytes(b"x" * 5000)
        yield tmp_path
    finally:
        os.chdir(here)
        os.close(here)
        subprocess.run(["rm", "-rf", str(tmp_path)], check=True)  # shutil.rmtree recurses too deep


def test_folders_deeper_than_a_path_can_say_are_counted(deep: Path) -> None:
    """Every folder and file counts, once, with its bytes: a deep tree is no refuge, and no accusation either."""
    size, entries = tree.disk_usage(str(deep), 100_000)
    assert entries == 2 * LEVELS
    assert size >= LEVELS * 5000


def test_folders_deeper_than_anybody_needs_count_as_too_many(deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the deepest path that is followed, a folder could hold anything."""
    monkeypatch.setattr(tree, "DEEPEST", 2 * tree.PATH_MAX)
    assert tree.disk_usage(str(deep), 100_000)[1] == 100_000
