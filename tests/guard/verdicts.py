"""What is guarded of a grade: status, outcome, points, finding and confidence of every check, and all findings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from grader.assignment import Assignment, load_assignment
from grader.pipeline.assemble import assemble
from grader.score import Grade
from tests.guard.archive import Stored

FILE = Path(__file__).resolve().parent / "verdicts.jsonl"
Verdict = Mapping[str, Any]


@cache
def assignment() -> Assignment:
    """The assignment that all stored programs answer."""
    return load_assignment(None)


def judge(program: Stored) -> Verdict:
    """Today's verdict on a stored program."""
    return verdict(assemble(program.unpacked(), assignment(), program.baseline))


def verdict(grade: Grade) -> Verdict:
    """The guarded part of a grade. A check that is met in full as proved is not listed."""
    checks = {}
    for check in (check for question in grade.questions for check in question.checks):
        points = None if check.points is None else f"{check.points:g}"
        parts = [check.outcome, points, check.finding, check.confidence]
        if parts != ["met", f"{check.max_points:g}", None, "proved"]:
            checks[check.id] = " ".join(part for part in parts if part is not None)
    found = sorted(f"{f.id} {f.question} {f.severity} {f.confidence}" for f in grade.findings)
    return {"status": grade.status, "score": f"{grade.score:g}", "checks": checks, "findings": found}


def write(verdicts: Mapping[str, Verdict]) -> None:
    """Stores verdicts by program, a line each."""
    lines = (json.dumps({"program": name, **verdicts[name]}, separators=(",", ":")) for name in sorted(verdicts))
    FILE.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read() -> dict[str, Verdict]:
    """The stored verdicts by program."""
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    return {row.pop("program"): row for row in rows}


def differences(name: str, before: Verdict | None, now: Verdict | None) -> Iterator[str]:
    """What changed about one program, in words."""
    if before is None or now is None:
        yield f"{name}: {'is new' if before is None else 'is gone'}"
        return
    for key in ("status", "score"):
        if before[key] != now[key]:
            yield f"{name}: {key} {before[key]} -> {now[key]}"
    for check in sorted({*before["checks"], *now["checks"]}):
        old, new = (part["checks"].get(check, "met, proved") for part in (before, now))
        if old != new:
            yield f"{name}: {check}: {old} -> {new}"
    for finding in sorted(set(before["findings"]) ^ set(now["findings"])):
        yield f"{name}: {'-' if finding in before['findings'] else '+'} {finding}"
