"""The README's table of what each level contains, written from what `make attack` saw."""

from __future__ import annotations

from tests.hostile.cases import LEVELS
from tests.hostile.rows import ROWS, TESTS, title
from tests.readme import Block

COLUMNS = tuple((level, user) for level in LEVELS for user in ("root", "ordinary"))
BLOCK = Block("<!-- attack suite: begin -->", "<!-- attack suite: end -->")
_seen: dict[tuple[int, str, str], str] = {}


def note(row: int, level: str, user: str, result: str) -> None:
    """Keeps what a case came to."""
    _seen[row, level, user] = result


def render() -> str:
    """The table, a row an attack."""
    head = [
        "| # | the submission ... | full | full, not root | forked | forked, not root | partial | partial, not root |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines = []
    for row in ROWS:
        if row in TESTS:
            cells = ["by tests" if TESTS[row][1] else "**not yet**"] * len(COLUMNS)
        else:
            cells = [_seen.get((row, *column), "**not run**") for column in COLUMNS]
        lines.append(f"| {row} | {title(row)} | {' | '.join(cells)} |")
    return "\n".join([*head, *lines])


def write() -> None:
    """Puts the table in its place in the README."""
    BLOCK.write(f"{render()}\n")
