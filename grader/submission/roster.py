"""The roster of a course, a CSV of whatever platform: who is who, who is missing, and who is unknown."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.errors import UsageError
from grader.submission.names import folded, safe_id, shown
from grader.submission.values import Candidate

# The columns that are known, in lower case, by what they mean; names as Canvas, Moodle, Gradescope and Blackboard write
# them. "id" is what a submission is called, but in Canvas's own export Canvas's number of the student.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": ("student id", "sid", "sis user id", "id number", "idnumber"),
    "login": ("sis login id", "username", "user name", "login", "user", "user id"),
    "submission": ("submission", "id"),
    "canvas_id": ("canvas id",),
    "email": ("email", "email address", "e-mail"),
    "name": ("name", "student", "student name", "full name"),
    "first_name": ("first name", "given name", "firstname"),
    "last_name": ("last name", "surname", "family name", "lastname"),
    "section": ("section", "sections", "group"),
}
_IDS = ("number", "login", "submission", "canvas_id", "email")
_CANVAS = {"student", "id", "section"}


@dataclass(frozen=True, eq=False)
class Student:
    """One line of the roster: the id that grades go by, the name (first name first), every other id, and what stands
    in the columns that are known, by meaning (`login`, `number`, `email`, `canvas_id`, `section`, ...)."""

    id: str
    name: str
    identifiers: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)


def read_roster(path: Path) -> tuple[Student, ...]:
    """The students of a roster file, in its order: CSV with a header row, separated by comma, semicolon or tab.

    Raises UsageError where it cannot be read, has no column that tells students, or no student.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header = text.partition("\n")[0]
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count)))
    except (OSError, UnicodeError, csv.Error) as error:
        raise UsageError(f"the roster cannot be read ({error})", file=str(path), remedy="Give a CSV in UTF-8") from None
    columns = _columns(rows[0] if rows else [])
    if not {*_IDS, "name", "first_name"} & set(columns):
        known = ", ".join(name for names in _COLUMNS.values() for name in names)
        raise UsageError(
            "the roster has no column that tells students", file=str(path), remedy=f"Name one of its columns: {known}"
        )
    students = tuple(student for row in rows[1:] if (student := _student(row, columns)) is not None)
    if not students:
        raise UsageError("the roster has no student", file=str(path))
    return students


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where each meaning stands, the likeliest column of several."""
    names = [" ".join(name.casefold().replace("_", " ").split()) for name in header]
    columns = {
        meaning: names.index(name)
        for meaning, known in _COLUMNS.items()
        if (name := next((each for each in known if each in names), None)) is not None
    }
    if set(names) >= _CANVAS:
        columns["canvas_id"] = columns.pop("submission", columns.get("canvas_id", 0))
    return columns


def _student(row: Sequence[str], columns: Mapping[str, int]) -> Student | None:
    """None for lines that are no student's, such as Canvas's of possible points."""
    fields = {meaning: row[at].strip() for meaning, at in columns.items() if at < len(row) and row[at].strip()}
    ids = tuple(fields[meaning] for meaning in _IDS if meaning in fields)
    name = _name(fields)
    if not (ids or name) or "points possible" in fields.get("name", "").casefold():
        return None
    return Student(safe_id(ids[0] if ids else name), name, ids, fields)


def _name(fields: Mapping[str, str]) -> str:
    """The whole name, first name first."""
    whole = fields.get("name", "")
    if "," in whole:  # Canvas: "Doe, Jane"
        last, _, given = whole.partition(",")
        return f"{given.strip()} {last.strip()}".strip()
    return whole or f"{fields.get('first_name', '')} {fields.get('last_name', '')}".strip()


def match(
    candidates: Sequence[Candidate], students: Sequence[Student]
) -> tuple[tuple[Candidate, ...], tuple[Student, ...]]:
    """The candidates under the ids and names of the roster, and the students of whom there is nothing.

    Who is not in the roster keeps the id and gets a note. Names decide only where no id does, and only where one
    student alone has them.
    """
    who_is = Directory(students)
    found: list[Candidate] = []
    seen: set[str] = set()
    for candidate in candidates:
        who = who_is.find((*candidate.identifiers, candidate.id), (candidate.name, candidate.id))
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


class Directory:
    """The students of a roster by whatever they may be called."""

    def __init__(self, students: Iterable[Student]):
        self._by_id: dict[str, set[Student]] = {}
        self._by_letters: dict[str, set[Student]] = {}
        for student in students:
            for identifier in student.identifiers:
                self._by_id.setdefault(folded(identifier), set()).add(student)
            for key in _keys(student):
                self._by_letters.setdefault(key, set()).add(student)

    def find(self, identifiers: Iterable[str], names: Iterable[str]) -> Student | None:
        """The one student whom one of the `identifiers` names as it stands, else whom one of the `names` fits by its
        letters alone; None where there is none, or no single one."""
        exact = (self._by_id.get(folded(identifier), set()) for identifier in identifiers)
        alike = (self._by_letters.get(_letters(name), set()) for name in names if name)
        return next((next(iter(found)) for found in (*exact, *alike) if len(found) == 1), None)

    def claimed(self, ids: Iterable[str]) -> dict[str, Student]:
        """The student of each of these ids where one fits, and is claimed by no other."""
        found = {id_: student for id_ in ids if (student := self.find((id_,), (id_,))) is not None}
        claims = Counter(student.id for student in found.values())
        return {id_: student for id_, student in found.items() if claims[student.id] == 1}


def _keys(student: Student) -> set[str]:
    """A student's names and ids as platforms write them: first name first, or last name first, letters only; of an
    e-mail address what stands before the @, too."""
    words = student.name.split()
    turned = (" ".join(words[cut:] + words[:cut]) for cut in range(len(words)))
    whole = (*turned, *student.identifiers, student.fields.get("email", "").partition("@")[0])
    return {letters for text in whole if (letters := _letters(text))}


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in plain if character.isalnum())
