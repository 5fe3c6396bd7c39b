"""A class as Moodle's "Import grades from CSV file" reads it: the columns of Moodle's own export.

Facts from Moodle (docs.moodle.org, Grade import; grade/import/csv): every row has as many fields as the header; one
column identifies the student (mapped to the e-mail address, the ID number or the username); grades are numbers; a
feedback column must be imported together with its grade, for it overwrites that too; an empty cell is no grade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.report.export.people import Person
from grader.report.export.table import cell, columns, points, points_by_question
from grader.report.facts import STATUS_EXPLANATIONS, lost_marks
from grader.report.text import number
from grader.score import Standing

HEADER = ("First name", "Last name", "ID number", "Username", "Email address")
_FEEDBACK_LIMIT = 1000


def rows(standings: Sequence[Standing], people: Mapping[str, Person], total_only: bool = False) -> Iterator[list[str]]:
    """The file's rows: a column a question, then the total and its feedback; with `total_only` just those two."""
    found = () if total_only else columns(standings)
    title = cell(standings[0].grade.assignment.title) if standings else "Total"
    names = [cell(f"{title}: {column.name}") for column in found]
    yield [*HEADER, *(f"{name} (Real)" for name in names), f"{title} (Real)", f"{title} (Feedback)"]
    for standing in standings:
        id_ = standing.grade.submission.id
        by_question = points_by_question(standing)
        values = [points(by_question.get(column.question)) for column in found]
        values += [points(standing.total if standing.scored else None), cell(feedback(standing), _FEEDBACK_LIMIT)]
        yield [*_student(id_, people.get(id_)), *values]


def _student(id_: str, person: Person | None) -> list[str]:
    if person is None:
        return ["", "", "", cell(id_), ""]
    first, last = person.first_name, person.last_name
    if not (first or last):
        last, comma, first = (part.strip() for part in person.name.partition(","))
        if not comma:
            first, _, last = person.name.rpartition(" ")
    username = person.login or ("" if person.email or person.number else id_)
    return [cell(field) for field in (first, last, person.number, username, person.email)]


def feedback(standing: Standing) -> str:
    """In one line: which marks were lost, what a person decided, and what lateness took off."""
    parts = []
    if not standing.grade.questions:
        parts.append(standing.grade.message or STATUS_EXPLANATIONS[standing.grade.status])
    decided = {mark.question for mark in standing.marks if mark.manual}
    parts += [
        f"{mark.question} {mark.check.id} -{number(mark.points)}: {mark.check.message or mark.check.observed}"
        for mark in lost_marks(standing.grade)
        if mark.question not in decided
    ]
    parts += [
        f"{mark.question}: {number(mark.points)} of {number(mark.max_points)}, by {mark.by}: {mark.because}"
        for mark in standing.marks
        if mark.manual
    ]
    if standing.late_points:
        parts.append(f"-{number(standing.late_points)}: {standing.late_reason}")
    return "; ".join([*parts, *standing.comments]) or "All marks."
