"""Figures about a class: scores, questions, findings, accuracies. Everything is computed from its entries."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.report.classroom.entries import Entry, Reason
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
    """A kind of finding, and the entries that have it with the anchor of each."""

    id: str
    severity: Severity
    entries: tuple[tuple[Entry, str], ...]


@dataclass(frozen=True)
class Review:
    """One kind of reason to look, with the entries that have it; `widespread` ones concern the class, not a student."""

    kind: str
    entries: tuple[tuple[Entry, Reason], ...]
    widespread: bool


def scores(entries: Sequence[Entry]) -> Scores | None:
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


def distribution(entries: Sequence[Entry]) -> tuple[Bin, ...]:
    """The scores in bins of equal width from 0 to the highest maximum."""
    values = [entry.score for entry in entries if entry.scored]
    if not values:
        return ()
    most = max(entry.max_score for entry in entries if entry.scored)
    bins = 20 if len(values) >= _MANY else 10
    width = most / bins
    counts = [0] * bins
    for value in values:
        counts[min(max(int(value / width + 1e-9), 0), bins - 1)] += 1
    return tuple(Bin(at * width, (at + 1) * width, count, at == bins - 1) for at, count in enumerate(counts))


def questions(entries: Sequence[Entry]) -> tuple[QuestionFigures, ...]:
    """Every question that some submission has, in the order of the rubric."""
    order = {question.id: question.title for entry in entries for question in entry.questions}
    return tuple(_question(id_, title, entries) for id_, title in order.items())


def _question(id_: str, title: str, entries: Sequence[Entry]) -> QuestionFigures:
    answers = [(question, entry.score) for entry in entries for question in entry.questions if question.id == id_]
    judged = [(question.share, total - question.score) for question, total in answers if question.share is not None]
    shares = [share for share, _ in judged]
    return QuestionFigures(
        id=id_,
        title=title,
        max_score=max(question.max_score for question, _ in answers),
        mean=statistics.fmean(question.score for question, _ in answers),
        ease=statistics.fmean(shares) if shares else None,
        discrimination=_correlation(judged),
        full=sum(question.score >= question.max_score - 1e-9 for question, _ in answers),
        none=sum(question.score <= 1e-9 and question.share is not None for question, _ in answers),
        open=sum(question.share is None for question, _ in answers),
    )


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len(pairs) < LEAST_FOR_CORRELATION:
        return None
    own, rest = zip(*pairs, strict=True)
    if len(set(own)) == 1 or len(set(rest)) == 1:
        return None
    return statistics.correlation(own, rest)


def findings(entries: Iterable[Entry]) -> tuple[Commonness, ...]:
    """Every kind of finding, the most common first."""
    found: dict[str, list[tuple[Entry, str]]] = defaultdict(list)
    severities: dict[str, Severity] = {}
    for entry in entries:
        for finding in entry.findings:
            found[finding.id].append((entry, finding.anchor))
            if severities.setdefault(finding.id, finding.severity) != "fault":
                severities[finding.id] = finding.severity
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Commonness(id_, severities[id_], tuple(having)) for id_, having in ranked)


def review(entries: Sequence[Entry]) -> tuple[Review, ...]:
    """The reasons to look, those that concern fewest last; what nearly all have in common comes at the end."""
    found: dict[str, list[tuple[Entry, Reason]]] = defaultdict(list)
    for entry in entries:
        for reason in entry.reasons:
            found[reason.kind].append((entry, reason))
    most = max(_WIDESPREAD * len(entries), 2)
    reviews = [Review(kind, tuple(having), len({e.id for e, _ in having}) > most) for kind, having in found.items()]
    return tuple(sorted(reviews, key=lambda review: (review.widespread, -len(review.entries), review.kind)))


def accuracy_places(entries: Iterable[Entry]) -> dict[str, tuple[Entry, ...]]:
    """The entries by where their measured accuracy lies: `within`, `below`, `above` the band, or `unknown`."""
    places: dict[str, list[Entry]] = {"within": [], "below": [], "above": [], "unknown": []}
    for entry in entries:
        places[accuracy_place(entry)].append(entry)
    return {place: tuple(found) for place, found in places.items()}


def accuracy_place(entry: Entry) -> str:
    """Where one measured accuracy lies; `unknown` where it was not measured or has no reference."""
    if entry.measured is None or entry.band is None:
        return "unknown"
    low, high = entry.band
    return "below" if entry.measured < low else "above" if entry.measured > high else "within"
