"""Stored grades: the `report.json` files of a folder, and the gradebook that goes with them."""

from __future__ import annotations

import csv
import getpass
import io
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from grader.cli.output import REPORT
from grader.cli.parameters import GivenPath
from grader.errors import UsageError
from grader.pipeline import NOTEBOOK
from grader.report import stored
from grader.score import Grade

DATABASE = "gradebook.db"

GRADES = click.option(
    "--grades",
    type=GivenPath(file_okay=False),
    default=Path("grades"),
    show_default=True,
    help="The folder with the grades.",
)
BOOK = click.option(
    "--gradebook",
    "url",
    envvar="GRADE_GRADEBOOK",
    metavar="URL",
    help="The gradebook's database; default: gradebook.db, SQLite, in the folder with the grades.",
)


def by_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--by`."""
    return click.option("--by", metavar="NAME", help="Who signs the change; default: your user name.")(command)


def signed(by: str | None) -> str:
    """Who a change is signed by."""
    try:
        return by or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def read_grade(folder: Path) -> Grade:
    """The stored grade in a submission's folder, with its cells where the executed notebook is there.

    Raises UsageError for a report that cannot be read.
    """
    return replace(read_report(folder), cells=tuple(_cells(folder / NOTEBOOK)))


def read_report(folder: Path) -> Grade:
    """The same without the cells, which most readers do without."""
    path = folder / REPORT
    try:
        return stored.read(path.read_bytes())
    except (OSError, stored.StoredGradeError) as error:
        raise UsageError(f"the report cannot be read ({error})", file=str(path), remedy="Grade it again") from error


def report_names(grades: Path) -> list[str]:
    """The folders in `grades` that have a report, by name and in order; raises UsageError where there is none."""
    folders = os.listdir(grades) if grades.is_dir() else []
    found = sorted(name for name in folders if (grades / name / REPORT).is_file())
    if not found:
        raise UsageError(
            "there are no grades here", file=str(grades), remedy="Name a folder that `grade` wrote, such as grades/"
        )
    return found


class StoredGrades(Collection[Grade]):
    """The grades of these submissions in a folder, in this order, without their cells; each is read anew when its turn
    comes, with UsageError where it cannot be."""

    def __init__(self, grades: Path, names: Sequence[str]):
        self._grades = grades
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Grade]:
        return map(read_report, self.folders())

    def folders(self) -> Iterator[Path]:
        """The folder of each report."""
        return (self._grades / name for name in self._names)

    def __contains__(self, grade: object) -> bool:
        return isinstance(grade, Grade) and grade.submission.id in self._names


def stored_grades(path: Path) -> StoredGrades:
    """The grades in a folder of them, or of one submission; raises UsageError where there is none."""
    return StoredGrades(path, [""] if (path / REPORT).is_file() else report_names(path))


def grade_of(folder: Path, student: str) -> Grade:
    """The stored grade of one student; raises UsageError where there is none."""
    if student in ("", ".", "..") or "/" in student or not (folder / student / REPORT).is_file():
        raise UsageError(f"there is no grade of {student!r}", file=str(folder), remedy="Name it as its folder is named")
    return read_grade(folder / student)


def database(url: str | None, grades: Path) -> str:
    """The URL of the gradebook of a folder of grades."""
    return url or f"sqlite:///{grades.absolute() / DATABASE}"


def has_gradebook(url: str | None, grades: Path) -> bool:
    """Whether a gradebook was named, or is in the folder."""
    return url is not None or (grades / DATABASE).is_file()


def read_text(path: Path) -> str:
    """A file that the user named; raises UsageError where it is no UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"it cannot be read ({error})", file=str(path)) from error


def read_times(path: Path) -> dict[str, datetime]:
    """When each submission was handed in: CSV with the columns id and submitted_at (ISO 8601, UTC where none is said).

    Raises UsageError for another header or a time of another form.
    """
    rows = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if not {"id", "submitted_at"} <= set(rows.fieldnames or ()):
        raise UsageError("the first row must have the columns id and submitted_at", file=str(path))
    times = {}
    for row in rows:
        try:
            moment = datetime.fromisoformat(row["submitted_at"] or "")
        except ValueError as error:
            raise UsageError(f"{error}", file=str(path), place=f"line {rows.line_num}") from error
        times[row["id"]] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return times


def _cells(notebook: Path) -> Iterator[tuple[int, str]]:
    """The numbered code cells of an executed notebook, which the grader itself wrote; none where there is none."""
    try:
        document = json.loads(notebook.read_bytes())
    except (OSError, ValueError):
        return
    sources = ("".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code")
    yield from enumerate((source for source in sources if source.strip()), start=1)
