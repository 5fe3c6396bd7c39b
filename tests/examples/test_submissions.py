"""The example submissions, graded for real in the sandbox, get the grades that stand beside them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.pipeline import Graded, Grader, find_candidates
from grader.score import Grade

REPOSITORY = Path(__file__).resolve().parents[2]
SUBMISSIONS = REPOSITORY / "submissions"
CASES = sorted(path.parent.name for path in SUBMISSIONS.glob("*/expected.toml"))
ACCURACY = "accuracy"


@dataclass(frozen=True)
class Judged:
    """What of a grade is compared with an expectation; the accuracy question is left out of score and losses."""

    status: str
    score: float
    lost: dict[str, float]


def grade(grader: Grader, path: Path) -> Graded:
    """The grade of one submission."""
    (candidate,) = find_candidates(path, one=path.is_dir())
    return grader.grade_one(candidate)


def judged(found: Grade) -> Judged:
    """The comparable part of `found`."""
    questions = [question for question in found.questions if question.id != ACCURACY]
    checks = [check for question in questions for check in question.checks]
    lost = {check.id: round(check.max_points - (check.points or 0.0), 4) for check in checks}
    score = round(sum(question.score for question in questions), 4)
    return Judged(found.status, score, {name: points for name, points in lost.items() if points})


def faults(found: Grade) -> list[str]:
    """The findings that cost marks, with what they say."""
    return [f"{finding.id}: {finding.message}" for finding in found.findings if finding.severity == "fault"]


@pytest.mark.parametrize("case", CASES)
def test_example_gets_the_grade_that_stands_beside_it(grader: Grader, case: str) -> None:
    """Status, score, the points lost by check and the required findings are those of its expected.toml; a correct
    submission has no fault at all."""
    expected: dict[str, Any] = tomllib.loads((SUBMISSIONS / case / "expected.toml").read_text(encoding="utf-8"))
    graded = grade(grader, SUBMISSIONS / case / expected["submission"])

    assert judged(graded.grade) == Judged(expected["status"], expected["score"], expected["lost"])
    assert set(expected["findings"]["required"]) <= {finding.id for finding in graded.grade.findings}
    if expected["correct"]:
        assert faults(graded.grade) == []
    check_consistent(graded)


def test_reference_solution_gets_full_marks(grader: Grader) -> None:
    """The reference solution, graded like any student's, gets every point, the accuracy's included, without a fault."""
    graded = grade(grader, REPOSITORY / "reference" / "solution.ipynb")

    assert faults(graded.grade) == []
    assert (graded.grade.score, graded.grade.max_score) == (50.0, 50.0)
    assert graded.grade.review == ()
    check_consistent(graded)


def check_consistent(graded: Graded) -> None:
    """Holds what is true of any grade: sums add up, lost marks are explained, notebooks keep their outputs."""
    found = graded.grade
    assert found.score == pytest.approx(sum(question.score for question in found.questions))
    assert sum(question.max_score for question in found.questions) == found.max_score
    for question in found.questions:
        assert 0 <= question.score <= question.max_score
        for check in question.checks:
            assert check.outcome == "not_assessed" or check.points is not None
            if check.points != check.max_points:
                assert check.expected and check.observed and check.message, f"{check.id} does not say why"
    assert found.run is not None
    assert not found.run.cached
    assert found.dataset is not None
    assert (found.dataset.train, found.dataset.test) == (6000, 1000)
    if graded.notebook is not None:
        nbformat.validate(nbformat.reads(graded.notebook, as_version=4))
        assert any(cell.get("outputs") for cell in json.loads(graded.notebook)["cells"])
