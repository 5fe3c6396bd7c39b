"""Lateness by the assignment's policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from grader.assignment import load_assignment
from grader.errors import AssignmentError
from grader.gradebook.book import Late
from grader.score import Grade


def late_penalties(assignment: Path | None, times: Mapping[str, datetime]) -> Callable[[Grade], Late | None]:
    """What says of a grade how much its lateness costs, or None where the time of that submission is not known.

    Raises AssignmentError where the rubric has no policy.
    """
    rubric = load_assignment(assignment).rubric
    if rubric.late is None:
        raise AssignmentError(
            "the rubric says nothing about lateness",
            remedy="Add a table [late] with due and percent_per_day, or name the right --assignment",
        )
    policy = rubric.late

    def penalty(grade: Grade) -> Late | None:
        submitted = times.get(grade.submission.id)
        if submitted is None:
            return None
        return Late(*policy.penalty(submitted, grade.max_score), submitted.isoformat())

    return penalty
