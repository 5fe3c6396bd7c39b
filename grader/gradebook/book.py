"""The gradebook's operations: take a grade in, mark by hand, comment, and tell how things stand and came to be so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, insert, select
from sqlalchemy.exc import SQLAlchemyError

from grader.errors import UsageError
from grader.gradebook import history
from grader.gradebook.connection import connect, tolerating_a_rival, unusable
from grader.gradebook.history import Event
from grader.gradebook.tables import ATTEMPTS, COMMENTS, GRADES, MARKS, PLACES
from grader.score import Grade, QuestionMark, Standing

__all__ = ["Event", "Gradebook", "Late", "open_gradebook"]

_TOLERANCE = 1e-6
_Found = Row[Any]


@dataclass(frozen=True)
class Late:
    """What lateness takes off an attempt: `points`, and why; `submitted_at` in ISO 8601 where it is known."""

    points: float = 0.0
    reason: str = ""
    submitted_at: str | None = None


NOT_LATE = Late()


@contextmanager
def open_gradebook(url: str, by: str) -> Iterator[Gradebook]:
    """The gradebook at a database URL; what is added is signed `by`.

    Raises UsageError where the database cannot be used.
    """
    engine = connect(url)
    try:
        yield Gradebook(engine, by)
    except SQLAlchemyError as error:
        raise unusable(url, error) from error
    finally:
        engine.dispose()


class Gradebook:
    """See the module; made by `open_gradebook`. Any number of processes may use one database at once."""

    def __init__(self, engine: Engine, by: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self._engine = engine
        self._by = by
        self._clock = clock

    def take_in(self, grade: Grade, late: Late = NOT_LATE) -> bool:
        """Adds a grade, and an attempt where the submission is another than the latest; False where nothing is new."""
        with self._place(grade.assignment.id, grade.submission.id, make=True) as (connection, place):
            attempt = self._attempt(connection, place, grade.submission.sha256)
            before = _latest(connection, select(GRADES).where(GRADES.c.attempt == attempt.id), GRADES.c.version)
            values = {
                "rubric_sha256": grade.assignment.rubric_sha256,
                "status": grade.status,
                "score": grade.score,
                "max_score": grade.max_score,
                "questions": json.dumps([[q.id, q.title, q.score, q.max_score] for q in grade.questions]),
                "submitted_at": late.submitted_at,
                "late_points": late.points,
                "late_reason": late.reason,
            }
            if before is not None and all(before._mapping[key] == value for key, value in values.items()):
                return False
            version = 1 if before is None else before.version + 1
            connection.execute(insert(GRADES).values(attempt=attempt.id, version=version, **values, **self._signed()))
            return True

    def mark(
        self, assignment: str, student: str, question: str, points: float | None, because: str, replace: bool = False
    ) -> QuestionMark:
        """Gives a question `points` by hand, or with None withdraws such a mark; returns how it stands now.

        Raises UsageError for an unknown student or question, points outside of the question's, a mark that stands
        already and is not to be replaced, or none that could be withdrawn.
        """
        with self._place(assignment, student) as (connection, place):
            automatic = _question(connection, assignment, place, student, question)
            before = _mark(connection, place, question)
            _check(before, automatic, points, replace)
            connection.execute(
                insert(MARKS).values(
                    place=place,
                    question=question,
                    version=1 if before is None else before.version + 1,
                    points=points,
                    because=because,
                    automatic=automatic.automatic,
                    max_points=automatic.max_points,
                    rubric_sha256=_grade(connection, place).rubric_sha256,
                    **self._signed(),
                )
            )
            return _decided(automatic, _mark(connection, place, question))

    def comment(self, assignment: str, student: str, text: str, question: str | None = None) -> None:
        """Adds a comment on a student's work, or on one question of it. Raises UsageError for an unknown student."""
        with self._place(assignment, student) as (connection, place):
            if question is not None:
                _question(connection, assignment, place, student, question)
            connection.execute(insert(COMMENTS).values(place=place, question=question, text=text, **self._signed()))

    def standing(self, grade: Grade) -> Standing:
        """How `grade`, which was taken in, stands with what people decided; raises UsageError where it was not."""
        with self._place(grade.assignment.id, grade.submission.id) as (connection, place):
            attempt = _latest(connection, select(ATTEMPTS).where(ATTEMPTS.c.place == place), ATTEMPTS.c.number)
            found = _grade(connection, place)
            marks = {mark.question: mark for mark in _marks(connection, place)}
            known = {q.question: q for q in _questions(found)}
            gone = [_other(connection, grade.assignment.id, mark) for name, mark in marks.items() if name not in known]
            stood = [_decided(q, marks.get(q.question)) for q in (*known.values(), *gone)]
            said = connection.execute(select(COMMENTS).where(COMMENTS.c.place == place).order_by(COMMENTS.c.id))
            comments = tuple(f"{c.question}: {c.text}" if c.question else c.text for c in said)
            return Standing(
                grade, tuple(stood), found.late_points, found.late_reason, attempt.number if attempt else 1, comments
            )

    def history(self, assignment: str, student: str) -> tuple[Event, ...]:
        """Everything that happened to a student's grade, the oldest first; raises UsageError for an unknown one."""
        with self._place(assignment, student) as (connection, place):
            return history.events(connection, place)

    def lateness(self, grade: Grade) -> Late:
        """What the latest attempt lost by lateness when it was taken in, if it is the same submission; else nothing."""
        wanted = (PLACES.c.assignment == grade.assignment.id) & (PLACES.c.student == grade.submission.id)
        with self._engine.begin() as connection:
            query = select(ATTEMPTS).join(PLACES, ATTEMPTS.c.place == PLACES.c.id).where(wanted)
            latest = _latest(connection, query, ATTEMPTS.c.number)
            if latest is None or latest.submission_sha256 != grade.submission.sha256:
                return NOT_LATE
            found = _grade(connection, latest.place)
            return Late(found.late_points, found.late_reason, found.submitted_at)

    @contextmanager
    def _place(self, assignment: str, student: str, make: bool = False) -> Iterator[tuple[Connection, int]]:
        """One transaction, alone with this student's work on this assignment until it ends."""
        wanted = (PLACES.c.assignment == assignment) & (PLACES.c.student == student)
        query = select(PLACES.c.id).where(wanted).with_for_update()
        with self._engine.begin() as connection:
            place = connection.execute(query).scalar()
            if place is None and make:
                with tolerating_a_rival(connection):
                    connection.execute(insert(PLACES).values(assignment=assignment, student=student))
                place = connection.execute(query).scalar()
            if place is None:
                raise UsageError(
                    f"the gradebook has no grade of {student!r}", remedy="`grade gradebook` lists those that it has"
                )
            yield connection, int(place)

    def _attempt(self, connection: Connection, place: int, sha256: str) -> _Found:
        query = select(ATTEMPTS).where(ATTEMPTS.c.place == place)
        latest = _latest(connection, query, ATTEMPTS.c.number)
        if latest is not None and latest.submission_sha256 == sha256:
            return latest
        number = 1 if latest is None else latest.number + 1
        connection.execute(
            insert(ATTEMPTS).values(place=place, number=number, submission_sha256=sha256, **self._signed())
        )
        return _present(_latest(connection, query, ATTEMPTS.c.number))

    def _signed(self) -> dict[str, str]:
        return {"by": self._by, "at": self._clock().astimezone(UTC).isoformat(timespec="microseconds")}


