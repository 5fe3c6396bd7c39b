"""Rosters: the students of whatever platform exported them, and who is meant by an id or a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.submission import Directory, Student, read_roster
from tests.submission.uploads import write


def students(folder: Path, text: str) -> tuple[Student, ...]:
    """The students of a roster with this text."""
    return read_roster(write(folder / "roster.csv", text))


CANVAS_ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,Quiz (12)
    Points Possible,,,,,10
"Meyer, Anna",77,S1,ameyer,Group A,9
"Müller, Jo",78,S2,jmueller,Group B,
"Student, Test",79,,abc,Group B,
"""
MOODLE_ROSTER = "\ufeffFirst name;Last name;ID number;Email address\nAnna;Meyer;S1;anna@x.org\nJo;Müller;S2;jo@x.org\n"


@pytest.mark.parametrize(
    ("roster", "id_", "name"),
    [
        (CANVAS_ROSTER, "ameyer", "Anna Meyer"),
        (CANVAS_ROSTER, "meyer-anna", "Anna Meyer"),
        (CANVAS_ROSTER, "anna_meyer", "Anna Meyer"),
        (CANVAS_ROSTER, "78", "Jo Müller"),
        (CANVAS_ROSTER, "jo-muller", "Jo Müller"),
        (MOODLE_ROSTER, "anna", "Anna Meyer"),
        (MOODLE_ROSTER, "S2", "Jo Müller"),
        (MOODLE_ROSTER, "muller-jo", "Jo Müller"),
    ],
)
def test_rosters(tmp_path: Path, roster: str, id_: str, name: str) -> None:
    """The gradebooks that Canvas and Moodle export are rosters; ids fit by login, number, e-mail or name."""
    assert Directory(students(tmp_path, roster)).claimed([id_])[id_].name == name


def test_ambiguous_ids_fit_nobody(tmp_path: Path) -> None:
    """An id that fits two students, and two ids that claim one student, are matched with none."""
    twins = "name,email\nJo Lee,jo@a.org\nJo Lee,jo@b.org\n"
    assert Directory(students(tmp_path, twins)).claimed(["jo", "jo-lee"]) == {}
    assert Directory(students(tmp_path, CANVAS_ROSTER)).claimed(["ameyer", "meyer-anna"]) == {}


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "name\n", "name\n\n"])
def test_rosters_that_are_none(tmp_path: Path, text: str) -> None:
    """A table without students, or without a column that names them, is refused."""
    with pytest.raises(UsageError, match="roster"):
        students(tmp_path, text)


def test_what_stands_in_the_columns(tmp_path: Path) -> None:
    """Names stay as the roster writes them, Canvas's own number is not taken for the institution's, and the line of
    possible points is nobody."""
    anna, *_ = found = students(tmp_path, CANVAS_ROSTER)
    assert anna.fields == {
        "name": "Meyer, Anna", "canvas_id": "77", "number": "S1", "login": "ameyer", "section": "Group A",
    }  # fmt: skip
    assert [student.id for student in found] == ["S1", "S2", "abc"]


def test_a_roster_of_names_alone(tmp_path: Path) -> None:
    """Without any id, students go by their names."""
    (student,) = students(tmp_path, "Name\nAnna Meyer\n")
    assert Directory([student]).find(("x",), ("meyer_anna",)) is student
