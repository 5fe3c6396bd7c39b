"""Counting what lies beneath a folder, however deep."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox import tree
from tests.sandbox.programs import run_code

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


def test_a_link_in_the_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    """What a link names is not the run's, and a link to itself is no fault of the grader's."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    for name, target in (("itself", "itself"), ("elsewhere", "there")):
        (tmp_path / name).symlink_to(target)
        assert tree.disk_usage(str(tmp_path / name), 100) == (0, 0)
        assert tree.disk_usage(str(tmp_path / name / "below"), 100) == (0, 0)


def test_folders_that_become_links_while_they_are_counted() -> None:
    """A program that swaps its folders for links to themselves, again and again, ends like any other."""
    code = """import time
for i in range(300):
    os.makedirs(f"d{i}/e")
end = time.monotonic() + 3
while time.monotonic() < end:
    for i in range(300):
        os.rename(f"d{i}", f"x{i}"); os.symlink(f"d{i}", f"d{i}")
    for i in range(300):
        os.unlink(f"d{i}"); os.rename(f"x{i}", f"d{i}")
send("done")
"""
    seen = run_code(code, "partial", wall_s=30.0)
    assert (seen.evidence, seen.outcome.status) == ("done", "finished")
