"""What goes through a whole class takes no more memory for a larger one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.report import json_
from tests.bench_class.timing import GRADE, run
from tests.report.conftest import perfect
from tests.submission.uploads import notebook, write

FEW, MANY = 20, 320
LONG = "x" * 100_000
ALLOWED_MB = 10


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A small and a large class of stored grades, each of which takes 100 kB of memory or more when it is read."""
    made = {}
    for count in (FEW, MANY):
        made[count] = tmp_path_factory.mktemp(f"class-of-{count}")
        for number in range(count):
            folder = made[count] / "grades" / f"student-{number:03d}"
            submission = replace(perfect().submission, id=folder.name)
            write(folder / "report.json", json_.render(replace(perfect(), submission=submission, review=(LONG,))))
            write(folder / "executed.ipynb", notebook(f"text = {LONG!r}"))
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--to", "csv", "--out", "all.csv"),
        ("export", "--to", "junit", "--out", "all.xml"),
        ("export", "--to", "code-quality", "--out", "all.json"),
        ("export", "--to", "gradescope", "--out", "results"),
        ("export", "--to", "notebook", "--out", "notebooks"),
        ("gradebook",),
        ("export", "--to", "canvas", "--gradebook", "sqlite:///book.db", "--out", "canvas.csv"),
    ],
    ids=" ".join,
)
def test_memory_does_not_grow_with_the_class(classes: dict[int, Path], arguments: tuple[str, ...]) -> None:
    """Three hundred further submissions, 30 MB together, leave the peak where it was."""
    few, many = (run([GRADE, *arguments], classes[count]).peak_mb for count in (FEW, MANY))
    assert many - few < ALLOWED_MB
