"""The gradebook's tables. Rows are added and never changed, so what stands in them is the history.

`places` has one row for a student's work on an assignment; whoever writes about it locks that row first, so writers
wait for each other there and nowhere else.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint

SCHEMA = 1

METADATA = MetaData()

_NUMBER = "id"


def _number() -> Column[int]:
    return Column(_NUMBER, Integer, primary_key=True)


def _place() -> Column[int]:
    return Column("place", ForeignKey("places.id"), nullable=False, index=True)


def _by() -> tuple[Column[str], Column[str]]:
    """Who added a row and when: UTC, ISO 8601 with microseconds, which sorts as text."""
    return Column("by", String(200), nullable=False), Column("at", String(40), nullable=False)


VERSION = Table("gradebook_schema", METADATA, Column("version", Integer, primary_key=True))

PLACES = Table(
    "places",
    METADATA,
    _number(),
    Column("assignment", String(200), nullable=False),
    Column("student", String(200), nullable=False),
    UniqueConstraint("assignment", "student"),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    _number(),
    _place(),
    Column("number", Integer, nullable=False),
    Column("submission_sha256", String(64), nullable=False),
    *_by(),
    UniqueConstraint("place", "number"),
)

GRADES = Table(
    "grades",
    METADATA,
    _number(),
    Column("attempt", ForeignKey("attempts.id"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("rubric_sha256", String(64), nullable=False),
    Column("status", String(40), nullable=False),
    Column("score", Float, nullable=False),
    Column("max_score", Float, nullable=False),
    Column("questions", Text, nullable=False),  # JSON: [[id, title, points, max_points], ...]
    Column("submitted_at", String(40)),
    Column("late_points", Float, nullable=False),
    Column("late_reason", Text, nullable=False),
    *_by(),
    UniqueConstraint("attempt", "version"),
)

MARKS = Table(
    "marks",
    METADATA,
    _number(),
    _place(),
    Column("question", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("points", Float),  # empty: the mark was withdrawn, and the automatic points count again
    Column("because", Text, nullable=False),
    Column("automatic", Float),  # what the person saw: the points of the grade that was there
    Column("max_points", Float, nullable=False),
    Column("rubric_sha256", String(64), nullable=False),
    *_by(),
    UniqueConstraint("place", "question", "version"),
)

COMMENTS = Table(
    "comments",
    METADATA,
    _number(),
    _place(),
    Column("question", String(100)),
    Column("text", Text, nullable=False),
    *_by(),
)
