"""Who the submissions belong to: a roster, which may be the gradebook that Canvas or Moodle itself exports."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_HEADERS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"student", "name", "full name"}),
    "first_name": frozenset({"first name", "firstname", "given name"}),
    "last_name": frozenset({"last name", "lastname", "surname", "family name"}),
    "login": frozenset({"sis login id", "login", "username", "user name", "user"}),
    "number": frozenset({"sis user id", "id number", "idnumber", "student id", "sid"}),
    "email": frozenset({"email", "email address", "e-mail"}),
    "canvas_id": frozenset({"canvas id"}),
    "section": frozenset({"section", "sections", "group"}),
    "submission": frozenset({"submission", "id"}),
}
"""The columns that are known, in lower case, by the field that they fill."""


class RosterError(ValueError):
    """A roster cannot be used; the message says why."""


@dataclass(frozen=True)
class Person:
    """One student of a roster; what the roster does not say is empty.

    `submission` is the id of the student's submission where the roster has a column for it; `number` is the
    institution's number (Canvas: SIS User ID, Moodle: ID number).
    """

    name: str = ""
    first_name: str = ""
    last_name: str = ""
    login: str = ""
    number: str = ""
    email: str = ""
    canvas_id: str = ""
    section: str = ""
    submission: str = ""

    @property
    def full_name(self) -> str:
        """`Anna Meyer`, from whichever columns there are."""
        return self.name or f"{self.first_name} {self.last_name}".strip()

    def identities(self) -> set[str]:
        """Everything that a submission's id may be for this student, folded."""
        last, _, first = self.name.partition(",")
        turned = f"{first.strip()} {last.strip()}" if first else ""
        names = (self.full_name, turned, f"{self.last_name} {self.first_name}".strip())
        ids = (self.submission, self.login, self.number, self.email, self.email.partition("@")[0], self.canvas_id)
        return {folded for text in (*ids, *names) if (folded := _folded(text))}


def read_roster(text: str) -> tuple[Person, ...]:
    """The students of a roster: CSV with a header row, separated by comma, semicolon or tab.

    Canvas's row of possible points and rows without a student are passed over.

    Raises:
        RosterError: no header that names students, or no student.
    """
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    if not rows:
        raise RosterError("the roster is empty")
    fields = _fields(rows[0])
    if not set(fields.values()) & {"name", "first_name", "login", "number", "email", "submission"}:
        raise RosterError("its first row names no column of students, such as Student, Name, Username or Email address")
    people = [
        Person(**{field: row[index].strip() for index, field in fields.items() if index < len(row)})
        for row in rows[1:]
        if row and "points possible" not in row[0].lower()
    ]
    found = tuple(person for person in people if person.identities())
    if not found:
        raise RosterError("the roster has no student")
    return found


def _fields(header: Sequence[str]) -> dict[int, str]:
    names = [" ".join(name.lower().split()) for name in header]
    fields = {index: field for index, name in enumerate(names) for field, known in _HEADERS.items() if name in known}
    # In Canvas's own export "ID" is Canvas's number of the student; elsewhere it is what the submission is called.
    if "section" in names and "student" in names and "id" in names:
        fields[names.index("id")] = "canvas_id"
    return fields


def match(ids: Iterable[str], people: Sequence[Person]) -> dict[str, Person]:
    """The student of each submission id, where exactly one fits; one student may have one submission only."""
    by_key: dict[str, list[Person]] = {}
    for person in people:
        for key in person.identities():
            by_key.setdefault(key, []).append(person)
    fitting = {id_: found[0] for id_ in ids if len(found := by_key.get(_folded(id_), [])) == 1}
    claims = list(fitting.values())
    return {id_: person for id_, person in fitting.items() if claims.count(person) == 1}


def _folded(text: str) -> str:
    """Letters and digits alone, without accents and case: `Müller, Ann-Marie` and `muller_annmarie` are the same."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)
    ).casefold()
    return re.sub(r"[^\w]|_", "", plain)
