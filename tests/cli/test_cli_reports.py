"""What the commands show and write, and the exit codes of a grade."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from grader import __version__
from grader.checks.catalogue import FindingKind, all_kinds
from tests.cli.conftest import Finished, Grade
from tests.cli.samples import LOAD, is_one_line
from tests.submission.uploads import notebook, write, write_folder, write_zip

KEYS = {
    "schema", "assignment", "submission", "status", "score", "max_score", "questions", "findings", "accuracy",
    "training", "dataset", "run", "review",
}  # fmt: skip


def report(folder: Path) -> dict[str, Any]:
    """The `report.json` in a submission's folder."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


def test_terminal_report_and_files(grade: Grade, loads: Path, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """`grade NOTEBOOK` shows the score and why marks were lost, and writes the reports and the executed notebook."""
    finished = grade(loads, *on_quick_mnist)
    files = {path.name for path in (here / "grades" / "loads").iterdir()}

    assert finished.code == 0
    assert "4 / 50" in finished.out
    assert "data.loaded" not in finished.out
    assert "layers.convolution" in finished.out
    assert "MNIST" in finished.out
    assert "grades/loads/report.html" in finished.err
    assert files == {"report.json", "report.html", "report.md", "executed.ipynb"}
    assert report(here / "grades" / "loads")["score"] == 4


def test_json_on_stdout_is_the_report_and_nothing_else(
    grade: Grade, loads: Path, here: Path, on_quick_mnist: tuple[str, ...]
) -> None:
    """`--format json` prints one object of schema grader.report/1, the same as in report.json, and stderr is silent."""
    finished = grade(loads, *on_quick_mnist, "--format", "json")
    shown = json.loads(finished.out)

    assert (finished.code, finished.err) == (0, "")
    assert shown["schema"] == "grader.report/1"
    assert set(shown) >= KEYS
    assert shown["submission"]["id"] == "loads"
    assert shown == report(here / "grades" / "loads")


def test_markdown_on_stdout(grade: Grade, loads: Path, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """`--format markdown` prints the text of report.md, which a pull request can show."""
    finished = grade(loads, *on_quick_mnist, "--format", "markdown")

    assert (finished.code, finished.err) == (0, "")
    assert finished.out == (here / "grades" / "loads" / "report.md").read_text(encoding="utf-8")
    assert finished.out.startswith("#")


@pytest.mark.parametrize(("share", "code"), [("8", 0), ("8.1", 1)])
def test_min_score(grade: Grade, loads: Path, on_quick_mnist: tuple[str, ...], share: str, code: int) -> None:
    """4 of 50 points are 8%: that much passes, the least bit more ends with 1, and the report is shown all the same."""
    finished = grade(loads, *on_quick_mnist, "--min-score", share)
    assert finished.code == code
    assert "4 / 50" in finished.out


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cnn.ipynb", '{"cells": [', "cut off"),
        ("cnn.ipynb", "", "is empty"),
        ("cnn.ipynb", "PK\x03\x04", "is a zip archive"),
        ("cnn.zip", "no archive", "cnn.zip"),
    ],
)
def test_a_rejected_submission_has_a_report(
    grade: Grade, here: Path, on_quick_mnist: tuple[str, ...], name: str, content: str, reason: str
) -> None:
    """What cannot be taken in ends with 3 and one line; its report.json has status rejected and says the same."""
    write(here / name, content)
    finished = grade(name, *on_quick_mnist, "--format", "json")
    written = report(here / "grades" / "cnn")

    assert finished.code == 3
    assert is_one_line(finished.err, "cnn could not be graded", reason)
    assert json.loads(finished.out) == written
    assert written["status"] == "rejected"
    assert reason in written["message"]
    assert written["score"] == 0
    assert set(written) >= KEYS


def test_a_rejected_one_keeps_no_earlier_notebook(
    grade: Grade, loads: Path, here: Path, on_quick_mnist: tuple[str, ...]
) -> None:
    """Once a submission is rejected, the executed notebook of its earlier version is gone from its folder."""
    grade(loads, *on_quick_mnist)
    assert (here / "grades" / "loads" / "executed.ipynb").exists()

    write(loads, "{}")
    assert grade(loads, *on_quick_mnist).code == 3
    assert not (here / "grades" / "loads" / "executed.ipynb").exists()


