"""Who the submissions belong to, as the tables of other systems need it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One student of a roster; what the roster does not say is empty.

    `submission` is the id of the student's submission where the roster has a column for it; `number` is the
    institution's number (Canvas: SIS User ID, Moodle: ID number); `name` is as the roster writes it.
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
