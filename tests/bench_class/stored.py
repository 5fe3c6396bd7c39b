"""A class of any size that counts as graded: copies of a small class's real grades, with ids and contents of their own.

Nothing of a copy is shared with another but its pages for people: each has its submission, its report.json, its entry
in the register, and its facts. So whatever reads, judges or lists the class has all of it to do.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from grader.pipeline import Grader
from grader.pipeline.facts import judgement, pack, unpack
from grader.report import json_
from grader.score import Grade
from grader.score.rows import class_row
from grader.store import open_register
from grader.submission import Candidate, content_hash, load_submission
from tests.bench_class.submissions import REPOSITORY
from tests.edits import edited

_LINKED = ("report.html", "report.md", "executed.ipynb")
AT = "2026-01-01T00:00:00+00:00"


def copies(submissions: Path, grades: Path, grader: Grader, count: int, folder: Path) -> tuple[Path, Path]:
    """Writes `count` submissions and their grades into `folder`; returns the folders of both.

    `submissions` are notebooks, `grades` what the grader said of them, and `grader` the one that said it.
    """
    works, reports = folder / "submissions", folder / "grades"
    shutil.rmtree(folder, ignore_errors=True)
    works.mkdir(parents=True)
    with open_register(grades) as book:
        originals = [(entry, book.facts(entry.evidence, entry.verifier)) for entry in book.entries() if entry.evidence]
    with open_register(reports) as book, book.together():
        for number in range(count):
            entry, packed = originals[number % len(originals)]
            assert packed is not None
            candidate = Candidate(f"student-{number:05d}", works / f"student-{number:05d}.ipynb")
            _copy_notebook(submissions / f"{entry.row.id}.ipynb", candidate.path, number)
            submission = load_submission(candidate)
            facts = pack(replace(unpack(packed), submission=submission))
            grade = grader.judge(submission, facts)
            _write_reports(grades / entry.row.id, reports / candidate.id, grade)
            new = replace(
                entry, row=class_row(grade), content=content_hash(candidate), setting=grader.identity,
                evidence=f"{entry.evidence}-{number}", judgement=judgement(grade),
            )  # fmt: skip
            book.record(new, AT, "graded", facts)
    return works, reports


def dearer_assignment(folder: Path) -> Path:
    """The default assignment with a question that is worth a point more: every grade changes by it."""
    shutil.copytree(REPOSITORY / "reference", folder, ignore=shutil.ignore_patterns("__pycache__"))
    rubric = folder / "rubric.toml"
    edits = (
        ("points = 50", "points = 51"),
        ('points = 4\nchecks = [\n  { id = "data.loaded", points = 3',
         'points = 5\nchecks = [\n  { id = "data.loaded", points = 4'),
    )  # fmt: skip
    rubric.write_text(edited(rubric.read_text(encoding="utf-8"), edits), encoding="utf-8")
    return folder


def _copy_notebook(source: Path, target: Path, number: int) -> None:
    """The same program in a file of another content: its last cell ends in another comment."""
    document = json.loads(source.read_bytes())
    document["cells"][-1]["source"] = [*document["cells"][-1]["source"], f"\n# student {number}"]
    target.write_text(json.dumps(document), encoding="utf-8")


def _write_reports(source: Path, target: Path, grade: Grade) -> None:
    target.mkdir(parents=True)
    (target / "report.json").write_text(json_.render(grade), encoding="utf-8")
    for name in _LINKED:
        os.link(source / name, target / name)
