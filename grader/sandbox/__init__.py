"""Runs a student's program where it can do no harm, and tells how it ended.

`available_isolation` says what this machine gives, `run` stages, starts, limits, kills and reports.
"""

from __future__ import annotations

from grader.sandbox.probe import available_isolation
from grader.sandbox.run import run
from grader.sandbox.values import Isolation, Level, Outcome, Reply, Status

__all__ = ["Isolation", "Level", "Outcome", "Reply", "Status", "available_isolation", "run"]
