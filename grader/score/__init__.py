"""Rubric arithmetic: check results become question scores, and those a grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from grader.checks.result import CheckResult, Finding, Severity, Where

if TYPE_CHECKING:
    # Reports import this module, and need neither numpy nor what else the checks do.
    from grader.assignment import Rubric
    from grader.checks.case import Verdict

Status = Literal["graded", "rejected", "timed_out", "out_of_memory", "crashed", "invalid_evidence"]

__all__ = [
    "Accuracy",
    "AssignmentInfo",
    "CheckResult",
    "DatasetInfo",
    "EpochMetrics",
    "Finding",
    "Grade",
    "QuestionMark",
    "QuestionScore",
    "Reference",
    "RunInfo",
    "Severity",
    "Stage",
    "Standing",
    "Status",
    "SubmissionInfo",
    "Training",
    "Weights",
    "Where",
    "standing_of",
]


@dataclass(frozen=True)
class AssignmentInfo:
    id: str
    title: str
    rubric_sha256: str


@dataclass(frozen=True)
class SubmissionInfo:
    """`path` as the user gave it; `kind` is notebook, module, folder or archive; `sha256` of the content."""

    id: str
    path: str
    kind: str
    sha256: str


@dataclass(frozen=True)
class QuestionScore:
    id: str
    title: str
    score: float
    max_score: float
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True)
class Reference:
    """Test accuracy of the reference CNN over several seeds, as fractions of 1."""

    mean: float
    std: float
    runs: int


@dataclass(frozen=True)
class Accuracy:
    """Fractions of 1; None where unknown. `examples` is how many test images were judged.

    `confusion[i][j]` counts test images of class i that the model calls j; `interval` is the 95% binomial interval;
    `band` is (lowest, highest) of what counts as the reference's accuracy.
    """

    measured: float | None = None
    reported: float | None = None
    reference: Reference | None = None
    examples: int | None = None
    interval: tuple[float, float] | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    band: tuple[float, float] | None = None


@dataclass(frozen=True)
class EpochMetrics:
    """Losses are means per batch of the student's own loss; accuracies are fractions of 1; None where unknown."""

    train_loss: float | None = None
    train_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True)
class Training:
    """Learning curves and coverage; `*_seen` count distinct images, `*_examples` the size of the split."""

    epochs: tuple[EpochMetrics, ...] = ()
    reference_epochs: tuple[EpochMetrics, ...] = ()
    train_examples_seen: int | None = None
    train_examples: int | None = None
    test_examples_seen: int | None = None
    test_examples: int | None = None


@dataclass(frozen=True)
class DatasetInfo:
    """`train` and `test` are numbers of images; `sha256` identifies the data."""

    name: str
    train: int
    test: int
    sha256: str


@dataclass(frozen=True)
class RunInfo:
    """How the student's code was run. `isolation` is full, partial or none; `limit` says which limit ended the run, if
    any, and `limit_cell` in which cell (None for a module). `probes` says which attacks on this machine's sandbox came
    to nothing before the run; `cut_cells` are the cells whose output was longer than the limit allows.
    """

    isolation: str
    wall_s: float
    cpu_s: float
    peak_memory_mb: float
    seed: int
    cached: bool
    limit: str | None = None
    limit_cell: int | None = None
    probes: Mapping[str, bool] = field(default_factory=dict)
    cut_cells: tuple[int, ...] = ()


@dataclass(frozen=True)
class Stage:
    """One stage of the forward pass beside what was asked: `seen` is None where nothing was observed.

    Shapes are written without the batch dimension and channels last, as the practical does: (11, 11, 10).
    """

    name: str
    operation: str
    expected: tuple[int, ...]
    seen: tuple[int, ...] | None
    seen_operation: str | None = None


@dataclass(frozen=True)
class Weights:
    """SHA-256 of the graded model's parameters, as it was first run and as it was left at the end.

    Equal digests mean equal numbers, to the last bit. None where there is nothing to compare.
    """

    initial: str | None
    final: str | None


