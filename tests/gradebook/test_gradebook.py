"""The gradebook on SQLite and on PostgreSQL: nothing is lost, nothing overwritten, conflicts are said."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy

from grader.errors import UsageError
from grader.gradebook import open_gradebook
from grader.gradebook.book import Late
from grader.gradebook.tables import METADATA
from grader.score import Grade, Standing
from tests.report.conftest import grade_with, lost, perfect, rejected

REPOSITORY = Path(__file__).resolve().parents[2]
ASSIGNMENT = perfect().assignment.id
STUDENT = perfect().submission.id


def softmax_twice() -> Grade:
    """A grade that lost 2 points in question 2.2."""
    return grade_with({"forward.logits": lost("forward.logits", 0, "probabilities")})


def standing(url: str, grade: Grade) -> Standing:
    """How a grade stands."""
    with open_gradebook(url, "reader") as book:
        return book.standing(grade)


def mark_of(found: Standing, question: str) -> tuple[float, str]:
    """Points and conflict of a question."""
    (mark,) = [mark for mark in found.marks if mark.question == question]
    return mark.points, mark.conflict


def test_a_grade_is_taken_in_once(url: str) -> None:
    """The same grade again is nothing new; another rubric is a new grade of the same attempt, another submission a new
    attempt, and so is the first one when it is handed in again."""
    first = perfect()
    regraded = replace(first, assignment=replace(first.assignment, rubric_sha256="ab" * 32))
    second = replace(first, submission=replace(first.submission, sha256="cd" * 32))
    with open_gradebook(url, "ann") as book:
        assert [book.take_in(grade) for grade in (first, first, regraded, regraded, second, first)] == [
            True, False, True, False, True, True,
        ]  # fmt: skip
        assert book.standing(first).attempt == 3
        kinds = [event.kind for event in book.history(ASSIGNMENT, STUDENT)]
    assert kinds == ["attempt", "grade", "grade", "attempt", "grade", "attempt", "grade"]


def test_a_manual_mark_counts(url: str) -> None:
    """A mark takes the place of the automatic points, with who and why; withdrawing it brings those back."""
    with open_gradebook(url, "teacher") as book:
        book.take_in(softmax_twice())
        book.mark(ASSIGNMENT, STUDENT, "2.2", 5.5, "the softmax is only printed")
        found = book.standing(softmax_twice())
        assert (mark_of(found, "2.2"), found.total) == ((5.5, ""), 49.5)
        (mark,) = [mark for mark in found.marks if mark.manual]
        assert (mark.by, mark.because, mark.automatic) == ("teacher", "the softmax is only printed", 4)
        book.mark(ASSIGNMENT, STUDENT, "2.2", None, "it was not")
        assert book.standing(softmax_twice()).total == 48


def test_a_mark_is_never_overwritten_silently(url: str) -> None:
    """A second mark on the same question is refused with the first one's reason; replacing it keeps both in history."""
    with open_gradebook(url, "ann") as book:
        book.take_in(perfect())
        book.mark(ASSIGNMENT, STUDENT, "4", 1, "copied picture")
    with open_gradebook(url, "bob") as book:
        with pytest.raises(UsageError, match="1 points by ann already: copied picture"):
            book.mark(ASSIGNMENT, STUDENT, "4", 2, "not copied")
        book.mark(ASSIGNMENT, STUDENT, "4", 2, "not copied", replace=True)
        told = [(event.by, event.text) for event in book.history(ASSIGNMENT, STUDENT) if event.kind == "mark"]
    assert told == [("ann", "question 4: 1 of 3: copied picture"), ("bob", "question 4: 2 of 3: not copied")]


