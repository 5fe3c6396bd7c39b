"""Gaps of the skeleton that were left: `x = ...`, or `x = None` and empty functions that a crash goes back to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.checks.sections import section
from grader.evidence.values import Evidence, Place, RunError

# With gaps in more questions than this little was filled in: then they explain all that is missing.
FEW = 3
QUESTIONS = ("1", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3", "4", "accuracy")


@dataclass(frozen=True)
class Gap:
    """A gap, and the question that it belongs to, None where nothing tells."""

    place: Place
    question: str | None


def find_gaps(sources: Mapping[tuple[str, int | None], str], evidence: Evidence) -> tuple[Gap, ...]:
    """The gaps in all `sources`, by (file, cell)."""
    of_none = [error for error in evidence.errors if "NoneType" in error.text]
    used = {name for error in of_none for name in _names_at(error, sources)}
    found = []
    for (file, cell), source in sources.items():
        if not of_none and "..." not in source:
            continue  # without an error on a None only `...` is a gap, and most sources need not be parsed
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        failed = any(error.cell == cell for error in of_none)
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.Expr, ast.FunctionDef)) and _is_gap(node, used, failed):
                found.append(Gap(Place(file, cell, node.lineno), section(source, node.lineno)))
    return tuple(found)


def unanswered(gaps: Sequence[Gap]) -> frozenset[str]:
    """The questions that have gaps; all of them where only little was filled in."""
    questions = {gap.question for gap in gaps}
    known = frozenset(question for question in questions if question is not None)
    return known if len(questions) <= FEW and (known or not questions) else frozenset(QUESTIONS)


def _is_gap(node: ast.Assign | ast.Expr | ast.FunctionDef, used: set[str], failed: bool) -> bool:
    """`used` are the names in lines that failed on a None; `failed` says whether such a line is in this cell."""
    if isinstance(node, ast.FunctionDef):
        return node.name in used and all(isinstance(part, ast.Pass) or _is_text(part) for part in node.body)
    if not isinstance(node.value, ast.Constant):
        return False
    if node.value.value is Ellipsis:
        return True
    if node.value.value is not None or isinstance(node, ast.Expr):
        return False
    return failed or any(name in used for target in node.targets for name in _named(target))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _named(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _names_at(error: RunError, sources: Mapping[tuple[str, int | None], str]) -> list[str]:
    """The identifiers in the line at which `error` was raised."""
    place = error.place
    lines = sources.get((place.file, place.cell), "").splitlines() if place is not None else []
    return re.findall(r"[^\W\d]\w*", lines[place.line - 1]) if place and 0 < place.line <= len(lines) else []
