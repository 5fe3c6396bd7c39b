"""The gradebook, exports and CI files as a user meets them, on grades that are stored already."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import click
import nbformat
import pytest
import yaml  # type: ignore[import-untyped]

from grader.cli.autograder import DATA
from grader.cli.ci import announce
from grader.cli.run import run_command
from grader.report import json_
from grader.score import SubmissionInfo, Where
from tests.cli.conftest import Grade
from tests.cli.samples import is_one_line
from tests.report.conftest import grade_with, lost, perfect, rejected
from tests.submission.uploads import notebook, write

REPOSITORY = Path(__file__).resolve().parents[2]
WHERE = Where("cnn.ipynb", 1, 2, "loss = 2")


@pytest.fixture
def stored(here: Path) -> Path:
    """A class of three stored grades, one of them rejected and one with its executed notebook."""
    ann = grade_with(
        {"forward.logits": lost("forward.logits", 0, "softmax", where=WHERE)},
        submission=SubmissionInfo("ann", "ann/cnn.ipynb", "notebook", "aa" * 32),
    )
    for grade in (perfect(), rejected(), ann):
        write(here / "grades" / grade.submission.id / "report.json", json_.render(grade))
    write(here / "grades" / "ann" / "executed.ipynb", notebook("x = 1\nloss = 2"))
    write(here / "ann" / "cnn.ipynb", notebook("x = 1\nloss = 2"))
    return here / "grades"


def test_mark_comment_history_export(grade: Grade, stored: Path, here: Path) -> None:
    """A mark by hand, a comment and their history; the export has the mark, and a second mark is refused."""
    marked = grade("mark", "ann", "2.2", "5.5", "--because", "printed only", "--by", "tea")
    assert (marked.code, marked.out) == (0, "ann, question 2.2: 5.5 of 6 (the grader gave 4); total 49.5\n")
    again = grade("mark", "ann", "2.2", "1", "--because", "no", "--by", "bob")
    assert again.code == 2
    assert is_one_line(again.err, "5.5 points by tea already", "--replace")
    assert grade("comment", "ann", "well done", "--by", "tea").code == 0
    told = grade("history", "ann").out.splitlines()
    assert [line.split()[2] for line in told] == ["attempt", "grade", "mark", "comment"]

    assert grade("export", "--to", "csv", "--out", "out/all.csv").code == 0
    rows = {row["id"]: row for row in csv.DictReader((here / "out" / "all.csv").open(encoding="utf-8"))}
    assert rows["ann"]["total"] == "49.5"
    assert rows["smith-jo"]["total"] == ""


def test_late_penalties(grade: Grade, stored: Path, here: Path) -> None:
    """Times and a policy take points off, once and for all later commands."""
    assignment = here / "assignment"
    for name in ("rubric.toml", "model.py", "helper_functions.py"):
        write(assignment / name, (REPOSITORY / "reference" / name).read_text(encoding="utf-8"))
    text = (assignment / "rubric.toml").read_text(encoding="utf-8")
    policy = "[late]\ndue = 2026-05-01T12:00:00Z\npercent_per_day = 10\n\n[[questions]]"
    write(assignment / "rubric.toml", text.replace("[[questions]]", policy, 1))
    write(here / "times.csv", "id,submitted_at\nann,2026-05-02T13:00:00Z\n")

    shown = grade("gradebook", "--times", "times.csv", "--assignment", "assignment")
    assert shown.code == 0
    assert "38 / 50" in shown.out
    assert "late -10" in grade("gradebook").out
    assert is_one_line(grade("gradebook", "--times", "times.csv").err, "lateness")


def test_every_form_is_written(grade: Grade, stored: Path, here: Path) -> None:
    """Each form is written and read again: XML, results.json, notebooks; the roster fills names in."""
    write(here / "roster.csv", 'Student,ID,SIS User ID,SIS Login ID,Section\n"Lee, Ann",7,S7,ann,A\n')
    canvas = grade("export", "--to", "canvas", "--roster", "roster.csv")
    assert '"Lee, Ann",7,S7,ann,A' in canvas.out
    assert "meyer-anna fits no single student" in canvas.err
    assert grade("export", "--to", "junit", "--out", "a.xml").code == 0
    assert ElementTree.parse(here / "a.xml").getroot().get("failures") == "1"
    assert grade("export", "--to", "code-quality", "--out", "quality.json").code == 0
    (problem,) = json.loads((here / "quality.json").read_text())
    assert (problem["check_name"], problem["location"]["path"]) == ("forward.logits", "ann/cnn.ipynb")
    assert grade("export", "--to", "gradescope", "--out", "gs").code == 0
    assert json.loads((here / "gs" / "ann" / "results.json").read_text())["score"] == 48
    assert grade("export", "grades/ann", "--to", "notebook", "--out", "note.ipynb").code == 0
    assert "forward.logits" in nbformat.read(here / "note.ipynb", as_version=4).cells[2].source


def test_nothing_to_export(grade: Grade, here: Path) -> None:
    """A folder without grades, and a student without one, are wrong usage in one line."""
    (here / "grades").mkdir()
    assert is_one_line(grade("export", "--to", "csv").err, "no grades")
    assert is_one_line(grade("mark", "ann", "1", "1", "--because", "x").err, "no grade of 'ann'")
    assert is_one_line(grade("mark", "../ann", "1", "1", "--because", "x").err, "no grade of")


def test_github(stored: Path, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In GitHub Actions there are a summary, outputs, and an annotation at the line of the notebook's JSON."""
    variables = {
        "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(here),
        "GITHUB_STEP_SUMMARY": str(here / "summary"), "GITHUB_OUTPUT": str(here / "output"),
    }  # fmt: skip
    announce([_ann()], here / "grades", variables)
    (line,) = capfd.readouterr().err.splitlines()
    number = int(line.partition("line=")[2].partition(",")[0])
    assert line.startswith("::error file=ann/cnn.ipynb,line=")
    assert "loss = 2" in (here / "ann" / "cnn.ipynb").read_text().split("\n")[number - 1]
    assert "48 / 50" in (here / "summary").read_text()
    assert (here / "output").read_text().startswith("score=48\nmax_score=50\nreport=")