def test_a_regrade_keeps_marks_and_tells_conflicts(url: str) -> None:
    """After a regrade that gives a marked question other points the mark still counts, and the conflict is said; marks
    on questions that did not change have none."""
    with open_gradebook(url, "ann") as book:
        book.take_in(softmax_twice())
        book.mark(ASSIGNMENT, STUDENT, "2.2", 5, "a typing slip")
        book.mark(ASSIGNMENT, STUDENT, "4", 2, "labels missing")
        regraded = replace(perfect(), assignment=replace(perfect().assignment, rubric_sha256="ab" * 32))
        book.take_in(regraded)
        found = book.standing(regraded)
    assert mark_of(found, "2.2") == (5, "2.2: the mark was given when the grader gave 4; now it gives 6")
    assert mark_of(found, "4") == (2, "")
    assert found.total == 48


def test_a_question_that_became_smaller_or_went(url: str) -> None:
    """A mark above what its question is worth now counts as much as that, one on a question that is gone counts
    nothing, and both are conflicts."""
    with open_gradebook(url, "ann") as book:
        book.take_in(perfect())
        book.mark(ASSIGNMENT, STUDENT, "4", 3, "fine")
        book.mark(ASSIGNMENT, STUDENT, "1", 4, "fine")
        smaller = tuple(
            replace(q, score=1.0, max_score=1.0) if q.id == "4" else q for q in perfect().questions if q.id != "1"
        )
        changed = replace(perfect(), questions=smaller, score=44.0, max_score=44.0)
        book.take_in(changed)
        found = book.standing(changed)
    assert mark_of(found, "4")[0] == 1
    assert "above the 1" in mark_of(found, "4")[1]
    assert mark_of(found, "1")[0] == 0
    assert mark_of(found, "1")[1]
    assert found.total == 44


def test_late_points(url: str) -> None:
    """What lateness takes off is part of the grade and its history, and never makes a total negative."""
    with open_gradebook(url, "ann") as book:
        book.take_in(softmax_twice(), Late(10, "2 days late", "2026-05-03T00:00:00+00:00"))
        assert book.standing(softmax_twice()).total == 38
        assert "late: -10 (2 days late)" in book.history(ASSIGNMENT, STUDENT)[-1].text
        book.take_in(softmax_twice(), Late(80, "a year late"))
        assert book.standing(softmax_twice()).total == 0


def test_a_rejected_submission_can_be_marked_by_hand(url: str) -> None:
    """What could not be graded has no marks; a person may give some for the questions that the class has."""
    broken = rejected()
    with open_gradebook(url, "ann") as book:
        book.take_in(broken)
        assert not book.standing(broken).scored
        with pytest.raises(UsageError, match="no question"):
            book.mark(ASSIGNMENT, broken.submission.id, "2.1", 5, "read on paper")
        book.take_in(perfect())
        book.mark(ASSIGNMENT, broken.submission.id, "2.1", 5, "read on paper")
        assert book.standing(broken).total == 5


def test_comments(url: str) -> None:
    """Comments are kept in order, those on a question with its id."""
    with open_gradebook(url, "ann") as book:
        book.take_in(perfect())
        book.comment(ASSIGNMENT, STUDENT, "well done")
        book.comment(ASSIGNMENT, STUDENT, "nice axes", "4")
        assert book.standing(perfect()).comments == ("well done", "4: nice axes")


@pytest.mark.parametrize(
    ("student", "question", "points", "reason"),
    [
        ("nobody", "4", 1, "no grade of 'nobody'"),
        (STUDENT, "9", 1, "It has: 1, 2.1, 2.2"),
        (STUDENT, "4", 3.5, "worth 0 to 3"),
        (STUDENT, "4", -1, "worth 0 to 3"),
        (STUDENT, "4", float("nan"), "worth 0 to 3"),
        (STUDENT, "4", None, "no manual mark"),
    ],
)
def test_wrong_marks(url: str, student: str, question: str, points: float | None, reason: str) -> None:
    """A mark that makes no sense is refused, says why, and leaves no trace."""
    with open_gradebook(url, "ann") as book:
        book.take_in(perfect())
        with pytest.raises(UsageError, match=reason):
            book.mark(ASSIGNMENT, student, question, points, "because")
        assert len(book.history(ASSIGNMENT, STUDENT)) == 2


