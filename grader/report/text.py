"""Text for people: untrusted strings made harmless, places, numbers and shapes in words.

Everything that a student can influence (names, source lines, messages) is untrusted. `clean` takes out what could act
on a reader's screen; each format then escapes its own syntax.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

from grader.score import Where

SOURCE_LIMIT = 300
"""Longest source line that is shown, in characters."""

TEXT_LIMIT = 600
"""Longest phrase or message that is shown, in characters."""

_INPUT_LIMIT = 200_000
_COMBINING_LIMIT = 3
_LARGEST_WRITTEN_OUT = 1e9

# The bodies stop at any control character, so that a sequence which never ends costs no time and hides no text.
_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)


def clean(text: str, limit: int | None = TEXT_LIMIT) -> str:
    """Return `text` as one line without terminal sequences, control, bidi and invisible characters.

    White space of any kind becomes a space, stacked accents are thinned, and what exceeds `limit` characters is cut
    with a note of how much is missing.
    """
    text = text[:_INPUT_LIMIT]
    if not (text.isascii() and text.isprintable()):
        text = _ESCAPE_SEQUENCE.sub("", text.expandtabs(4))
        text = "".join(_printable(text))
    return text if limit is None else clip(text, limit)


def _printable(text: str) -> list[str]:
    kept: list[str] = []
    combining = 0
    for character in text:
        combining = combining + 1 if unicodedata.combining(character) else 0
        if combining > _COMBINING_LIMIT:
            continue
        if character.isprintable():
            kept.append(character)
        elif character.isspace():
            kept.append(" ")
    return kept


def clip(text: str, limit: int) -> str:
    """Cut `text` after `limit` characters and say how many were left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()} … ({len(text) - limit:,} more characters)"


def source_line(text: str, limit: int = SOURCE_LIMIT) -> str:
    """One line of code, harmless and at most `limit` characters long; its indentation is kept."""
    return clean(text.rstrip(), limit)


def where_text(where: Where) -> str:
    """Name a place: `cell 5, line 12` in a notebook, `main.py, line 40` in a module."""
    place = clean(where.file, 80) if where.cell is None else f"cell {where.cell}"
    return place if where.line is None else f"{place}, line {where.line}"


def number(value: float | None, digits: int = 2) -> str:
    """`value` with at most `digits` decimals and no trailing zeros; a dash where it is unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= _LARGEST_WRITTEN_OUT:
        return f"{value:.3g}"
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction of 1 as a percentage; a dash where it is unknown."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    return f"{100 * fraction:.{0 if fraction in (0, 1) else digits}f}%"


def seconds(value: float) -> str:
    """A duration in seconds for people: `6.1 s`, `2 min 05 s`, `10 min`."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"


def shape_text(shape: Sequence[int]) -> str:
    """A shape as the practical writes it: `11×11×10`."""
    return "×".join(str(side) for side in shape)


def plural(count: int, noun: str) -> str:
    """`1 image`, `2,029 images`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
