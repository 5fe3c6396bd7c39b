"""A class as `grades.csv`: one row a submission, one column a question; made row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from grader.report.export import table
from grader.score.rows import ClassRow

_BEFORE = ("id", "name", "status", "score", "max_score")
_AFTER = ("accuracy", "attempt", "late", "review", "path", "message")


def render(rows: Iterable[ClassRow], questions: Iterable[str]) -> Iterator[str]:
    """The lines of the file; `questions` are the ids of the rubric, in order."""
    asked = tuple(questions)
    yield from table.lines(_rows(rows, asked))


def _rows(rows: Iterable[ClassRow], asked: Sequence[str]) -> Iterator[list[str]]:
    yield _cells((*_BEFORE, *(f"question {id_}" for id_ in asked), *_AFTER))
    for row in rows:
        scores = {question.id: question.score for question in row.questions}
        before = (row.id, row.name, row.status, row.score, row.max_score)
        after = (row.accuracy, row.attempt, "late" if row.late else "", row.review or "", row.path, row.message)
        yield _cells((*before, *(scores.get(id_) for id_ in asked), *after))


def _cells(values: Iterable[Any]) -> list[str]:
    return [_cell(value) for value in values]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else table.cell(str(value), None)
