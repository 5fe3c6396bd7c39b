"""What leaves the teacher's hands: grades for students and grades without names, made from stored ones."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from grader.assignment import load_assignment
from grader.pipeline.alike import Work, find_alike, work_of
from grader.score.anonymous import anonymise, codes
from grader.score.release import release

__all__ = ["Work", "anonymise", "codes", "find_alike", "release", "withheld_checks", "work_of"]


def withheld_checks(assignment: Path | None, at: datetime) -> frozenset[str]:
    """The ids of the checks that the assignment's rubric keeps from students at this moment (with its offset)."""
    return load_assignment(assignment).rubric.withheld(at)
