"""Figures about a class: scores, questions, findings, accuracies. Everything is computed from its entries.

Entries are passed through one at a time, and what is kept of each is a few numbers; a class points to them by position.
"""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from grader.report.classroom.entries import Entry, QuestionEntry
from grader.score import Severity

LEAST_FOR_CORRELATION = 10
"""Discrimination is not told for fewer submissions: it would be chance."""

_MANY = 60
_WIDESPREAD = 0.9


@dataclass(frozen=True)
class Scores:
    """Of the submissions that have a score; `spread` is the standard deviation, None for a single one."""

    count: int
    mean: float
    median: float
    spread: float | None
    lower_quartile: float
    upper_quartile: float


@dataclass(frozen=True)
class Bin:
    """Scores from `low` (included) to `high` (left out, but for the last bin)."""

    low: float
    high: float
    count: int
    last: bool


@dataclass(frozen=True)
class QuestionFigures:
    """`mean` is in points; `ease` the mean share of the assessed points; `discrimination` the correlation of that share
    with the score on all other questions. None where it cannot be told."""

    id: str
    title: str
    max_score: float
    mean: float
    ease: float | None
    discrimination: float | None
    full: int
    none: int
    open: int


@dataclass(frozen=True)
class Commonness:
    """A kind of finding, and the positions of the entries that have it."""

    id: str
    severity: Severity
    entries: Sequence[int]


@dataclass(frozen=True)
class Review:
    """One kind of reason to look, with the positions of the entries that have it; `widespread` ones concern the class,
    not a student."""

    kind: str
    entries: Sequence[int]
    widespread: bool


def scores(entries: Iterable[Entry]) -> Scores | None:
    """None where nothing was scored."""
    values = sorted(entry.score for entry in entries if entry.scored)
    if not values:
        return None
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Scores(
        count=len(values),
        mean=statistics.fmean(values),
        median=quartiles[1],
        spread=statistics.stdev(values) if len(values) > 1 else None,
        lower_quartile=quartiles[0],
        upper_quartile=quartiles[2],
    )


def distribution(entries: Iterable[Entry]) -> tuple[Bin, ...]:
    """The scores in bins of equal width from 0 to the highest maximum."""
    values, most = array("d"), 0.0
    for entry in entries:
        if entry.scored:
            values.append(entry.score)
            most = max(most, entry.max_score)
    if not values:
        return ()
    bins = 20 if len(values) >= _MANY else 10
    width = most / bins
    counts = [0] * bins
    for value in values:
        counts[min(max(int(value / width + 1e-9), 0), bins - 1)] += 1
    return tuple(Bin(at * width, (at + 1) * width, count, at == bins - 1) for at, count in enumerate(counts))


@dataclass
class _Answers:
    """What the class has of one question: points, and of the assessed answers the share and the score on all others."""

    title: str
    max_score: float = 0.0
    points: array[float] = field(default_factory=lambda: array("d"))
    shares: array[float] = field(default_factory=lambda: array("d"))
    others: array[float] = field(default_factory=lambda: array("d"))
    full: int = 0
    none: int = 0

    def add(self, answer: QuestionEntry, score: float) -> None:
        self.max_score = max(self.max_score, answer.max_score)
        self.points.append(answer.score)
        self.full += answer.score >= answer.max_score - 1e-9
        if answer.share is not None:
            self.shares.append(answer.share)
            self.others.append(score - answer.score)
            self.none += answer.score <= 1e-9


def questions(entries: Iterable[Entry]) -> tuple[QuestionFigures, ...]:
    """Every question that some submission has, in the order of the rubric."""
    answers: dict[str, _Answers] = {}
    for entry in entries:
        for question in entry.questions:
            answers.setdefault(question.id, _Answers(question.title)).add(question, entry.score)
    return tuple(_question(id_, found) for id_, found in answers.items())


def _question(id_: str, answers: _Answers) -> QuestionFigures:
    return QuestionFigures(
        id=id_,
        title=answers.title,
        max_score=answers.max_score,
        mean=statistics.fmean(answers.points),
        ease=statistics.fmean(answers.shares) if answers.shares else None,
        discrimination=_correlation(answers.shares, answers.others),
        full=answers.full,
        none=answers.none,
        open=len(answers.points) - len(answers.shares),
    )


def _correlation(own: Sequence[float], rest: Sequence[float]) -> float | None:
    if len(own) < LEAST_FOR_CORRELATION or min(own) == max(own) or min(rest) == max(rest):
        return None
    return statistics.correlation(own, rest)


def findings(entries: Iterable[Entry]) -> tuple[Commonness, ...]:
    """Every kind of finding, the most common first."""
    found: dict[str, array[int]] = {}
    severities: dict[str, Severity] = {}
    for at, entry in enumerate(entries):
        for finding in entry.findings:
            found.setdefault(finding.id, array("L")).append(at)
            if severities.setdefault(finding.id, finding.severity) != "fault":
                severities[finding.id] = finding.severity
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Commonness(id_, severities[id_], having) for id_, having in ranked)


def review(entries: Iterable[Entry]) -> tuple[Review, ...]:
    """The reasons to look, those that concern fewest last; what nearly all have in common comes at the end."""
    found: dict[str, array[int]] = {}
    count = 0
    for at, entry in enumerate(entries):
        count += 1
        for kind in dict.fromkeys(reason.kind for reason in entry.reasons):
            found.setdefault(kind, array("L")).append(at)
    most = max(_WIDESPREAD * count, 2)
    reviews = [Review(kind, having, len(having) > most) for kind, having in found.items()]
    return tuple(sorted(reviews, key=lambda review: (review.widespread, -len(review.entries), review.kind)))


def accuracy_places(entries: Iterable[Entry]) -> dict[str, int]:
    """How many measured accuracies lie `within`, `below`, `above` the band, and how many are `unknown`."""
    places = {"within": 0, "below": 0, "above": 0, "unknown": 0}
    for entry in entries:
        places[accuracy_place(entry)] += 1
    return places


def accuracy_place(entry: Entry) -> str:
    """Where one measured accuracy lies; `unknown` where it was not measured or has no reference."""
    if entry.measured is None or entry.band is None:
        return "unknown"
    low, high = entry.band
    return "below" if entry.measured < low else "above" if entry.measured > high else "within"
