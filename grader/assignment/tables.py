"""Strict reading of TOML tables: every key has a kind, and a key that nobody asked for is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grader.errors import AssignmentError


@dataclass(frozen=True)
class Kind:
    """What a value must be: `description` completes the sentence "it must be ..."."""

    description: str
    accepts: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


TEXT = Kind("a non-empty string", lambda value: isinstance(value, str) and bool(value.strip()))
TEXTS = Kind(
    "a list of at least one string",
    lambda value: isinstance(value, list) and bool(value) and all(TEXT.accepts(item) for item in value),
)
TABLE = Kind("a table", lambda value: isinstance(value, dict))
TABLES = Kind(
    "a list of at least one table",
    lambda value: isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value),
)
COUNT = Kind("a whole number of at least 1", lambda value: _is_whole(value) and value >= 1)
NATURAL = Kind("a whole number of at least 0", lambda value: _is_whole(value) and value >= 0)
POSITIVE = Kind("a number above 0", lambda value: _is_number(value) and 0 < value < float("inf"))
NOT_NEGATIVE = Kind("a number of at least 0", lambda value: _is_number(value) and 0 <= value < float("inf"))
FRACTION = Kind("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1)
MOMENT = Kind(
    "a date and time with its offset, such as 2027-03-01T23:59:00+01:00",
    lambda value: isinstance(value, datetime) and value.tzinfo is not None,
)
HEIGHT_AND_WIDTH = Kind(
    "a list of two whole numbers of at least 1",
    lambda value: isinstance(value, list) and len(value) == 2 and all(COUNT.accepts(item) for item in value),
)


def one_of(*choices: str) -> Kind:
    """One of a few strings."""
    named = ", ".join(f'"{choice}"' for choice in choices)
    return Kind(f"one of {named}", lambda value: value in choices)


class TableReader:
    """Reads one table key by key; `finish` then rejects what was not read.

    `file` and `place` say in errors where the table stands.
    """

    def __init__(self, values: Mapping[str, Any], file: str, place: str):
        self._values = values
        self._asked: list[str] = []
        self.file = file
        self.place = place

    def read(self, key: str, kind: Kind) -> Any:
        """The value of `key`, lists as tuples; raises AssignmentError where it is missing or of another kind."""
        self._asked.append(key)
        if key not in self._values:
            raise self.error(f'the key "{key}" is missing', f"Add it; it must be {kind.description}")
        value = self._values[key]
        if not kind.accepts(value):
            raise self.error(f'"{key}" is {_shown(value)}', f"It must be {kind.description}")
        return tuple(value) if isinstance(value, list) else value

    def read_optional(self, key: str, kind: Kind, default: Any) -> Any:
        """As `read`, but `default` where the key is missing."""
        if key in self._values:
            return self.read(key, kind)
        self._asked.append(key)
        return default

    def read_known(self, kinds: Mapping[str, Kind]) -> dict[str, Any]:
        """Those of `kinds` that the table has."""
        self._asked.extend(kinds)
        return {key: self.read(key, kind) for key, kind in kinds.items() if key in self._values}

    def finish(self) -> None:
        """Raises AssignmentError for the first key that was not read."""
        for key in self._values:
            if key not in self._asked:
                known = ", ".join(sorted(set(self._asked)))
                raise self.error(f'the key "{key}" is unknown here', f"Known keys: {known}")

    def error(self, message: str, remedy: str) -> AssignmentError:
        """An AssignmentError at this table's place."""
        return AssignmentError(message, file=self.file, place=self.place, remedy=remedy)


def _shown(value: Any) -> str:
    """The value as an error names it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
