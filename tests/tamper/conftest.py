"""What the tampering programs need: a grader with a small data set, and weights to ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grader.pipeline import Graded, Grader, find_candidates
from grader.score import Grade
from tests.submission.uploads import write
from tests.tamper.shipped import good_weights

Grading = Callable[[str], Grade]


@pytest.fixture(scope="session")
def grading(small_grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> Grading:
    """Grades a program's text, or a notebook, each once a session."""
    folder = tmp_path_factory.mktemp("programs")
    known: dict[str, Grade] = {}

    def grade(text: str) -> Grade:
        if text not in known:
            kind = "ipynb" if text.startswith("{") else "py"
            path = write(folder / f"program-{len(known)}.{kind}", text)
            (candidate,) = find_candidates(path)
            graded: Graded = small_grader.grade_one(candidate)
            known[text] = graded.grade
        return known[text]

    return grade


@pytest.fixture(scope="session")
def weights(small_data: Path) -> str:
    """Good weights of the practical's model, as a literal for a program."""
    return good_weights(small_data)