def _latest(connection: Connection, query: Select[Any], order: Any) -> _Found | None:
    return connection.execute(query.order_by(order.desc()).limit(1)).first()


def _present(row: _Found | None) -> _Found:
    assert row is not None
    return row


def _grade(connection: Connection, place: int) -> _Found:
    """The latest grade of the latest attempt."""
    query = select(GRADES).join(ATTEMPTS, GRADES.c.attempt == ATTEMPTS.c.id).where(ATTEMPTS.c.place == place)
    ordered = query.order_by(ATTEMPTS.c.number.desc(), GRADES.c.version.desc()).limit(1)
    return _present(connection.execute(ordered).first())


def _questions(grade: _Found) -> tuple[QuestionMark, ...]:
    """The questions of a stored grade with their automatic points."""
    return tuple(
        QuestionMark(id_, title, points, most, points) for id_, title, points, most in json.loads(grade.questions)
    )


def _question(connection: Connection, assignment: str, place: int, student: str, question: str) -> QuestionMark:
    """A question of the student's grade; of a rejected one, that of another's in the class, with 0 points."""
    questions = _questions(_grade(connection, place)) or _questions_of_class(connection, assignment)
    found = next((each for each in questions if each.question == question), None)
    if found is None:
        known = ", ".join(each.question for each in questions) or "none"
        raise UsageError(f"the grade of {student!r} has no question {question!r}", remedy=f"It has: {known}")
    return found