def test_gitlab(stored: Path, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In GitLab there are a JUnit and a code-quality file; elsewhere nothing is written."""
    announce([_ann()], here / "grades", {})
    assert not (here / "grades" / "junit.xml").exists()
    announce([_ann()], here / "grades", {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(here)})
    assert ElementTree.parse(here / "grades" / "junit.xml").getroot().get("failures") == "1"
    (entry,) = json.loads((here / "grades" / "gl-code-quality.json").read_text())
    assert entry["location"]["path"] == "ann/cnn.ipynb"
    assert capfd.readouterr().err == ""


def _ann() -> object:
    return replace(
        grade_with({"forward.logits": lost("forward.logits", 0, "softmax", where=WHERE)}),
        submission=SubmissionInfo("ann", "ann/cnn.ipynb", "notebook", "aa" * 32),
    )


def test_action_and_examples() -> None:
    """The action and the examples are YAML; the options that they call `grade` with exist, and outputs are declared."""
    action = yaml.safe_load((REPOSITORY / ".github/actions/grade/action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    assert set(action["outputs"]) == {"score", "max_score", "report"}
    steps = action["runs"]["steps"]
    assert any("apparmor_restrict_unprivileged_userns=0" in step.get("run", "") for step in steps)
    options = {name for p in run_command.params if isinstance(p, click.Option) for name in p.opts}
    (run,) = [step for step in steps if step.get("id") == "grade"]
    used = {word.strip('()"') for word in run["run"].replace("(", " ").split() if word.startswith("--")}
    assert used and used <= options
    github = yaml.safe_load((REPOSITORY / ".github/examples/github.yml").read_text(encoding="utf-8"))
    (grading,) = [step for step in github["jobs"]["grade"]["steps"] if step.get("id") == "grade"]
    assert set(grading["with"]) <= set(action["inputs"])
    gitlab = yaml.safe_load((REPOSITORY / ".github/examples/gitlab.yml").read_text(encoding="utf-8"))
    assert gitlab["grade"]["artifacts"]["reports"] == {
        "junit": "grades/junit.xml", "codequality": "grades/gl-code-quality.json",
    }  # fmt: skip


def test_gradescope_zip(grade: Grade, here: Path) -> None:
    """The zip holds the scripts, which may be executed and which bash can read, the grader and its assignment."""
    assert is_one_line(grade("gradescope", "--pip-flags", "'torch").err, "--pip-flags", "quotation")
    assert (
        grade("gradescope", "--quick", "--pip-flags", "--find-links '/my wheels' torch<2.9", "--allow-unsandboxed").code
        == 0
    )
    with zipfile.ZipFile(here / "autograder.zip") as archive:
        names = set(archive.namelist())
        assert {"setup.sh", "run_autograder", "requirements.txt", "flags", "grader/__main__.py"} <= names
        assert "grader/reference/rubric.toml" in names
        assert not any("__pycache__" in name or name.endswith(DATA) for name in names)
        for script in ("setup.sh", "run_autograder"):
            assert archive.getinfo(script).external_attr >> 16 & 0o111
            subprocess.run(["bash", "-n"], input=archive.read(script), check=True)
        told = subprocess.run(["bash", "-c", '. /dev/stdin; printf "%s|" "${GRADE_FLAGS[@]}" "${PIP_FLAGS[@]}"'],
                              input=archive.read("flags"), capture_output=True, check=True)  # fmt: skip
        assert told.stdout == b"--quick|--allow-unsandboxed|--find-links|/my wheels|torch<2.9|"
        assert "torch" in archive.read("requirements.txt").decode()


def test_pytest_plugin(here: Path, quick_mnist: Path) -> None:
    """`pytest --grade` has an item a check; the submission runs once for two xdist workers; its conftest.py and its
    module are not imported; lost marks fail with what was expected."""
    from tests.cli.samples import LOAD

    write(here / "submission.py", LOAD)
    write(here / "conftest.py", "raise SystemExit('imported')")
    command = ["-m", "pytest", "-p", "no:cacheprovider", "submission.py", "--grade"]
    options = ["--grade-quick", f"--grade-data={quick_mnist}", "-n2", "-q", "-ra", "--junitxml=out.xml"]
    import sys

    finished = subprocess.run(
        [sys.executable, *command, *options],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert finished.returncode == 1, finished.stdout + finished.stderr
    cases = {case.get("name"): case for case in ElementTree.parse(here / "out.xml").getroot().iter("testcase")}
    assert len(cases) == 25
    assert cases["1-data.loaded"].find("failure") is None
    failure = cases["2.1-layers.convolution"].find("failure")
    assert failure is not None
    assert "expected:" in str(failure.text)
    assert "imported" not in finished.stdout + finished.stderr
