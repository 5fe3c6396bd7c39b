"""The line of code that a finding points at, with its neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.report.text import source_line
from grader.score import Where

_CONTEXT_LINES = 2
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class SourceLine:
    """One line of code; `number` is None where the line is known but its surroundings are not."""

    number: int | None
    text: str
    marked: bool


def excerpt(where: Where, cells: Sequence[tuple[int, str]]) -> tuple[SourceLine, ...]:
    """Return the line at `where` with two lines on either side, from `cells` (number, source).

    Without the cell, or where the cell does not hold that line of text (a module of several files), only the line
    itself; nothing where no source is known. Lines end as Python's own do.
    """
    alone = (SourceLine(where.line, source_line(where.source), True),) if where.source else ()
    source = _cell_source(where, cells)
    if source is None or where.line is None:
        return alone
    lines = _LINE_END.split(source)
    index = where.line - 1
    if not 0 <= index < len(lines) or (where.source and lines[index].strip() != where.source.strip()):
        return alone
    first, last = max(index - _CONTEXT_LINES, 0), min(index + _CONTEXT_LINES, len(lines) - 1)
    shown = [SourceLine(at + 1, source_line(lines[at]), at == index) for at in range(first, last + 1)]
    return _dedent(_trim(shown))


def _cell_source(where: Where, cells: Sequence[tuple[int, str]]) -> str | None:
    if where.cell is None:
        return cells[0][1] if len(cells) == 1 and where.source else None
    return dict(cells).get(where.cell)


def _trim(lines: list[SourceLine]) -> list[SourceLine]:
    """Drop blank lines at both ends."""
    kept = [at for at, line in enumerate(lines) if line.text.strip() or line.marked]
    return lines[kept[0] : kept[-1] + 1]


def _dedent(lines: list[SourceLine]) -> tuple[SourceLine, ...]:
    """Take the common indentation away: what matters in five lines is how they stand to each other."""
    indent = min((len(line.text) - len(line.text.lstrip()) for line in lines if line.text.strip()), default=0)
    return tuple(SourceLine(line.number, line.text[indent:], line.marked) for line in lines)
