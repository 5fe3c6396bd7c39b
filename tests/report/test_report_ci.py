"""What CI systems read: limits, escapes and keys as they are documented, and lines that are the student's own."""

from __future__ import annotations

import json
from dataclasses import replace

import nbformat
import pytest

from grader.report import ci, facts
from grader.report.places import file_line
from grader.score import Grade, Where
from tests.report.conftest import SAMPLES, faulty, perfect, rejected


def problems(grade: Grade) -> list[ci.Problem]:
    """The lost marks of a grade, all in one file."""
    return [
        ci.Problem(grade.submission.id, mark.question, mark.title, mark.points, mark.check, "a,b:c%.ipynb", 7)
        for mark in facts.lost_marks(grade)
    ]


def test_one_annotation_a_question() -> None:
    """Each question that lost marks has one annotation, in one line, with what is special in commands escaped."""
    lines = list(ci.annotation_lines(problems(faulty())))
    lost = {mark.question for mark in facts.lost_marks(faulty())}
    assert len(lines) == min(len(lost), ci.ANNOTATION_LIMIT)
    assert all(line.startswith("::error file=a%2Cb%3Ac%25.ipynb,line=7,title=") for line in lines)
    assert not any("\n" in line or "\r" in line or "\x1b" in line for line in lines)
    assert list(ci.annotation_lines(problems(perfect()))) == []


def test_summary_stays_below_the_limit() -> None:
    """However many submissions there are, the summary is below 1 MiB and whole lines."""
    one = ci.summary([perfect()])
    assert "50 / 50" in one
    long = [replace(perfect(), submission=replace(perfect().submission, id="ü" * 70 + str(n))) for n in range(9000)]
    text = ci.summary(long)
    assert len(text.encode()) < 1024 * 1024
    assert text.endswith("the reports have the rest.*\n")
    assert ci.summary(long[:5]).count("\n") == 9


def test_outputs() -> None:
    """Score, maximum and report, one line each; a class has its mean, to which rejected ones do not belong."""
    half = replace(perfect(), score=25.5)
    assert ci.outputs([half], "grades/a/report.html") == "score=25.5\nmax_score=50\nreport=grades/a/report.html\n"
    assert ci.outputs([perfect(), half, rejected()], "x\ny=z").splitlines() == [
        "score=37.75",
        "max_score=50",
        "report=x y=z",
    ]


@pytest.mark.parametrize("name", SAMPLES)
def test_code_quality(name: str) -> None:
    """Every entry has the keys and severities that GitLab knows, a line from 1, and a fingerprint of its own."""
    entries = json.loads("".join(ci.code_quality(problems(SAMPLES[name]()))))
    for entry in entries:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert entry["location"]["lines"]["begin"] >= 1
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    assert len(entries) == len(facts.lost_marks(SAMPLES[name]()))


SOURCES = ["import torch\nx = 1", "", 'y = "ü \\" [{\\\\"\nz = 2\n', "last"]


@pytest.mark.parametrize("layout", [1, None, 4])
@pytest.mark.parametrize("split", [True, False])
def test_lines_of_a_notebook(layout: int | None, split: bool) -> None:
    """A place in a notebook is the line of its JSON text in which that source line stands, however it is laid out."""
    cells = [nbformat.v4.new_markdown_cell("# title"), *(nbformat.v4.new_code_cell(source) for source in SOURCES)]
    made = nbformat.v4.new_notebook(cells=cells)
    for cell in made["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True) if split else cell["source"]
    text = json.dumps(made, indent=layout)
    lines = text.split("\n")
    for cell, line, piece in ((1, 1, "import torch"), (1, 2, "x = 1"), (2, 1, "y ="), (2, 2, "z = 2"), (3, 1, "last")):
        found = file_line(Where("a.ipynb", cell, line, None), text)
        assert found is not None
        assert piece in lines[found - 1]
    assert file_line(Where("a.ipynb", 4, 1, None), text) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"cells": 3}', '{"cells": [{}]}', "[" * 50_000])
def test_files_that_are_no_notebook(text: str) -> None:
    """Where the line cannot be told there is none, and no error; a module's line is its own."""
    assert file_line(Where("a.ipynb", 1, 1, None), text) is None
    assert file_line(Where("a.py", None, 12, None), text) == 12