def graded_class(grade: Grade, here: Path, on_quick_mnist: tuple[str, ...]) -> Finished:
    """A class of three: a folder, an archive with the same name, and a folder with a broken notebook."""
    write_folder(here / "class" / "ann", {"cnn.ipynb": notebook(LOAD)})
    write_zip(here / "class" / "Ann.zip", {"submission.py": LOAD})
    write(here / "class" / "bob" / "cnn.ipynb", "{")
    return grade("class", *on_quick_mnist)


def test_a_class(grade: Grade, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """A folder of submissions is graded one by one: a line and a report for each, equal ids told apart with a warning,
    and 3 at the end since one could not be graded, which kept nobody else from a grade."""
    finished = graded_class(grade, here, on_quick_mnist)
    reports = {path.name: report(path) for path in (here / "grades").iterdir() if path.is_dir()}
    rows = {words[0]: line for line in finished.out.splitlines() if (words := line.split())}

    assert finished.code == 3
    assert {name: found["status"] for name, found in reports.items()} == {
        "Ann": "graded", "ann-2": "graded", "bob": "rejected",
    }  # fmt: skip
    assert {name: found["score"] for name, found in reports.items()} == {"Ann": 4, "ann-2": 4, "bob": 0}
    assert {name: found["submission"]["kind"] for name, found in reports.items()} == {
        "Ann": "archive", "ann-2": "folder", "bob": "folder",
    }  # fmt: skip
    assert set(rows) >= {"Ann", "ann-2", "bob"}
    assert "rejected" in rows["bob"]
    assert "bob could not be graded" in finished.err
    assert "claim the same id" in finished.err
    assert "Traceback" not in finished.err


def test_explain(grade: Grade) -> None:
    """`grade explain ID` says what a finding means, why it matters and what to do; without ID it lists all."""
    finished = grade("explain", "loss.double-softmax")
    assert (finished.code, finished.err) == (0, "")
    assert "Why it matters" in finished.out
    assert "CrossEntropyLoss" in finished.out

    listed = grade("explain")
    assert listed.code == 0
    assert all(finding in listed.out for finding in ("run.timeout", "loss.double-softmax", "accuracy.suspicious"))


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.id)
def test_explain_knows_every_finding(grade: Grade, kind: type[FindingKind]) -> None:
    """For each id the page has its title, its four parts, the address of what to read, and the hint."""
    finished = grade("explain", kind.id)
    shown = "".join(finished.out.split())
    assert finished.code == 0
    for part in (kind.title, "What it is.", "Why it matters.", "How to see it.", "What to read.", kind.hint):
        assert "".join(part.replace("`", "").split()) in shown
    for address in re.findall(r"<(https://\S+?)>", kind.explanation):
        assert address in shown


def test_explain_nonsense(grade: Grade) -> None:
    """An unknown finding is wrong usage, said in one line."""
    finished = grade("explain", "nonsense")
    assert (finished.code, finished.out) == (2, "")
    assert is_one_line(finished.err, "nonsense", "finding")


def test_data(grade: Grade, quick_mnist: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`grade data --from DIR` installs a data set, and from then on `grade data` names it, its sizes and its hash."""
    monkeypatch.setenv("GRADE_CACHE", str(here / "cache"))
    installed = grade("data", "--from", quick_mnist)
    shown = grade("data")

    assert (installed.code, shown.code) == (0, 0)
    assert shown.out == installed.out
    assert "6,000 training and 1,000 test images" in shown.out
    assert "sha256" in shown.out


def test_doctor(grade: Grade) -> None:
    """`grade doctor` names the isolation that this machine gives, and whether a class's programs are forks there."""
    finished = grade("doctor")
    assert finished.code == 0
    first, *rest = finished.out.splitlines()
    assert first in {f"isolation: {level}" for level in ("full", "partial", "none")}
    forks = [line for line in rest if line.startswith("a class's programs start ")]
    assert len(forks) == (first == "isolation: full")
    assert all("as forks of one process" in line for line in forks)


def test_version_and_help(grade: Grade) -> None:
    """`--version` and `--help` work with the default command in place, and the help shows every option of `run`."""
    assert __version__ in grade("--version").out
    assert "explain" in grade("--help").out
    shown = grade("run", "--help").out
    options = "--assignment --data --out --quick --timeout --memory --min-score --format --no-cache --allow-unsandboxed"
    assert [option for option in options.split() if option not in shown] == []
