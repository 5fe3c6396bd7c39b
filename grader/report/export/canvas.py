"""A class as Canvas's gradebook imports it.

Facts from the importer of the Canvas LMS (lib/gradebook_importer.rb): the first columns are Student, ID, SIS User ID,
SIS Login ID and Section, in this order; every further one is an assignment, made anew where its name is not known; the
row that has "Points Possible" in its first column gives the maxima; a name that ends in digits in brackets names an
existing assignment; columns whose names hold words such as "Final Score" are passed over. An empty cell
changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from grader.report.export.people import Person
from grader.report.export.table import Column, cell, columns, points, points_by_question
from grader.score import Standing

HEADER = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
LATE = "late penalty"

_PASSED_OVER = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")
_NAMES_AN_ID = re.compile(r"\((\d+)\)\s*$")


def rows(standings: Sequence[Standing], people: Mapping[str, Person], total_only: bool = False) -> Iterator[list[str]]:
    """The file's rows; `people` by submission id. One column a question, or with `total_only` one for the whole.

    What lateness takes off is a column of its own, worth 0 points, so that the columns add up to the total.
    """
    if not standings:
        yield [*HEADER]
        return
    title = standings[0].grade.assignment.title
    found = columns(standings)
    late = any(standing.late_points for standing in standings)
    names = _names(title, found, late, total_only)
    maxima = [sum(c.max_points for c in found)] if total_only else [c.max_points for c in found] + [0.0] * late
    yield [*HEADER, *names]
    yield ["    Points Possible", "", "", "", "", *map(points, maxima)]
    for standing in standings:
        person = people.get(standing.grade.submission.id)
        yield [*_student(standing.grade.submission.id, person), *_values(standing, found, late, total_only)]


def _names(title: str, found: Sequence[Column], late: bool, total_only: bool) -> list[str]:
    if total_only:
        return [_assignment(title)]
    return [_assignment(f"{title}: {name}") for name in [*(column.name for column in found), *([LATE] if late else [])]]


def _assignment(name: str) -> str:
    """A name that the importer neither passes over nor takes for the number of an existing assignment."""
    safe = _NAMES_AN_ID.sub(r"[\1]", cell(name))
    return _PASSED_OVER.sub(lambda found: found[0].replace(" ", "-"), safe)


def _student(id_: str, person: Person | None) -> list[str]:
    if person is None:
        return [cell(id_), "", "", cell(id_), ""]
    login = person.login or ("" if person.canvas_id or person.number else id_)
    fields = (person.full_name or id_, person.canvas_id, person.number, login, person.section)
    return [cell(field) for field in fields]


def _values(standing: Standing, found: Sequence[Column], late: bool, total_only: bool) -> list[str]:
    if total_only:
        return [points(standing.total if standing.scored else None)]
    by_question = points_by_question(standing)
    values = [points(by_question.get(column.question)) for column in found]
    if late:
        # Not more than there is to lose: Canvas adds the columns up, and a total is never negative.
        values.append(points(standing.total - standing.before_penalty if standing.scored else None))
    return values
