"""The small tree of errors that the grader raises on purpose.

Each carries what a person needs: the file, the place in it, and the remedy. Only the command line
prints them; everything else lets them pass.
"""

from __future__ import annotations


class GraderError(Exception):
    """Root of every deliberate error; `exit_code` is what the command line ends with."""

    exit_code = 4

    def __init__(self, message: str, *, file: str | None = None, place: str | None = None, remedy: str | None = None):
        super().__init__(message)
        self.message = message
        self.file = file
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.file, self.place) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}. {self.remedy}" if self.remedy else text


class UsageError(GraderError):
    """The command cannot be carried out as it was given (wrong path, unwritable folder)."""

    exit_code = 2


class AssignmentError(GraderError):
    """The assignment folder (rubric, reference model, baselines) is not usable."""

    exit_code = 2


class DataError(GraderError):
    """The data set is missing or is not what its name says."""

    exit_code = 2


class SubmissionRejected(GraderError):
    """This submission cannot be graded at all; its report says why."""

    exit_code = 3


class IsolationError(GraderError):
    """The machine cannot give the isolation that was asked for."""

    exit_code = 4


class EvidenceError(GraderError):
    """What came out of the sandbox is not valid evidence (truncated, malformed, over a cap)."""

    exit_code = 3
