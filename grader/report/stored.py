"""`report.json` -> the `Grade` that it was written from, so that every report can be made from stored grades."""

from __future__ import annotations

from typing import Any

import msgspec

from grader.report.json_ import SCHEMA
from grader.score import Grade


class StoredGradeError(ValueError):
    """A text is not a report of this schema; the message says at which key."""


def read(text: str | bytes) -> Grade:
    """Return the grade that `json_.render` wrote as `text`; keys that are not known are passed over.

    What a report does not hold is empty: `cells`, the student's source.

    Raises:
        StoredGradeError: not JSON, another schema, a missing key, or a value of the wrong kind.
    """
    try:
        report = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise StoredGradeError(f"it is not JSON ({error})") from error
    schema = report.get("schema") if isinstance(report, dict) else None
    if schema != SCHEMA:
        raise StoredGradeError(f"its schema is {schema!r}, and not {SCHEMA!r}")
    for question in _list(report.get("questions"), "questions"):
        for check in _list(_table(question, "questions").get("checks"), "checks"):
            _table(check, "checks").setdefault("question", question.get("id"))
    try:
        return msgspec.convert(report, Grade)
    except msgspec.ValidationError as error:
        raise StoredGradeError(str(error).replace("`$", "`report")) from error


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise StoredGradeError(f"{place} is not a list")
    return value


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StoredGradeError(f"{place} is not an object")
    return value
