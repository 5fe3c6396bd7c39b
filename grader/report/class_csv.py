"""A class as `grades.csv`: one row a submission, one column a question; made row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from grader.score.rows import ClassRow

_BEFORE = ("id", "name", "status", "score", "max_score")
_AFTER = ("accuracy", "attempt", "late", "review", "path", "message")
# A spreadsheet would run a cell that begins like this, and much of a row is a student's to choose.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(rows: Iterable[ClassRow], questions: Iterable[str]) -> Iterator[str]:
    """The lines of the file; `questions` are the ids of the rubric, in order."""
    asked = tuple(questions)
    yield _line((*_BEFORE, *(f"question {id_}" for id_ in asked), *_AFTER))
    for row in rows:
        scores = {question.id: question.score for question in row.questions}
        before = (row.id, row.name, row.status, row.score, row.max_score)
        after = (row.accuracy, row.attempt, "late" if row.late else "", row.review or "", row.path, row.message)
        yield _line((*before, *(scores.get(id_) for id_ in asked), *after))


def _line(values: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_cell(value) for value in values])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).encode("utf-8", "replace").decode().split())
    return f"'{text}" if text.startswith(_FORMULA) else text