@dataclass(frozen=True)
class Grade:
    """Everything that a report shows about one submission.

    `withheld_points` are those of checks that a released report leaves out; they are not part of `max_score`.
    """

    assignment: AssignmentInfo
    submission: SubmissionInfo
    status: Status
    score: float
    max_score: float
    questions: tuple[QuestionScore, ...]
    findings: tuple[Finding, ...]
    accuracy: Accuracy
    training: Training
    dataset: DatasetInfo | None
    run: RunInfo | None
    review: tuple[str, ...] = ()
    message: str = ""
    stages: tuple[Stage, ...] = ()
    filters: tuple[tuple[tuple[float, ...], ...], ...] = field(default=())
    cells: tuple[tuple[int, str], ...] = ()
    weights: Weights | None = None
    withheld_points: float = 0.0


@dataclass(frozen=True)
class QuestionMark:
    """What a student has for one question: `automatic` points, unless a person gave other `points` and said why.

    `conflict` is not empty where the person decided on other grounds than those of the grade as it is now.
    """

    question: str
    title: str
    points: float
    max_points: float
    automatic: float
    because: str = ""
    by: str = ""
    conflict: str = ""

    @property
    def manual(self) -> bool:
        """Whether a person gave these points."""
        return bool(self.because)


@dataclass(frozen=True)
class Standing:
    """A grade as it stands for the student: with a person's marks and comments, and what lateness takes off."""

    grade: Grade
    marks: tuple[QuestionMark, ...]
    late_points: float = 0.0
    late_reason: str = ""
    attempt: int = 1
    comments: tuple[str, ...] = ()

    @property
    def before_penalty(self) -> float:
        """The points of all questions together."""
        return round(sum(mark.points for mark in self.marks), 4)

    @property
    def total(self) -> float:
        """What counts: never below 0."""
        return round(max(self.before_penalty - self.late_points, 0.0), 4)

    @property
    def scored(self) -> bool:
        """Whether there are marks at all: a rejected submission has none until a person gives some."""
        return bool(self.marks)


def standing_of(grade: Grade) -> Standing:
    """The grade as it stands where nobody has changed anything."""
    return Standing(grade, tuple(QuestionMark(q.id, q.title, q.score, q.max_score, q.score) for q in grade.questions))


def score_questions(rubric: Rubric, verdicts: Sequence[Verdict]) -> tuple[QuestionScore, ...]:
    """The verdicts by question; what was not assessed counts for nothing, and no question exceeds its maximum."""
    results = {verdict.result.id: verdict.result for verdict in verdicts}
    questions = []
    for question in rubric.questions:
        checks = tuple(results[spec.id] for spec in question.checks)
        score = min(sum(check.points or 0.0 for check in checks), question.max_score)
        questions.append(QuestionScore(question.id, question.title, round(score, 4), question.max_score, checks))
    return tuple(questions)


def collect_findings(verdicts: Sequence[Verdict], others: Sequence[Finding]) -> tuple[Finding, ...]:
    """Every finding once, faults first; one that costs marks stands before a note of the same kind."""
    seen: dict[tuple[str, object], Finding] = {}
    noticed = [(f, (verdict.result.id,)) for verdict in verdicts for f in verdict.findings]
    for finding, checks in (*noticed, *((f, ()) for f in others)):
        first = seen.get((finding.id, finding.where), finding)
        seen[finding.id, finding.where] = replace(first, checks=tuple(dict.fromkeys((*first.checks, *checks))))
    order = {"fault": 0, "warning": 1, "note": 2}
    return tuple(sorted(seen.values(), key=lambda finding: order[finding.severity]))


def review_reasons(verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> tuple[str, ...]:
    """Why a person should look: what could not be assessed, and what looks too good."""
    open_checks = [f"{v.result.id}: {v.result.message}" for v in verdicts if v.result.outcome == "not_assessed"]
    odd = [f"{f.id}: {f.message}" for f in findings if f.id in ("accuracy.suspicious",)]
    return (*open_checks, *odd)
