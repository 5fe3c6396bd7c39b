"""What a check says: the values that travel from the checks to the score and the reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["met", "partly", "unmet", "not_assessed"]
Severity = Literal["fault", "warning", "note"]
Confidence = Literal["proved", "observed"]


@dataclass(frozen=True)
class Where:
    """A place in the student's work.

    `file` is relative to the submission; `cell` counts non-empty code cells from 1 (None in a module); `line` counts
    from 1 within the cell or file; `source` is that line's text.
    """

    file: str
    cell: int | None
    line: int | None
    source: str | None


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed, with its stable id (`loss.double-softmax`).

    `checks` are the ids of the checks that noticed it; empty for what was seen of the run as a whole.
    """

    id: str
    question: str
    severity: Severity
    confidence: Confidence
    message: str
    where: Where | None = None
    checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check of the rubric.

    `points` is None when the outcome is `not_assessed`; `message` then is the reason. `expected` and `observed` are
    short phrases in the student's terms; `hint` says what to read or try.
    """

    id: str
    question: str
    outcome: Outcome
    points: float | None
    max_points: float
    expected: str
    observed: str
    message: str = ""
    hint: str = ""
    finding: str | None = None
    where: Where | None = None
    confidence: Confidence = "observed"
