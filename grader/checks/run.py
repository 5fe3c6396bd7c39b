"""Findings about the run itself: failed cells, limits, shadowed files. They cost nothing themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from grader.checks.case import quote
from grader.checks.catalogue import find_kind
from grader.checks.result import Confidence, Finding, Where
from grader.evidence.values import Evidence, Place, RunError

_LIMITS = {"wall": "run.timeout", "memory": "run.out-of-memory"}
_NETWORK = (
    "urlopen error",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "Connection refused",
    "Max retries exceeded",
)


def run_findings(
    evidence: Evidence,
    sources: Mapping[tuple[str, int | None], str],
    entry: str,
    limit: str | None,
    message: str,
    killed: bool,
    shadowed: Sequence[str],
) -> tuple[Finding, ...]:
    """`limit` names the limit that struck, `message` tells of it; `killed` says that the program died by itself."""
    return (
        *_errors(evidence, sources, entry),
        *placeholders(sources, evidence),
        *_end(evidence, limit, message, killed, entry),
        *(
            _finding("run.shadowed-module", f"{name} was not used: the grader's own stands in its place")
            for name in shadowed
        ),
        *_network(evidence),
    )


def _finding(name: str, message: str, where: Where | None = None, confidence: Confidence = "observed") -> Finding:
    kind = find_kind(name)
    return Finding(name, kind.question, kind.severity, confidence, message, where)


def _errors(evidence: Evidence, sources: Mapping[tuple[str, int | None], str], entry: str) -> Iterator[Finding]:
    for error in evidence.errors:
        place = error.place or Place(entry, error.cell if (entry, error.cell) in sources else None, 1)
        text = f"{error.type}: {error.text}" if error.text else error.type
        yield _finding(error_kind(error), text, quote(place, sources), "proved")


def error_kind(error: RunError) -> str:
    """The finding that names an error."""
    if error.type in ("SyntaxError", "IndentationError", "TabError"):
        return "run.syntax-error"
    return "run.undefined-name" if error.type in ("NameError", "UnboundLocalError") else "run.cell-error"


def placeholders(sources: Mapping[tuple[str, int | None], str], evidence: Evidence) -> Iterator[Finding]:
    """Gaps of the skeleton that were left: `x = ...`, a lone `...`, or `x = None` in a program that then fails."""
    failed = {error.cell for error in evidence.errors}
    for (file, cell), source in sources.items():
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            value = node.value if isinstance(node, (ast.Assign, ast.Expr)) else None
            gap = isinstance(value, ast.Constant) and (
                value.value is Ellipsis or (value.value is None and isinstance(node, ast.Assign) and cell in failed)
            )
            if gap and isinstance(node, ast.stmt):
                yield _finding(
                    "run.placeholder", "a gap of the skeleton is left", quote(Place(file, cell, node.lineno), sources)
                )
                break


def _end(evidence: Evidence, limit: str | None, message: str, killed: bool, entry: str) -> Iterator[Finding]:
    where = None if evidence.started_cell is None else Where(entry, evidence.started_cell, None, None)
    if limit is not None:
        yield _finding(_LIMITS.get(limit, "run.killed"), message, where, "proved")
    elif killed:
        yield _finding("run.killed", message, where, "proved")


def _network(evidence: Evidence) -> Iterator[Finding]:
    if any(sign in error.text for error in evidence.errors for sign in _NETWORK) or any(
        sign in evidence.output for sign in _NETWORK
    ):
        yield _finding("run.network-attempt", "the program tried to reach the network, which the sandbox does not have")
