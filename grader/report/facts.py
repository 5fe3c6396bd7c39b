"""What every format says about a grade: which marks were lost, and the sentences on status, coverage and accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grader.report.text import number, percent, plural, seconds
from grader.score import Accuracy, CheckResult, Finding, Grade, QuestionScore, Reference, Stage, Training

STATUS_TITLES = {
    "graded": "Graded",
    "rejected": "Rejected",
    "timed_out": "Timed out",
    "out_of_memory": "Out of memory",
    "crashed": "Crashed",
    "invalid_evidence": "Invalid evidence",
}

STATUS_EXPLANATIONS = {
    "graded": "",
    "rejected": "The submission could not be run, so nothing was graded.",
    "timed_out": "The run was stopped at its time limit. What ran until then was graded.",
    "out_of_memory": "The run was stopped at its memory limit. What ran until then was graded.",
    "crashed": "The Jupyter kernel died during the run. What ran until then was graded.",
    "invalid_evidence": "What the run recorded is not valid, so it was not trusted.",
}

OUTCOME_TITLES = {"met": "Met", "partly": "Partly", "unmet": "Unmet", "not_assessed": "Not assessed"}
CONFIDENCE_TITLES = {"proved": "Proved: the grader recomputed it", "observed": "Observed during the run"}
OUTCOME_ICONS = {"met": "✓", "partly": "◐", "unmet": "✗", "not_assessed": "–"}


@dataclass(frozen=True)
class LostMark:
    """A check that cost points: `points` is what it cost, `question` and `title` where it belongs."""

    question: str
    title: str
    points: float
    check: CheckResult


def lost_marks(grade: Grade) -> tuple[LostMark, ...]:
    """The checks that cost points, in the order of the rubric."""
    return tuple(
        LostMark(question.id, question.title, check.max_points - check.points, check)
        for question in grade.questions
        for check in question.checks
        if check.points is not None and check.points < check.max_points
    )


def unassessed(questions: Sequence[QuestionScore]) -> tuple[CheckResult, ...]:
    """The checks that could not be judged, each with its reason as its message."""
    return tuple(check for question in questions for check in question.checks if check.outcome == "not_assessed")


def review_reasons(grade: Grade) -> tuple[str, ...]:
    """Why a person should look: the grade's own reasons, then any check not assessed that they leave out."""
    told = "\n".join(grade.review)
    missing = (
        f"{check.id} was not assessed: {check.message}".rstrip(": ")
        for check in unassessed(grade.questions)
        if check.id not in told
    )
    return (*grade.review, *missing)


def other_findings(grade: Grade) -> tuple[Finding, ...]:
    """The findings that no lost mark already tells."""
    told = {mark.check.finding for mark in lost_marks(grade)}
    return tuple(finding for finding in grade.findings if finding.id not in told)


def basis_text(check: CheckResult) -> str:
    """`proved: the grader recomputed it; grade explain layer.stride`; the command where the check has a finding."""
    title = CONFIDENCE_TITLES[check.confidence]
    return f"{title[0].lower()}{title[1:]}" + (f"; grade explain {check.finding}" if check.finding else "")


def is_scored(grade: Grade) -> bool:
    """Whether there is a score at all: a rejected submission has no questions, and no 0 of its own making."""
    return bool(grade.questions)


def score_text(grade: Grade) -> str:
    """`41.5 / 50`, or `not graded`."""
    return f"{number(grade.score)} / {number(grade.max_score)}" if is_scored(grade) else "not graded"


def score_percent(grade: Grade) -> str:
    """The score as a whole percentage of the maximum, rounded down: 100% is a full score and nothing else."""
    return f"{math.floor(100 * grade.score / grade.max_score + 1e-9)}%" if grade.max_score else "–"


def explanation(grade: Grade) -> str:
    """Why the grade is not an ordinary one; empty for a run that ended well and has no message."""
    return grade.message or STATUS_EXPLANATIONS[grade.status]


def question_name(id_: str, title: str) -> str:
    """`2.1 Define the layers`; the title alone where it begins with the id."""
    return title if title.lower().startswith(id_.lower()) else f"{id_} {title}"


def open_points(questions: Sequence[QuestionScore]) -> float:
    """How many points belong to checks that were not assessed."""
    return sum(check.max_points for check in unassessed(questions))


def open_text(grade: Grade) -> str:
    """`8 points not assessed`; empty where everything was judged."""
    points = open_points(grade.questions)
    return f"{_points(points)} not assessed" if points else ""


def withheld_text(grade: Grade) -> str:
    """`without 7 points that are not shown`; empty for a report that shows every check."""
    return f"without {_points(grade.withheld_points)} that are not shown" if grade.withheld_points else ""


def _points(points: float) -> str:
    return f"{number(points)} point{'' if points == 1 else 's'}"


def dataset_text(grade: Grade) -> str:
    """`offline digits (12,000 + 2,000 images)`."""
    if grade.dataset is None:
        return "no data set"
    return f"{grade.dataset.name} ({grade.dataset.train:,} + {grade.dataset.test:,} images)"


def run_text(grade: Grade) -> str:
    """`isolation full · 38.2 s`."""
    if grade.run is None:
        return "not run"
    cached = " · from stored evidence" if grade.run.cached else ""
    return f"isolation {grade.run.isolation} · {seconds(grade.run.wall_s)}{cached}"


def coverage_text(training: Training) -> str:
    """`Trained on 2,029 of 60,000 images, tested on 199 of 10,000`; empty where nothing was seen."""
    parts = [
        f"{verb} on {seen:,} of {plural(size, 'image')} ({percent(seen / size)})"
        for verb, seen, size in (
            ("trained", training.train_examples_seen, training.train_examples),
            ("tested", training.test_examples_seen, training.test_examples),
        )
        if seen is not None and size
    ]
    return ", ".join(parts).capitalize()


def accuracy_text(accuracy: Accuracy) -> str:
    """`Accuracy: reported 94.5%, measured 89.6%, reference 97.3% ± 0.2%`; empty where nothing is known."""
    parts = [
        f"{name} {percent(value)}"
        for name, value in (("reported", accuracy.reported), ("measured", accuracy.measured))
        if value is not None
    ]
    if accuracy.reference is not None:
        parts.append(f"reference {reference_text(accuracy.reference)}")
    return f"Accuracy: {', '.join(parts)}" if parts else ""


def reference_text(reference: Reference) -> str:
    """`97.3% ± 0.2%`: mean and standard deviation of the reference CNN."""
    return f"{percent(reference.mean)} ± {percent(reference.std)}"


def departs(stage: Stage) -> bool:
    """Whether a stage of the forward pass was seen and is not what was asked."""
    if stage.seen is None:
        return False
    return stage.seen != stage.expected or stage.seen_operation not in (None, stage.operation)
