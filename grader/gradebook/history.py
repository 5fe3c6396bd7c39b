"""What happened to a student's grade, told from the rows that were added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from grader.gradebook.tables import ATTEMPTS, COMMENTS, GRADES, MARKS


@dataclass(frozen=True)
class Event:
    """One change: `at` in UTC (ISO 8601), `by` whom, `kind` attempt, grade, mark, withdrawn or comment, and what."""

    at: str
    by: str
    kind: str
    text: str


def events(connection: Connection, place: int) -> tuple[Event, ...]:
    """All events of one place, the oldest first."""
    parts = (_attempts(connection, place), _grades(connection, place), _marks(connection, place))
    found = [event for part in (*parts, _comments(connection, place)) for event in part]
    return tuple(sorted(found, key=lambda event: event.at))


def _attempts(connection: Connection, place: int) -> Iterator[Event]:
    for row in connection.execute(select(ATTEMPTS).where(ATTEMPTS.c.place == place).order_by(ATTEMPTS.c.id)):
        yield Event(row.at, row.by, "attempt", f"attempt {row.number}, submission {row.submission_sha256[:12]}")


def _grades(connection: Connection, place: int) -> Iterator[Event]:
    query = select(GRADES, ATTEMPTS.c.number).join(ATTEMPTS, GRADES.c.attempt == ATTEMPTS.c.id)
    for row in connection.execute(query.where(ATTEMPTS.c.place == place).order_by(GRADES.c.id)):
        late = f", late: -{row.late_points:g} ({row.late_reason})" if row.late_points else ""
        text = f"attempt {row.number}: {row.score:g} / {row.max_score:g}, {row.status}"
        yield Event(row.at, row.by, "grade", f"{text}, rubric {row.rubric_sha256[:12]}{late}")


def _marks(connection: Connection, place: int) -> Iterator[Event]:
    for row in connection.execute(select(MARKS).where(MARKS.c.place == place).order_by(MARKS.c.id)):
        if row.points is None:
            yield Event(row.at, row.by, "withdrawn", f"question {row.question}: {row.because}")
        else:
            text = f"question {row.question}: {row.points:g} of {row.max_points:g}: {row.because}"
            yield Event(row.at, row.by, "mark", text)


def _comments(connection: Connection, place: int) -> Iterator[Event]:
    for row in connection.execute(select(COMMENTS).where(COMMENTS.c.place == place).order_by(COMMENTS.c.id)):
        yield Event(row.at, row.by, "comment", f"question {row.question}: {row.text}" if row.question else row.text)
