"""`report.json` -> the `Grade` that it was written from, so that every report can be made from stored grades."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

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
        report = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoredGradeError(f"it is not JSON ({error})") from error
    schema = report.get("schema") if isinstance(report, dict) else None
    if schema != SCHEMA:
        raise StoredGradeError(f"its schema is {schema!r}, and not {SCHEMA!r}")
    for question in _list(report.get("questions"), "questions"):
        for check in _list(_table(question, "questions").get("checks"), "checks"):
            _table(check, "checks").setdefault("question", question.get("id"))
    grade = _value(Grade, report, "report")
    assert isinstance(grade, Grade)
    return grade


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise StoredGradeError(f"{place} is not a list")
    return value


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StoredGradeError(f"{place} is not an object")
    return value


def _value(kind: Any, value: Any, place: str) -> Any:
    """`value` as `kind`: a dataclass, a tuple, a Literal, a union or a plain type."""
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind in (str, int, bool, NoneType):
        if type(value) is kind:
            return value
        raise _wrong(kind, place)
    if is_dataclass(kind):
        return _instance(kind, _table(value, place), place)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _tuple(arguments, _list(value, place), place)
    if origin is Mapping:
        return {key: _value(arguments[1], item, f"{place}.{key}") for key, item in _table(value, place).items()}
    if origin is Literal and value in arguments:
        return value
    if origin in (Union, UnionType):
        if value is None and NoneType in arguments:
            return None
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return _value(inner, value, place)
    raise _wrong(kind, place)


def _tuple(kinds: tuple[Any, ...], values: list[Any], place: str) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        return tuple(_value(kinds[0], value, place) for value in values)
    if len(kinds) != len(values):
        raise StoredGradeError(f"{place} has {len(values)} values and not {len(kinds)}")
    return tuple(_value(kind, value, place) for kind, value in zip(kinds, values, strict=True))


def _instance(kind: Any, values: Mapping[str, Any], place: str) -> Any:
    arguments = {}
    for name, hint, required in _fields(kind):
        if name in values:
            arguments[name] = _value(hint, values[name], f"{place}.{name}")
        elif required:
            raise StoredGradeError(f"{place}.{name} is missing")
    return kind(**arguments)


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Name, type and whether it has to be given, of each field of a dataclass."""
    hints = get_type_hints(kind)
    return tuple(
        (field.name, hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    )


def _wrong(kind: Any, place: str) -> StoredGradeError:
    wanted = " or ".join(map(str, get_args(kind))) if get_origin(kind) is Literal else getattr(kind, "__name__", kind)
    return StoredGradeError(f"{place} is not {wanted}")