def _questions_of_class(connection: Connection, assignment: str) -> tuple[QuestionMark, ...]:
    query = (
        select(GRADES)
        .join(ATTEMPTS, GRADES.c.attempt == ATTEMPTS.c.id)
        .join(PLACES, ATTEMPTS.c.place == PLACES.c.id)
        .where((PLACES.c.assignment == assignment) & (GRADES.c.questions != "[]"))
    )
    found = _latest(connection, query, GRADES.c.id)
    empty = () if found is None else _questions(found)
    return tuple(QuestionMark(q.question, q.title, 0.0, q.max_points, 0.0) for q in empty)


def _marks(connection: Connection, place: int) -> Sequence[_Found]:
    """The marks that stand: the latest of each question, unless it was withdrawn."""
    rows = connection.execute(select(MARKS).where(MARKS.c.place == place).order_by(MARKS.c.version))
    latest = {row.question: row for row in rows}
    return [row for row in latest.values() if row.points is not None]


def _mark(connection: Connection, place: int, question: str) -> _Found | None:
    query = select(MARKS).where((MARKS.c.place == place) & (MARKS.c.question == question))
    return _latest(connection, query, MARKS.c.version)


def _check(before: _Found | None, question: QuestionMark, points: float | None, replace: bool) -> None:
    stands = before is not None and before.points is not None
    if points is None:
        if not stands:
            raise UsageError(f"question {question.question} has no manual mark that could be withdrawn")
        return
    if not 0 <= points <= question.max_points:
        raise UsageError(f"question {question.question} is worth 0 to {question.max_points:g} points, not {points:g}")
    if stands and not replace:
        assert before is not None
        raise UsageError(
            f"question {question.question} has {before.points:g} points by {before.by} already: {before.because}",
            remedy="Add --replace if yours are to count instead; the history keeps both",
        )


def _decided(question: QuestionMark, mark: _Found | None) -> QuestionMark:
    """The question with a person's mark on it, and where that now conflicts with the grade."""
    if mark is None or mark.points is None:
        return question
    conflict = ""
    if mark.points > question.max_points + _TOLERANCE:
        conflict = f"the mark of {mark.points:g} is above the {question.max_points:g} that the question is worth now"
    elif mark.automatic is not None and abs(mark.automatic - question.automatic) > _TOLERANCE:
        conflict = f"the mark was given when the grader gave {mark.automatic:g}; now it gives {question.automatic:g}"
    points = min(mark.points, question.max_points)
    return QuestionMark(
        question.question,
        question.title,
        points,
        question.max_points,
        question.automatic,
        mark.because,
        mark.by,
        f"{question.question}: {conflict}" if conflict else "",
    )


def _other(connection: Connection, assignment: str, mark: _Found) -> QuestionMark:
    """The question of a mark that the grade itself does not have: a rejected submission's, or one that is no more."""
    for question in _questions_of_class(connection, assignment):
        if question.question == mark.question:
            return question
    return QuestionMark(mark.question, "(not in the rubric any more)", 0.0, 0.0, 0.0)
