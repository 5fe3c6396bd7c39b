"""The line of a file in which a place stands: in a notebook, that of its JSON text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grader.score import Where

_LARGEST = 20_000_000
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r"[^\s,\]}]+")


@dataclass(frozen=True)
class _Located:
    """A JSON string and where in the text it begins."""

    value: str
    at: int


def file_line(where: Where, text: str) -> int | None:
    """The line, from 1, of `where` in the file's own `text`; None where it cannot be told.

    The file is a module (`where.cell` is None) or a notebook of nbformat 3 or 4, however it is laid out.
    """
    if where.cell is None:
        return where.line
    if len(text) > _LARGEST:
        return None
    try:
        document, _ = _parse(text, 0)
        source = next((source for number, source in enumerate(_code(document), 1) if number == where.cell), None)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if source is None:
        return None
    wanted, seen = where.line or 1, 1
    for part in source:
        seen += part.value.count("\n")
        if seen >= wanted + part.value.endswith("\n"):
            return text.count("\n", 0, part.at) + 1
    return text.count("\n", 0, source[-1].at) + 1


def _code(document: Any) -> Iterator[list[_Located]]:
    """The sources of the code cells that are not empty, as the pieces that are stored."""
    sheets = document.get("worksheets", [document])
    for cell in (cell for sheet in sheets for cell in sheet["cells"]):
        if cell["cell_type"].value != "code":
            continue
        source = cell.get("source", cell.get("input"))
        parts = [source] if isinstance(source, _Located) else source
        if "".join(part.value for part in parts).strip():
            yield parts


def _parse(text: str, at: int) -> tuple[Any, int]:
    """The JSON value at `at`, strings as `_Located`, and where it ends."""
    at = _skip(text, at)
    if text[at] == '"':
        value, end = _DECODER.raw_decode(text, at)
        return _Located(value, at), end
    if text[at] in "[{":
        return _container(text, at)
    found = _PLAIN.match(text, at)
    if found is None:
        raise ValueError("no value")
    return None, found.end()


def _container(text: str, at: int) -> tuple[Any, int]:
    is_object, close = text[at] == "{", "}" if text[at] == "{" else "]"
    items: list[Any] = []
    keys: list[str] = []
    at = _skip(text, at + 1)
    while text[at] != close:
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            keys.append(key)
            at = _skip(text, at) + 1
        item, at = _parse(text, at)
        items.append(item)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return (dict(zip(keys, items, strict=True)) if is_object else items), at + 1


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
