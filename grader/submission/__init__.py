"""Intake: from a path that a teacher names to submissions in one plain, bounded, normalised form.

Nothing of a student's is imported, unpickled or executed here, and nothing is read before its size
is known. Whatever cannot be graded ends in one error that names the file, the place and the remedy.
"""

from __future__ import annotations

from grader.submission.candidates import find_candidates
from grader.submission.loading import content_hash, load_submission
from grader.submission.platforms import RULES
from grader.submission.roster import Directory, Student, match, read_roster
from grader.submission.values import Candidate, Submission

__all__ = [
    "RULES",
    "Candidate",
    "Directory",
    "Student",
    "Submission",
    "content_hash",
    "find_candidates",
    "load_submission",
    "match",
    "read_roster",
]
