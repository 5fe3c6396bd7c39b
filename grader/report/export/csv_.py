"""A class as a plain table: what a spreadsheet or a script of one's own reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.report import facts
from grader.report.export.people import Person
from grader.report.export.table import cell, columns, points, points_by_question
from grader.score import Standing


def rows(standings: Sequence[Standing], people: Mapping[str, Person], total_only: bool = False) -> Iterator[list[str]]:
    """The file's rows, one a submission after the header; with `total_only` without the questions."""
    found = () if total_only else columns(standings)
    yield [
        "id", "name", "email", "status", "attempt", "total", "max_score", "automatic", "late_penalty",
        *(cell(column.name) for column in found),
        "measured_accuracy", "manual", "conflicts", "review", "rubric_sha256", "submission_sha256",
    ]  # fmt: skip
    for standing in standings:
        yield _row(standing, people, [column.question for column in found])


def _row(standing: Standing, people: Mapping[str, Person], questions: Sequence[str]) -> list[str]:
    grade = standing.grade
    person = people.get(grade.submission.id, Person())
    by_question = points_by_question(standing)
    maximum = sum(mark.max_points for mark in standing.marks) or grade.max_score
    return [
        cell(grade.submission.id),
        cell(person.full_name),
        cell(person.email),
        grade.status,
        str(standing.attempt),
        points(standing.total if standing.scored else None),
        points(maximum),
        points(grade.score if facts.is_scored(grade) else None),
        points(standing.late_points),
        *(points(by_question.get(question)) for question in questions),
        points(grade.accuracy.measured),
        cell("; ".join(f"{mark.question}: {mark.because}" for mark in standing.marks if mark.manual), 1000),
        cell("; ".join(mark.conflict for mark in standing.marks if mark.conflict), 1000),
        str(len(facts.review_reasons(grade))),
        cell(grade.assignment.rubric_sha256),
        cell(grade.submission.sha256),
    ]
