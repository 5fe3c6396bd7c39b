"""Files of a grade: each is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from grader.errors import UsageError
from grader.pipeline import Graded
from grader.report import html, json_, markdown
from grader.report.annotate import annotate

ANNOTATED = "annotated.ipynb"


def check_writable(folder: Path) -> None:
    """Makes `folder`, and raises UsageError now rather than after the student's code has run."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_reports(folder: Path, graded: Graded) -> Path:
    """Writes report.json, report.html, report.md and the executed notebook to `folder`/<id>; returns that folder.

    Raises UsageError where they cannot be written.
    """
    target = folder / graded.grade.submission.id
    files = {
        "report.json": json_.render(graded.grade),
        "report.html": html.render(graded.grade),
        "report.md": markdown.render(graded.grade),
    }
    if graded.notebook is not None:
        files["executed.ipynb"] = graded.notebook
    try:
        target.mkdir(parents=True, exist_ok=True)
        if graded.notebook is None:  # an earlier one would pass for this grade's
            (target / "executed.ipynb").unlink(missing_ok=True)
        (target / ANNOTATED).unlink(missing_ok=True)
        for name, text in files.items():
            write_atomically(target / name, text)
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def write_annotated(folder: Path, graded: Graded) -> None:
    """Writes `folder`/<id>/annotated.ipynb; nothing for what is no notebook. Raises UsageError where it cannot be."""
    if graded.notebook is None:
        return
    target = folder / graded.grade.submission.id / ANNOTATED
    try:
        write_atomically(target, annotate(graded.grade, graded.notebook))
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(folder: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(f"cannot write there ({reason})", file=str(folder), remedy="Name another folder with --out")


def write_atomically(path: Path, text: str) -> None:
    """The old file stands until the new one is complete."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