WRITER = """
import sys
from grader.gradebook import open_gradebook
from tests.report.conftest import perfect
from dataclasses import replace
url, name = sys.argv[1:]
with open_gradebook(url, name) as book:
    for turn in range(12):
        grade = perfect()
        book.take_in(replace(grade, assignment=replace(grade.assignment, rubric_sha256=f"{name}-{turn}")))
        book.mark(grade.assignment.id, grade.submission.id, "4", turn % 4, f"{name} {turn}", replace=True)
        book.comment(grade.assignment.id, grade.submission.id, f"{name} {turn}")
"""


def test_eight_writers_at_once_lose_nothing(url: str) -> None:
    """Eight processes that start with an empty database and take in, mark and comment the same student's work at once:
    every grade, mark and comment of each is there, in an unbroken order."""
    names = [f"writer{number}" for number in range(8)]
    command = [sys.executable, "-c", WRITER, url]
    writers = [subprocess.Popen([*command, name], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) for name in names]
    ends = [(writer.communicate(timeout=300)[1], writer.returncode) for writer in writers]
    assert [error for error, code in ends if code] == []

    expected = {f"{name} {turn}" for name in names for turn in range(12)}
    with open_gradebook(url, "reader") as book:
        events = book.history(ASSIGNMENT, STUDENT)
        found = book.standing(perfect())
    assert {event.text for event in events if event.kind == "comment"} == expected
    assert {event.text.partition(": ")[2].partition(": ")[2] for event in events if event.kind == "mark"} == expected
    assert sum(event.kind == "grade" for event in events) == 8 * 12
    assert len(found.comments) == 8 * 12
    assert _column(url, "marks", "version") == list(range(1, 97))
    assert _column(url, "grades", "version") == list(range(1, 97))


def test_one_of_two_marks_is_refused(url: str) -> None:
    """Of eight processes that mark the same question at once without --replace, one gets through, and the others are
    told whose mark stands."""
    with open_gradebook(url, "ann") as book:
        book.take_in(perfect())
    program = WRITER.replace("range(12)", "range(1)").replace(", replace=True", "").replace("book.take_in", "str")
    writers = [
        subprocess.Popen([sys.executable, "-c", program, url, f"w{n}"], cwd=REPOSITORY, stderr=subprocess.PIPE)
        for n in range(8)
    ]
    refused = [error for writer in writers if b"already" in (error := writer.communicate(timeout=300)[1])]
    assert len(refused) == 7
    assert _column(url, "marks", "version") == [1]


def test_another_version_is_refused(url: str) -> None:
    """A gradebook that a later grader made is left alone."""
    with open_gradebook(url, "ann"):
        pass
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE gradebook_schema SET version = 2"))
    engine.dispose()
    with pytest.raises(UsageError, match="version 2"), open_gradebook(url, "ann"):
        pass


@pytest.mark.parametrize(
    "bad", ["nonsense", "oracle-x://a/b", "postgresql+psycopg://u:secret@/x?host=/nowhere", "sqlite:////nowhere/x/y.db"]
)
def test_databases_that_cannot_be_used(bad: str) -> None:
    """A URL that leads nowhere is wrong usage, said in a line without the password."""
    with pytest.raises(UsageError) as raised, open_gradebook(bad, "ann"):
        pass
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_rows_are_only_added() -> None:
    """No module of the gradebook updates or deletes a row."""
    sources = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "grader" / "gradebook").glob("*.py")]
    assert METADATA.tables
    assert [
        found for source in sources for found in re.findall(r"(?<!for_)\b(?:update|delete)\(|UPDATE|DELETE", source)
    ] == []


def _column(url: str, table: str, column: str) -> list[int]:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text(f"SELECT {column} FROM {table} ORDER BY {column}"))
        values = [row[0] for row in found]
    engine.dispose()
    return values
