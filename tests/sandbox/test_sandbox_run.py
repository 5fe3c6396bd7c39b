"""The public way in: a submission, an assignment and a data set become a recorder's run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.assignment import Assignment, Dataset, load_assignment
from grader.sandbox import Isolation, Outcome, Reply, run
from grader.sandbox.run import execute, recorder_program
from grader.sandbox.values import Level
from grader.submission import Submission
from tests.sandbox.programs import LIMITS

RUNNER = """
import json, os, sys
from recorder import helper
with open(os.environ["GRADE_CONFIG"], encoding="utf-8") as stream:
    config = json.load(stream)
found = {name: open(name, encoding="utf-8").read() for name in sorted(os.listdir(".")) if os.path.isfile(name)}
report = {"config": config, "files": found, "data": sorted(os.listdir("data")), "cwd": os.getcwd(), "path": sys.path,
          "helper": helper.NAME, "home": os.path.expanduser("~")}
pipe = int(os.environ["GRADE_PIPE"])
os.write(pipe, json.dumps(report).encode())
print("heard", sys.stdin.readline().strip())
"""


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """A package that reports what it finds, in a folder of another name than `recorder`."""
    folder = tmp_path / "small_recorder"
    folder.mkdir()
    for name, content in (("__init__", ""), ("runner", RUNNER), ("helper", "NAME = __name__\n")):
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    return folder


@pytest.fixture
def assignment(repo_root: Path) -> Assignment:
    """The default assignment's rubric with helpers of the test's own."""
    return replace(load_assignment(None), helpers={"helper_functions.py": b"OURS = 1\n"})


def submission(entry: str, *, notebook: Mapping[str, Any] | None = None, files: Mapping[str, bytes]) -> Submission:
    return Submission(
        id="s1",
        path=entry,
        kind="notebook" if notebook else "module",
        sha256="0" * 64,
        entry=entry,
        entry_kind="notebook" if notebook else "module",
        cells=("print('é')",),
        notebook=notebook,
        files=files,
        notes=(),
        shadowed=(),
    )


def dataset(folder: Path) -> Dataset:
    return Dataset(name="tiny", sha256="0" * 64, directory=folder, train=3, test=3)


def record(
    work: Submission, assignment: Assignment, data: Path, recorder: Path, level: Level
) -> tuple[Outcome, dict[str, Any]]:
    chunks: list[bytes] = []

    def keep(chunk: bytes) -> Reply:
        chunks.append(chunk)
        return Reply(send=b"you\n")

    program = recorder_program(work, assignment, dataset(data), {"seed": 7}, recorder=recorder)
    outcome = execute(program, level, LIMITS, keep)
    return outcome, json.loads(b"".join(chunks))


def test_a_notebook_is_staged(level: Level, assignment: Assignment, data: Path, recorder: Path) -> None:
    """The runner finds the notebook as JSON, the student's files, our helpers, the data and the configuration."""
    notebook = {"cells": [], "metadata": {"name": "é"}, "nbformat": 4, "nbformat_minor": 5}
    files = {"notes.txt": b"mine", "helper_functions.py": b"THEIRS = 1\n", "data/train.npz": b"fake"}
    work = submission("work.ipynb", notebook=notebook, files=files)
    outcome, report = record(work, assignment, data, recorder, level)
    assert (outcome.status, outcome.tail) == ("finished", "heard you\n")
    assert json.loads(report["files"].pop("work.ipynb")) == notebook
    assert report["files"] == {"notes.txt": "mine", "helper_functions.py": "OURS = 1\n"}
    assert report["data"] == ["test.npz", "train.npz"]
    expected = {"seed": 7, "entry": "work.ipynb", "entry_kind": "notebook", "workspace": report["cwd"]}
    assert report["config"] == expected
    assert report["helper"] == "recorder.helper"


def test_a_module_is_staged(level: Level, assignment: Assignment, data: Path, recorder: Path) -> None:
    """A module's source is written under its own name, in UTF-8; the workspace lies in a home of its own."""
    _, report = record(submission("main.py", files={}), assignment, data, recorder, level)
    assert report["files"]["main.py"] == "print('é')"
    assert report["config"]["entry_kind"] == "module"
    assert report["cwd"] == report["home"] + "/work"
    assert report["cwd"] not in report["path"] and "" not in report["path"]
    if level == "full":
        assert report["cwd"] == "/home/student/work"


def test_run_starts_the_graders_recorder(level: Level, assignment: Assignment, data: Path) -> None:
    """`run` itself starts the recorder that belongs to the grader, and its first evidence can end the run."""
    outcome = run(
        submission("main.py", files={}),
        assignment,
        dataset(data),
        {"seed": 7},
        Isolation(level),
        lambda chunk: Reply(stop=True),
        replace(LIMITS, wall_s=20.0),
    )
    assert outcome.isolation == level
    assert outcome.status in ("stopped", "crashed", "finished")
    assert "No module named 'recorder'" not in outcome.tail
