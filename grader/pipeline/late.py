"""Lateness by the assignment's policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from grader.assignment import load_assignment
from grader.errors import AssignmentError
from grader.gradebook.book import Late
from grader.score import Grade


def late_penalties(
    assignment: Path | None, grades: Mapping[str, Grade], times: Mapping[str, datetime]
) -> dict[str, Late]:
    """What each submission whose time is known loses, by its id.

    Raises AssignmentError where the rubric has no policy, or is another than the grades were given by.
    """
    rubric = load_assignment(assignment).rubric
    if rubric.late is None:
        raise AssignmentError(
            "the rubric says nothing about lateness",
            remedy="Add a table [late] with due and percent_per_day, or name the right --assignment",
        )
    found = {}
    for id_, submitted in times.items():
        if id_ not in grades:
            continue
        points, reason = rubric.late.penalty(submitted, grades[id_].max_score)
        found[id_] = Late(points, reason, submitted.isoformat())
    return found
