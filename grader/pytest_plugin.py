"""`pytest submission.ipynb --grade`: one test item for each check of the rubric.

The submission runs once, in the sandbox, when the first of its items is run. Nothing of the student's is imported by
pytest: a module is not collected as a test module, and `conftest.py` files are not loaded.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from grader.score import CheckResult, Grade


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of grading."""
    group = parser.getgroup("grade", "grading of deep-learning coursework")
    group.addoption("--grade", action="store_true", help="Grade the named submissions: one item a check.")
    group.addoption("--grade-assignment", metavar="DIR", help="The assignment's folder.")
    group.addoption("--grade-data", metavar="DIR", help="A folder with train.npz and test.npz.")
    group.addoption("--grade-quick", action="store_true", help="The first 6,000 and 1,000 images only.")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Students' conftest.py files would run outside of the sandbox."""
    if "--grade" in args:
        early_config.known_args_namespace.noconftest = True


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Notebooks and archives; modules come by way of the hook below, where pytest would import them."""
    if parent.config.getoption("--grade") and file_path.suffix in (".ipynb", ".zip"):
        collector: pytest.Collector = Submission.from_parent(parent, path=file_path)
        return collector
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Any:
    """With --grade a module is a submission, and is not imported."""
    if parent.config.getoption("--grade"):
        return Submission.from_parent(parent, path=module_path)
    return None


class Submission(pytest.File):
    """One submission; its items are the checks of the rubric, known before anything runs."""

    _grade: Grade | None = None

    def collect(self) -> Iterable[pytest.Item]:
        """One item a check."""
        from grader.pipeline.items import checks_of

        folder = self.config.getoption("--grade-assignment")
        for question, check in checks_of(Path(folder) if folder else None):
            yield CheckItem.from_parent(self, name=f"{question}-{check}", check=check)

    def grade(self) -> Grade:
        """The grade, of one run for all items and, with xdist, for all workers."""
        if self._grade is None:
            with _alone(self) as shared:
                self._grade = _stored(shared) or self._graded(shared)
        return self._grade

    def _graded(self, shared: Path) -> Grade:
        from grader.pipeline import Options, find_candidates, prepare
        from grader.report import json_

        option = self.config.getoption
        assignment, data = (
            Path(name) if (name := option(key)) else None for key in ("--grade-assignment", "--grade-data")
        )
        (candidate,) = find_candidates(self.path, one=True)
        grade = prepare(Options(assignment, data, quick=option("--grade-quick"))).grade_one(candidate).grade
        shared.write_text(json_.render(grade), encoding="utf-8")
        return grade


class CheckItem(pytest.Item):
    """One check: passes when met, fails with what was expected and seen, is skipped when it could not be assessed."""

    def __init__(self, *, check: str, **others: Any):
        super().__init__(**others)
        self.check = check

    def runtest(self) -> None:
        """Looks the check up in the grade."""
        assert isinstance(self.parent, Submission)
        grade = self.parent.grade()
        found = next((c for q in grade.questions for c in q.checks if c.id == self.check), None)
        if found is None:
            raise LostMarks(grade.message or grade.status)
        if found.outcome == "not_assessed":
            pytest.skip(f"not assessed: {found.message}")
        self.user_properties += [("points", found.points), ("max_points", found.max_points)]
        if found.points is not None and found.points < found.max_points:
            raise LostMarks(_text(found))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What the check says, without a traceback of the grader's."""
        if isinstance(excinfo.value, LostMarks):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is listed."""
        return self.path, None, f"{self.path.name}: {self.name}"


class LostMarks(Exception):
    """A check that was not met."""


def _text(check: CheckResult) -> str:
    from grader.report.export.gradescope import check_text
    from grader.report.text import number

    points = check.points or 0.0
    return f"{number(points)} of {number(check.max_points)} points\n{check_text(check)}"


def _stored(shared: Path) -> Grade | None:
    from grader.report.stored import read

    return read(shared.read_bytes()) if shared.exists() else None


@contextmanager
def _alone(submission: Submission) -> Iterator[Path]:
    """While this is held no other worker of the same session grades this submission; gives the file that they share."""
    import hashlib

    worker = getattr(submission.config, "workerinput", {})
    session = worker.get("testrunuid") or f"alone-{os.getpid()}-{id(submission.session)}"
    name = hashlib.sha256(f"{session}\0{submission.path}".encode()).hexdigest()[:32]
    folder = Path(tempfile.gettempdir()) / f"grade-pytest-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    with open(folder / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / f"{name}.json"
