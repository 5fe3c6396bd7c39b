"""Each example submission says what is expected of its grade, in terms of the rubric."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest

SUBMISSIONS = Path(__file__).resolve().parents[2] / "submissions"
CASES = sorted(path.parent.name for path in SUBMISSIONS.glob("*/expected.toml"))
ACCURACY = "accuracy.reference"


def expectation(case: str) -> dict[str, Any]:
    """The case's `expected.toml`."""
    return tomllib.loads((SUBMISSIONS / case / "expected.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def points(reference: Path) -> dict[str, float]:
    """The rubric's checks and their points, without the accuracy question's."""
    rubric = tomllib.loads((reference / "rubric.toml").read_text(encoding="utf-8"))
    checks = [check for question in rubric["questions"] for check in question["checks"]]
    return {check["id"]: check["points"] for check in checks if check["id"] != ACCURACY}


def test_there_are_correct_and_faulty_ones() -> None:
    """The corpus can show both a grader that is too mild and one that is too strict."""
    verdicts = [expectation(case)["correct"] for case in CASES]
    assert verdicts.count(True) >= 6
    assert verdicts.count(False) >= 14


@pytest.mark.parametrize("case", CASES)
def test_expected_score_is_what_the_lost_points_leave(case: str, points: dict[str, float]) -> None:
    """Points are lost on checks of the rubric, at most theirs; correct submissions lose none, faulty ones some."""
    expected = expectation(case)
    lost = expected["lost"]

    assert all(0 < lost[check] <= points[check] for check in lost)
    assert expected["score"] == pytest.approx(sum(points.values()) - sum(lost.values()))
    assert expected["correct"] == (not lost)
    assert bool(expected["findings"]["required"]) == bool(lost)


@pytest.mark.parametrize("case", CASES)
def test_submission_is_there_and_small(case: str) -> None:
    """The named file exists; beside it and the expectation lie only sources, without outputs."""
    folder = SUBMISSIONS / case
    assert (folder / expectation(case)["submission"]).exists()
    for path in folder.iterdir():
        assert path.suffix in {".ipynb", ".py", ".toml"}
        assert path.stat().st_size < 20_000
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            assert not any(cell.get("outputs") for cell in notebook.cells)


def test_empty_skeleton_is_the_skeleton(reference: Path) -> None:
    """The example without any work is the notebook as it is handed out."""
    copy = SUBMISSIONS / "empty-skeleton" / "practical5.ipynb"
    assert copy.read_bytes() == (reference / "practical5.ipynb").read_bytes()
