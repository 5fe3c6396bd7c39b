"""The roster of a course, a CSV of whatever platform: who is who, who is missing, and who is unknown."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.errors import UsageError
from grader.submission.names import folded, safe_id, shown
from grader.submission.values import Candidate

# Columns by what they mean, the one that becomes the id first; names as Canvas, Moodle, Gradescope and Blackboard write
# them.
_IDS = (
    "student id", "sid", "sis user id", "id number", "sis login id", "username", "user name", "login", "user id", "id",
    "email", "email address",
)  # fmt: skip
_NAMES = ("name", "student", "student name", "full name")
_FIRST, _LAST = ("first name", "given name", "firstname"), ("last name", "surname", "family name", "lastname")


@dataclass(frozen=True)
class Student:
    """One line of the roster: the id that grades go by, the name, and every other id."""

    id: str
    name: str
    identifiers: tuple[str, ...]


def read_roster(path: Path) -> tuple[Student, ...]:
    """The students of a roster file, in its order.

    Raises UsageError where it cannot be read or has no column of ids.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t") if "\n" in text else csv.excel
        rows = list(csv.DictReader(io.StringIO(text), dialect=dialect))
    except (OSError, UnicodeError, csv.Error) as error:
        raise UsageError(f"the roster cannot be read ({error})", file=str(path), remedy="Give a CSV in UTF-8") from None
    columns = {" ".join(name.casefold().replace("_", " ").split()): name for name in (rows[0] if rows else {}) if name}
    wanted = [columns[name] for name in _IDS if name in columns]
    if not wanted:
        raise UsageError(
            "the roster has no column of ids", file=str(path), remedy=f"Name one of its columns: {', '.join(_IDS)}"
        )
    return tuple(_students(rows, wanted, columns))


def _students(
    rows: Sequence[Mapping[str, str]], wanted: Sequence[str], columns: Mapping[str, str]
) -> Iterator[Student]:
    for row in rows:
        ids = tuple(value.strip() for column in wanted if (value := row.get(column) or "").strip())
        if ids:  # Canvas has lines without a student, of maximum points
            yield Student(safe_id(ids[0]), _name(row, columns), ids)


def _name(row: Mapping[str, str], columns: Mapping[str, str]) -> str:
    def first(names: Sequence[str]) -> str:
        return next((str(row.get(columns[name]) or "").strip() for name in names if name in columns), "")

    whole = first(_NAMES)
    if "," in whole:  # Canvas: "Doe, Jane"
        last, _, given = whole.partition(",")
        whole = f"{given.strip()} {last.strip()}"
    return whole or f"{first(_FIRST)} {first(_LAST)}".strip()


def match(
    candidates: Sequence[Candidate], students: Sequence[Student]
) -> tuple[tuple[Candidate, ...], tuple[Student, ...]]:
    """The candidates under the ids and names of the roster, and the students of whom there is nothing.

    Who is not in the roster keeps the id and gets a note. Names decide only where no id does, and only where one
    student alone has them.
    """
    by_id = {folded(identifier): student for student in students for identifier in student.identifiers}
    by_name: dict[str, list[Student]] = {}
    for student in students:
        for key in _keys(student.name):
            by_name.setdefault(key, []).append(student)
    found: list[Candidate] = []
    seen: set[str] = set()
    for candidate in candidates:
        who = _find(candidate, by_id, by_name)
        if who is None:
            note = f"{shown(candidate.name or candidate.id)} is not in the roster"
            found.append(replace(candidate, note=joined(candidate.note, note)))
        else:
            seen.add(who.id)
            found.append(replace(candidate, id=who.id, name=who.name or candidate.name))
    return tuple(found), tuple(student for student in students if student.id not in seen)


def joined(*notes: str | None) -> str | None:
    """Several notes as one; None where there is none."""
    return "; ".join(note for note in notes if note) or None


def _find(candidate: Candidate, by_id: Mapping[str, Student], by_name: Mapping[str, list[Student]]) -> Student | None:
    for identifier in (*candidate.identifiers, candidate.id):
        if folded(identifier) in by_id:
            return by_id[folded(identifier)]
    for name in (candidate.name, candidate.id):
        same = {student.id: student for student in by_name.get(_letters(name), [])}
        if name and len(same) == 1:
            return next(iter(same.values()))
    return None


def _keys(name: str) -> set[str]:
    """A name as platforms write it: first name first, or last name first, letters only."""
    words = name.split()
    return {_letters(name), *(_letters(" ".join(words[cut:] + words[:cut])) for cut in range(1, len(words)))} - {""}


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in plain if character.isalnum())
