"""Compares what a grader said of a case with what is right, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from grader.score import Grade
from tests.corpus.cases import Case

ACCURACY = "accuracy"


@dataclass(frozen=True)
class Said:
    """What the grader said: questions that lost marks, those with a check that was not assessed, findings by
    severity, and each lost check with its reason, for the reader."""

    charged: frozenset[str]
    unassessed: frozenset[str]
    faults: frozenset[str]
    others: frozenset[str]
    reasons: tuple[str, ...]
    status: str


def said(grade: Grade) -> Said:
    """The comparable part of a grade."""
    checks = [(question.id, check) for question in grade.questions for check in question.checks]
    lost = [(q, c) for q, c in checks if c.outcome in ("partly", "unmet")]
    open_ = [(q, c) for q, c in checks if c.outcome == "not_assessed"]
    return Said(
        frozenset(q for q, _ in lost),
        frozenset(q for q, _ in open_),
        frozenset(f.id for f in grade.findings if f.severity == "fault"),
        frozenset(f.id for f in grade.findings if f.severity != "fault"),
        tuple(f"{c.id} {c.outcome} [{c.finding}] {c.message} | {c.observed}" for _, c in (*lost, *open_)),
        grade.status,
    )


@dataclass(frozen=True)
class Verdict:
    """How right the grader was about one case."""

    case: Case
    said: Said

    @property
    def wrongly_charged(self) -> frozenset[str]:
        """Questions that lost marks for nothing; a faulty program's accuracy is its own affair."""
        excused = set() if self.case.correct else {ACCURACY}
        return self.said.charged - set(self.case.questions) - excused

    @property
    def missed_questions(self) -> frozenset[str]:
        """Questions that should have lost marks."""
        return frozenset(self.case.questions) - self.said.charged

    @property
    def missed_findings(self) -> tuple[str, ...]:
        """What should have been said, whatever its severity."""
        every = self.said.faults | self.said.others
        return tuple(wanted for wanted in self.case.findings if not every & set(wanted.split("|")))

    @property
    def extra_faults(self) -> frozenset[str]:
        """Findings that cost marks and are not true of the case."""
        right = {name for wanted in self.case.findings for name in wanted.split("|")}
        excused = set() if self.case.correct else {"accuracy.below-reference"}
        return self.said.faults - right - excused

    @property
    def caught(self) -> bool:
        """Whether a faulty program lost marks, or what is wrong with it was named."""
        return not self.case.correct and bool(self.said.charged or len(self.missed_findings) < len(self.case.findings))

    @property
    def right(self) -> bool:
        """No question wrongly charged or missed, no finding missed."""
        return not (self.wrongly_charged or self.missed_questions or self.missed_findings)


@dataclass
class Count:
    """True and false alarms of one question or finding."""

    hits: int = 0
    misses: int = 0
    false: int = 0

    @property
    def recall(self) -> float | None:
        """Hits among what was there; None where nothing was."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None

    @property
    def precision(self) -> float | None:
        """Hits among what was said; None where nothing was."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None


def total(counts: Iterable[Count]) -> Count:
    """All `counts` as one."""
    made = Count()
    for count in counts:
        made.hits += count.hits
        made.misses += count.misses
        made.false += count.false
    return made


@dataclass
class Tally:
    """All counts over a corpus."""

    questions: dict[str, Count] = field(default_factory=dict)
    findings: dict[str, Count] = field(default_factory=dict)
    accused: list[Verdict] = field(default_factory=list)
    collateral: list[Verdict] = field(default_factory=list)
    unassessed: Counter[str] = field(default_factory=Counter)


def tally(verdicts: Sequence[Verdict]) -> Tally:
    """Counts `verdicts`."""
    made = Tally()
    for verdict in verdicts:
        for question in set(verdict.case.questions) | verdict.wrongly_charged:
            count = made.questions.setdefault(question, Count())
            count.hits += question in verdict.case.questions and question in verdict.said.charged
            count.misses += question in verdict.missed_questions
            count.false += question in verdict.wrongly_charged
        for wanted in verdict.case.findings:
            count = made.findings.setdefault(wanted.split("|")[0], Count())
            missed = wanted in verdict.missed_findings
            count.misses += missed
            count.hits += not missed
        for extra in verdict.extra_faults:
            made.findings.setdefault(extra, Count()).false += 1
        if verdict.wrongly_charged:
            (made.accused if verdict.case.correct else made.collateral).append(verdict)
        made.unassessed.update(verdict.said.unassessed - set(verdict.case.questions))
    return made
