"""Runs a student's program where it can do no harm, and tells how it ended.

`available_isolation` says what this machine gives, `run` stages, starts, limits, kills and reports.
"""

from __future__ import annotations

from grader.sandbox.group import who_holds_memory
from grader.sandbox.kept import examine_forks, keep_zygote, kept_zygote
from grader.sandbox.probe import APPARMOR_PROFILE, LEVELS, available_isolation, examine
from grader.sandbox.run import run
from grader.sandbox.values import Examined, Isolation, Level, Outcome, Reply, Status

__all__ = [
    "APPARMOR_PROFILE",
    "LEVELS",
    "Examined",
    "Isolation",
    "Level",
    "Outcome",
    "Reply",
    "Status",
    "available_isolation",
    "examine",
    "examine_forks",
    "keep_zygote",
    "kept_zygote",
    "run",
    "who_holds_memory",
]
