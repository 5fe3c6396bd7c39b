"""A grade without its student's name, for marking blind and for showing to others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import PurePath
from typing import Any

from grader.score import Grade


def codes(grades: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Id -> code, from (id, SHA-256 of the content): numbered by content, so that the order of names does not show."""
    width = max(len(str(len(grades))), 2)
    ranked = sorted(grades, key=lambda pair: (pair[1], pair[0]))
    return {id_: f"submission-{at:0{width}d}" for at, (id_, _) in enumerate(ranked, start=1)}


def anonymise(grade: Grade, code: str) -> Grade:
    """`grade` with `code` for the submission's id and file name, wherever they stand as whole words.

    What students write about themselves in their code (a comment with a name) cannot be known, and stays.
    """
    names = {grade.submission.id, PurePath(grade.submission.path).stem, PurePath(grade.submission.path).name}
    longest_first = sorted((name for name in names if name), key=len, reverse=True)
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")
    submission = replace(grade.submission, id=code, path=code, sha256="")
    renamed: Grade = _renamed(grade, pattern, code)
    return replace(renamed, submission=submission)


def _renamed(value: Any, pattern: re.Pattern[str], code: str) -> Any:
    if isinstance(value, str):
        return pattern.sub(code, value)
    if isinstance(value, tuple):
        return tuple(_renamed(item, pattern, code) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: _renamed(getattr(value, field.name), pattern, code) for field in fields(value)}
        return replace(value, **changed)
    return value
