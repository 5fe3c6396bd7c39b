"""What the teacher's page keeps of each grade: little, so that a class of a thousand fits in memory and on a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from grader.report import facts
from grader.score import Grade, Severity, Status
from grader.score.alike import AlikeGroup


@dataclass(frozen=True)
class QuestionEntry:
    """One question of one grade; `open_points` belong to checks that were not assessed."""

    id: str
    title: str
    score: float
    max_score: float
    open_points: float

    @property
    def share(self) -> float | None:
        """The share of the assessed points that was reached; None where nothing was assessed."""
        assessed = self.max_score - self.open_points
        return self.score / assessed if assessed > 1e-9 else None


@dataclass(frozen=True)
class FindingEntry:
    """A kind of finding in one grade; `anchor` is where its report tells of it."""

    id: str
    severity: Severity
    anchor: str


@dataclass(frozen=True)
class Reason:
    """Why a person should look: `kind` is common to many submissions, `text` is of this one."""

    kind: str
    text: str


@dataclass(frozen=True)
class Entry:
    """One submission of the class. Accuracies are fractions of 1."""

    id: str
    status: Status
    scored: bool
    score: float
    max_score: float
    questions: tuple[QuestionEntry, ...]
    findings: tuple[FindingEntry, ...]
    reasons: tuple[Reason, ...]
    measured: float | None
    band: tuple[float, float] | None
    dataset: str
    rubric: str

    @property
    def share(self) -> float:
        """The score as a share of the maximum."""
        return self.score / self.max_score if self.max_score else 0.0

    def anchor(self, finding: str) -> str:
        """Where the report tells of a finding that the submission has."""
        return next(found.anchor for found in self.findings if found.id == finding)


@dataclass(frozen=True)
class Classroom:
    """A class: its assignment's title, its submissions in the order of their ids, and those that are alike."""

    title: str
    entries: Sequence[Entry]
    alike: tuple[AlikeGroup, ...] = ()
    anonymous: bool = False


def report_href(id_: str) -> str:
    """The way from the page to the report of a submission, which lies in the folder named by its id."""
    return f"{quote(id_, safe='')}/report.html"


def entry(grade: Grade) -> Entry:
    """Everything that the teacher's page needs of one grade."""
    return Entry(
        id=grade.submission.id,
        status=grade.status,
        scored=facts.is_scored(grade),
        score=grade.score,
        max_score=grade.max_score,
        questions=tuple(
            QuestionEntry(q.id, q.title, q.score, q.max_score, facts.open_points((q,))) for q in grade.questions
        ),
        findings=tuple(_findings(grade)),
        reasons=tuple(_reasons(grade)),
        measured=grade.accuracy.measured,
        band=grade.accuracy.band,
        dataset=facts.dataset_text(grade),
        rubric=grade.assignment.rubric_sha256,
    )


def _findings(grade: Grade) -> Iterable[FindingEntry]:
    """Each kind once; those that cost marks lead to the lost mark."""
    anchors = {mark.check.finding: f"lost-{at}" for at, mark in enumerate(facts.lost_marks(grade), start=1)}
    found = {finding.id: finding for finding in reversed(grade.findings)}
    for finding in reversed(found.values()):
        anchor = anchors.get(finding.id, "findings")
        yield FindingEntry(finding.id, finding.severity, anchor)


def _reasons(grade: Grade) -> Iterable[Reason]:
    if grade.status != "graded":
        yield Reason(facts.STATUS_TITLES[grade.status], facts.explanation(grade))
    open_checks = facts.unassessed(grade.questions)
    if open_checks:
        names = ", ".join(check.id for check in open_checks)
        yield Reason("Checks that were not assessed", f"{names}: {open_checks[0].message}")
    told = tuple(check.id for check in open_checks)
    for reason in grade.review:
        if not reason.startswith(told) and reason != grade.message:
            yield Reason(_kind(reason), reason)


def _kind(reason: str) -> str:
    """What a reason has in common with those of other submissions: its words up to the first particular."""
    head = reason.partition(": ")[0] if reason.partition(": ")[2] else reason
    words = ["…" if any(character.isdigit() for character in word) else word for word in head.split()]
    return " ".join(words)
