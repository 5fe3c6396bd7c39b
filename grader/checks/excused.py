"""A program that stopped for want of what the sandbox does not give: that is no mistake, and nothing is charged for it.

What it lacks may all be missing for that one reason, so a lost check is not assessed; what was seen to be right counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from grader.checks.case import NO_SHARED_MEMORY, Case, Verdict
from grader.evidence.values import Evidence, RunError


def excused(evidence: Evidence) -> RunError | None:
    """The first error that is the sandbox's doing."""
    return next((error for error in evidence.errors if error.no_shared_memory), None)


def excuse(case: Case, verdicts: Iterable[Verdict]) -> list[Verdict]:
    """`verdicts`, where the sandbox ended the program with the lost ones left to a person."""
    if excused(case.evidence) is None:
        return list(verdicts)
    return [_left_open(verdict) for verdict in verdicts]


def _left_open(verdict: Verdict) -> Verdict:
    result = verdict.result
    if result.outcome not in ("unmet", "partly"):
        return verdict
    message = f"{result.message or result.observed}, which is not charged: {NO_SHARED_MEMORY}"
    open_ = replace(result, outcome="not_assessed", points=None, message=message, hint="", finding=None, where=None)
    return Verdict(replace(open_, observed="not assessed"))
