"""The command line as a user meets it: called in this process, or as a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.cli.main import _run
from tests.cli.samples import LOAD, TRAIN_ONE_BATCH
from tests.submission.uploads import notebook, write


@dataclass(frozen=True)
class Finished:
    """How a call of `grade` ended, and what it said."""

    code: int
    out: str
    err: str


REFERENCE = Path(__file__).resolve().parents[2] / "reference"
Grade = Callable[..., Finished]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session_cache: Path) -> Path:
    """An empty current folder, and the tests' own cache instead of the user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADE_CACHE", str(session_cache))
    for variable in ("GITHUB_ACTIONS", "GITLAB_CI", "GRADE_GRADEBOOK"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.fixture
def grade(here: Path, capfd: pytest.CaptureFixture[str]) -> Grade:
    """Calls the command line's own boundary in this process and catches all that reaches the two file descriptors."""

    def call(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        code = _run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Finished(code, out, err)

    return call


@pytest.fixture
def start(here: Path) -> Start:
    """Starts `python -m grader` as a process of its own, after the words in `before`."""

    def begin(*arguments: str | Path, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        repository = Path(__file__).resolve().parents[2]
        command = [*before, sys.executable, "-m", "grader", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(repository)}
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment
        )

    return begin


@pytest.fixture
def on_quick_mnist(quick_mnist: Path) -> tuple[str, ...]:
    """The options of a call on quick MNIST."""
    return ("--data", str(quick_mnist), "--quick")


@pytest.fixture
def loads(here: Path) -> Path:
    """A notebook that answers question 1 and nothing else, which takes no time to run: 4 of 50 points."""
    return write(here / "loads.ipynb", notebook(LOAD))


@pytest.fixture
def school(here: Path) -> Path:
    """Four submissions: one that only loads, a twin of it, one that trains a batch, and a broken one."""
    write(here / "class" / "ann" / "cnn.ipynb", notebook(LOAD))
    write(here / "class" / "bob" / "cnn.ipynb", notebook(LOAD))
    write(here / "class" / "cat.ipynb", notebook(LOAD, TRAIN_ONE_BATCH))
    write(here / "class" / "dan.ipynb", "{")
    return here / "class"


@pytest.fixture
def dearer(here: Path) -> Path:
    """An assignment whose first question is worth a point more."""
    assignment = here / "assignment"
    shutil.copytree(REFERENCE, assignment)
    text = (assignment / "rubric.toml").read_text(encoding="utf-8")
    changed = text.replace('"data.loaded", points = 3', '"data.loaded", points = 4')
    changed = changed.replace(
        'points = 4\nchecks = [\n  { id = "data.loaded"', 'points = 5\nchecks = [\n  { id = "data.loaded"'
    )
    (assignment / "rubric.toml").write_text(changed.replace("points = 50", "points = 51"), encoding="utf-8")
    return assignment
