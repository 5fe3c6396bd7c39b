"""What a rubric asks, without grading anything."""

from __future__ import annotations

from pathlib import Path

from grader.assignment import load_assignment


def checks_of(assignment: Path | None) -> tuple[tuple[str, str], ...]:
    """Question and check ids of an assignment, in its order."""
    rubric = load_assignment(assignment).rubric
    return tuple((question.id, check.id) for question in rubric.questions for check in question.checks)
