"""The autograder zip where it is used: unpacked under /autograder, set up there, and called for submissions.

By default on this machine, read-only; with GRADESCOPE=clean in a new Debian, where setup.sh really installs what is
needed (`make gradescope`; as root, for bubblewrap and mmdebstrap need that).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.cli.main import _run
from tests.cli.gradescope.rooms import SOLUTION, Room, borrowed, clean
from tests.edits import edited
from tests.report.export.documented import faults
from tests.submission.uploads import as_bytes, notebook

CLEAN = os.environ.get("GRADESCOPE") == "clean"
NOTEBOOK = SOLUTION.read_bytes()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The room after setup.sh, as the image that each submission's container starts from."""
    home = tmp_path_factory.mktemp("gradescope")
    made = clean(home / "autograder", home / "root") if CLEAN else borrowed(home / "autograder")
    zipped = home / "autograder.zip"
    assert _run(["gradescope", "--quick", "--out", str(zipped)]) == 0
    made.unpack(zipped)
    # The commands of Gradescope's image around it: lists of packages before, nothing temporary after.
    commands = ("apt-get update", "bash /autograder/source/setup.sh", "rm -rf /var/lib/apt/lists/* /tmp/* /var/tmp/*")
    done = made.call("bash", "-c", " && ".join(commands if CLEAN else commands[1:2]), at="/")
    assert done.returncode == 0, done.stdout
    assert "offline digits: 12,000 training and 2,000 test images" in done.stdout
    yield made
    shutil.rmtree(home)


def results(room: Room) -> dict[str, Any]:
    """What Gradescope would read, which is of the documented format."""
    found: dict[str, Any] = json.loads((room.folder / "results" / "results.json").read_text(encoding="utf-8"))
    assert faults(found) == []
    return found


def test_the_grader_is_the_one_in_the_zip(room: Room) -> None:
    """What grades there lies in the zip and in the environment that setup.sh made, with bubblewrap beside it."""
    code = "import grader, sys; print(grader.__file__, sys.prefix)"
    python = ("env", "PYTHONPATH=/autograder/source", "/autograder/venv/bin/python", "-c", code)
    assert room.call(*python).stdout == "/autograder/source/grader/__init__.py /autograder/venv\n"
    assert room.call("bwrap", "--version").returncode == 0


@pytest.mark.parametrize("name", ["cnn.ipynb", "practical 5/cnn.ipynb"])
def test_a_solution_is_graded(room: Room, name: str) -> None:
    """The reference solution, on its own or in a folder as Gradescope unpacks a zip, gets full marks; the teacher's
    output tells the isolation; nothing is left in /autograder but the results."""
    before = sorted(os.listdir(room.folder))
    room.hand_in({name: NOTEBOOK})
    done = room.call("/autograder/run_autograder")
    assert done.returncode == 0, done.stdout
    found = results(room)
    assert (found["score"], sum(test["score"] for test in found["tests"])) == (50, pytest.approx(50))
    assert {test["status"] for test in found["tests"]} == {"passed"}
    assert found["execution_time"] > 1
    assert "isolation full" in done.stdout or "isolation partial" in done.stdout
    assert sorted(os.listdir(room.folder)) == before
    assert os.listdir(room.folder / "results") == ["results.json"]


def test_a_faulty_submission_is_told_why(room: Room) -> None:
    """A program that stops at an error is graded; the student reads where it stopped, and that a person should look."""
    room.hand_in({"cnn.ipynb": as_bytes(notebook("import torch", "model = Net()"))})
    assert room.call("/autograder/run_autograder").returncode == 0
    found = results(room)
    assert found["score"] == 0
    assert {test.get("status") for test in found["tests"]} == {None}
    assert "50 points not assessed: a person should look" in found["output"]
    assert "fault: NameError: name 'Net' is not defined (cell 2, line 1: model = Net())" in found["output"]


def test_the_rubric_says_what_students_see(room: Room) -> None:
    """With an assignment in the zip, a check that its rubric hides is a hidden test, and all others are visible."""
    assignment = room.folder / "source" / "assignment"
    shutil.copytree(room.folder / "source" / "grader" / "reference", assignment)
    rubric = assignment / "rubric.toml"
    hidden = edited(
        rubric.read_text(encoding="utf-8"), [('data.shapes_shown",', 'data.shapes_shown", visibility = "hidden",')]
    )
    rubric.write_text(hidden, encoding="utf-8")
    room.hand_in({"cnn.ipynb": NOTEBOOK})
    try:
        done = room.call("/autograder/run_autograder")
    finally:
        shutil.rmtree(assignment)
    assert done.returncode == 0, done.stdout
    found = json.loads((room.folder / "results" / "results.json").read_text(encoding="utf-8"))
    shown = {test["name"].rpartition(" ")[2]: test["visibility"] for test in found["tests"]}
    assert [name for name, visibility in shown.items() if visibility != "visible"] == ["data.shapes_shown"]
    assert shown["data.shapes_shown"] == "hidden"
    assert found["score"] == 50


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "it holds no files. Submit a notebook (.ipynb) or a module (.py)"),
        ({"a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK}, "several files could be the submission: a.ipynb, b.ipynb."),
        ({"report.pdf": b"%PDF-1.4"}, "it holds no notebook and no module, only report.pdf."),
        ({"cnn.ipynb": b'{"cells": ['}, "cnn.ipynb, line 1, column 12: ends too early, the file was cut off."),
        ({"cnn.rar": b"Rar!"}, "only cnn.rar"),
    ],
    ids=["nothing", "two-notebooks", "pdf", "cut-off", "rar"],
)
def test_what_cannot_be_graded_is_told(room: Room, files: dict[str, bytes], told: str) -> None:
    """A submission that cannot be graded gets results that say why and what to do, in words for its student."""
    room.hand_in(files)
    done = room.call("/autograder/run_autograder")
    assert done.returncode == 0, done.stdout
    found = results(room)
    assert found["output"].startswith("The submission could not be graded: ")
    assert told in found["output"]
    assert found["score"] == 0
    assert found["extra_data"]["status"] == "rejected"


@pytest.mark.parametrize("missing", ["submission", "venv", "source/grader/reference/rubric.toml"])
def test_a_failure_of_the_autograder_is_no_fault_of_the_student(room: Room, missing: str) -> None:
    """Where the autograder itself fails, the student reads that, and not an empty page; the teacher's output has the
    reason, and the exit code is one of failure."""
    room.hand_in({"cnn.ipynb": NOTEBOOK})
    away = room.folder.parent / "away"
    shutil.move(room.folder / missing, away)
    try:
        done = room.call("/autograder/run_autograder")
    finally:
        shutil.rmtree(room.folder / missing, ignore_errors=True)
        shutil.move(away, room.folder / missing)
    assert done.returncode not in (0, 3)
    assert Path(missing).name in done.stdout
    found = results(room)
    assert found["score"] == 0
    assert "says nothing about your work" in found["output"]


def test_the_students_files_are_not_imported(room: Room) -> None:
    """Called from within the submission, the grader takes no module of the student's for one of its own."""
    room.hand_in({"submission.py": b"print(1)\n", "click.py": b"raise SystemExit('imported')\n"})
    done = room.call("/autograder/run_autograder", at="/autograder/submission")
    assert done.returncode == 0, done.stdout
    assert "imported" not in done.stdout
    assert results(room)["extra_data"]["status"] == "graded"
