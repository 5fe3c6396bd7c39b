"""Files of a grade: each is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from grader.errors import UsageError
from grader.pipeline import NOTEBOOK, Assignment, Folder, Graded, Register
from grader.report import class_csv, html, json_, markdown
from grader.report.annotate import annotate
from grader.score import Grade

REPORT = "report.json"
ANNOTATED = "annotated.ipynb"


def check_writable(folder: Path) -> None:
    """Makes `folder`, and raises UsageError now rather than after the student's code has run."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def render_reports(graded: Graded) -> dict[str, str]:
    """The files of one submission: report.json, report.html, report.md and the executed notebook, as texts."""
    files = {
        REPORT: json_.render(graded.grade),
        "report.html": html.render(graded.grade),
        "report.md": markdown.render(graded.grade),
    }
    return files if graded.notebook is None else {**files, NOTEBOOK: graded.notebook}


def report_folder(folder: Path) -> Folder:
    """Where the reports of each submission go: `folder`/<id>."""
    return Folder(
        write=lambda id_, files, keep: write_reports(folder / id_, files, keep_notebook=keep),
        has=lambda id_: os.path.isfile(os.path.join(folder, id_, REPORT)),
    )


def write_reports(target: Path, files: Mapping[str, str], *, keep_notebook: bool = False) -> None:
    """Writes a submission's files to its folder, the one that counts last.

    Raises UsageError where they cannot be written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / ANNOTATED).unlink(missing_ok=True)
        if NOTEBOOK not in files and not keep_notebook:  # an earlier one would pass for this grade's
            (target / NOTEBOOK).unlink(missing_ok=True)
        for name in sorted(files, key=lambda name: name == REPORT):
            write_atomically(target / name, files[name])
    except OSError as error:
        raise _unwritable(target, error) from error


def write_table(folder: Path, book: Register, assignment: Assignment) -> None:
    """Writes grades.csv of the class; raises UsageError where it cannot be written."""
    questions = [question.id for question in assignment.rubric.questions]
    try:
        write_atomically(folder / "grades.csv", class_csv.render(book.rows(), questions))
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_annotated(target: Path, grade: Grade) -> None:
    """Writes annotated.ipynb of the executed notebook in `target`; nothing where there is none.

    Raises UsageError where it cannot be written.
    """
    if not (target / NOTEBOOK).is_file():
        return
    try:
        notebook = (target / NOTEBOOK).read_text(encoding="utf-8")
        write_atomically(target / ANNOTATED, annotate(grade, notebook))
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(folder: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(f"cannot write there ({reason})", file=str(folder), remedy="Name another folder with --out")


def write_atomically(path: Path, text: str | Iterable[str]) -> None:
    """The old file stands until the new one is complete."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines([text] if isinstance(text, str) else text)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
