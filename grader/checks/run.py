"""Findings about the run itself: failed cells, limits, shadowed files. They cost nothing themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.checks.case import quote
from grader.checks.catalogue import find_kind
from grader.checks.gaps import Gap
from grader.checks.result import Confidence, Finding, Where
from grader.evidence.values import Evidence, Place, RunError

_LIMITS = {"wall": "run.timeout", "memory": "run.out-of-memory"}
GAP = "a gap of the skeleton is left"
_NETWORK = (
    "urlopen error",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "Connection refused",
    "Max retries exceeded",
    # pip's own words, if it has no index or no certificates to reach one with
    "No matching distribution found",
    "Could not find a suitable TLS CA certificate bundle",
)


def run_findings(
    evidence: Evidence,
    sources: Mapping[tuple[str, int | None], str],
    entry: str,
    limit: str | None,
    message: str,
    killed: bool,
    shadowed: Sequence[str],
    gaps: Sequence[Gap],
) -> tuple[Finding, ...]:
    """`limit` names the limit that struck, `message` tells of it; `killed` says that the program died by itself."""
    return (
        *_errors(evidence, sources, entry),
        *_placeholders(sources, gaps),
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
    for error in _own_errors(evidence.errors):
        place = error.place or Place(entry, error.cell if (entry, error.cell) in sources else None, 1)
        text = f"{error.type}: {error.text}" if error.text else error.type
        yield _finding(error_kind(error), text, quote(place, sources), "proved")


def _own_errors(errors: Sequence[RunError]) -> Iterator[RunError]:
    """Those that are the program's. What follows on one that is the sandbox's may be its echo, unless it is syntax."""
    excused = False
    for error in errors:
        excused = excused or error.no_shared_memory
        if not excused or error_kind(error) == "run.syntax-error":
            yield error


def error_kind(error: RunError) -> str:
    """The finding that names an error."""
    if error.type in ("SyntaxError", "IndentationError", "TabError"):
        return "run.syntax-error"
    return "run.undefined-name" if error.type in ("NameError", "UnboundLocalError") else "run.cell-error"


def _placeholders(sources: Mapping[tuple[str, int | None], str], gaps: Sequence[Gap]) -> Iterator[Finding]:
    """The first gap of each cell or file."""
    told: set[tuple[str, int | None]] = set()
    for gap in gaps:
        if (gap.place.file, gap.place.cell) not in told:
            told.add((gap.place.file, gap.place.cell))
            yield _finding("run.placeholder", GAP, quote(gap.place, sources))


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
