"""What the tables for other systems share: cells that no spreadsheet takes for a formula, columns, plain numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grader.report.facts import question_name
from grader.report.text import clean
from grader.score import Standing

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FULL_WIDTH_STARTS = ("＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Column:
    """A question as a table has it; `name` is `2.1 Define the layers`."""

    question: str
    name: str
    max_points: float


def columns(standings: Iterable[Standing]) -> tuple[Column, ...]:
    """The questions that any of the standings has, in the order of the first that has them."""
    found: dict[str, Column] = {}
    for standing in standings:
        for mark in standing.marks:
            name = clean(question_name(mark.question, mark.title), 120)
            found.setdefault(mark.question, Column(mark.question, name, mark.max_points))
    return tuple(found.values())


def points_by_question(standing: Standing) -> dict[str, float]:
    """The points that stand, by question."""
    return {mark.question: mark.points for mark in standing.marks}


def cell(text: str, limit: int | None = 200) -> str:
    """Untrusted text as a cell: one line, and an apostrophe before what a spreadsheet would calculate."""
    line = clean(text, limit).strip()
    return f"'{line}" if line.startswith((*_FORMULA_STARTS, *_FULL_WIDTH_STARTS)) else line


def points(value: float | None) -> str:
    """A number as every locale's importer reads it: a point, no thousands separator, no exponent; empty for None."""
    if value is None:
        return ""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """RFC 4180 a row at a time, with line ends of `\\n`, which every importer here takes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
