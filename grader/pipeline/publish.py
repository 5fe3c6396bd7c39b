"""What leaves the teacher's hands: grades for students and grades without names, made from stored ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from grader.assignment import load_assignment
from grader.pipeline.alike import Source, comparison, source_of
from grader.score.anonymous import anonymise, codes
from grader.score.release import release

__all__ = ["Source", "anonymise", "codes", "comparison", "release", "source_of", "visibilities", "withheld_checks"]


def withheld_checks(assignment: Path | None, at: datetime) -> frozenset[str]:
    """The ids of the checks that the assignment's rubric keeps from students at this moment (with its offset)."""
    return load_assignment(assignment).rubric.withheld(at)


def visibilities(assignment: Path | None) -> Mapping[str, str]:
    """When students may see the checks that the assignment's rubric does not show at once: `after_deadline` or
    `hidden`, by the check's id."""
    checks = (check for question in load_assignment(assignment).rubric.questions for check in question.checks)
    return {check.id: check.visibility for check in checks if check.visibility != "shown"}
