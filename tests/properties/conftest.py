"""What the properties share: a grader that knows what it said of a submission, and the comparison of two grades."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import settings

from grader.pipeline import Grader, find_candidates
from grader.score import Grade
from tests.submission.uploads import write_folder
from tests.tamper.programs import program

Files = Mapping[str, bytes]
# Each example is graded for real, in seconds. PROPERTY_EXAMPLES=20 looks further, at other examples each time.
EXAMPLES = os.environ.get("PROPERTY_EXAMPLES")
settings.register_profile(
    "real-runs",
    max_examples=int(EXAMPLES or 2),
    derandomize=EXAMPLES is None,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
)


@dataclass(frozen=True)
class Outcome:
    """The part of a grade that a change of style must leave: outcome and points of each check, and the findings."""

    status: str
    checks: Mapping[str, tuple[str, float | None]]
    findings: frozenset[tuple[str, str]]

    def without_accuracy(self) -> Outcome:
        """What is left where the model learned other weights: those of a faulty program may do better or worse."""
        checks = {id: found for id, found in self.checks.items() if not id.startswith("accuracy.")}
        findings = {found for found in self.findings if not found[0].startswith("accuracy.")}
        return Outcome(self.status, checks, frozenset(findings))


def outcome(grade: Grade) -> Outcome:
    """The comparable part of a grade."""
    checks = {check.id: (check.outcome, check.points) for question in grade.questions for check in question.checks}
    return Outcome(grade.status, checks, frozenset((each.id, each.severity) for each in grade.findings))


@pytest.fixture(scope="session")
def graded(small_grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Files], Grade]:
    """Grades the files of a submission, the same files once a session. Several files are a folder."""
    known: dict[tuple[tuple[str, bytes], ...], Grade] = {}

    def grade(files: Files) -> Grade:
        key = tuple(sorted(files.items()))
        if key not in known:
            folder = write_folder(tmp_path_factory.mktemp("property") / "work", files)
            path = folder if len(files) > 1 else folder / next(iter(files))
            (candidate,) = find_candidates(path)
            known[key] = small_grader.grade_one(candidate).grade
            shutil.rmtree(folder)
        return known[key]

    return grade


Holds = Callable[..., None]


@pytest.fixture(scope="session")
def unchanged(graded: Callable[[Files], Grade]) -> Holds:
    """Asserts that `files` get the grade of the plain program with `faults`, as one script.

    `learns_otherwise`: the change makes the model learn other weights, so a faulty program's accuracy may differ.
    """

    def check(files: Files, faults: tuple[str, ...], learns_otherwise: bool = False) -> None:
        found, expected = outcome(graded(files)), outcome(graded({"practical.py": program(faults).encode()}))
        if learns_otherwise and faults:
            found, expected = found.without_accuracy(), expected.without_accuracy()
        assert found == expected, "\n" + "\n".join(f"--- {n}\n{c.decode(errors='replace')}" for n, c in files.items())

    return check
