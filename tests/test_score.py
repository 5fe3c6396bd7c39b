"""Rubric arithmetic: points add up, never above a maximum; what was not assessed is listed and counts for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks.case import Verdict
from grader.checks.result import Finding, Where
from grader.checks.table import run_checks
from grader.score import collect_findings, review_reasons, score_questions
from tests.checks.cases import BLANK, BROKEN, RIGHT, rubric

VERDICTS = run_checks(RIGHT, rubric())
WHERE = Where("main.py", None, 3, "x = 1")


def finding(name: str = "layer.stride", severity: str = "fault", where: Where | None = None) -> Finding:
    return Finding(name, "2.1", severity, "proved", "the stride is 1, not 2", where)  # type: ignore[arg-type]


def changed(index: int, **changes: object) -> list[Verdict]:
    """The verdicts of a right submission with one result changed."""
    made = list(VERDICTS)
    made[index] = Verdict(replace(made[index].result, **changes))
    return made


def test_full_marks() -> None:
    """A right submission gets the rubric's 50 points, each question its own."""
    scored = score_questions(rubric(), VERDICTS)
    assert sum(q.score for q in scored) == rubric().max_score == 50
    assert [(q.id, q.score) for q in scored] == [(q.id, q.max_score) for q in rubric().questions]
    assert [c.id for q in scored for c in q.checks] == [v.result.id for v in VERDICTS]


def test_nothing() -> None:
    """A submission that has nothing gets nothing."""
    assert sum(q.score for q in score_questions(rubric(), run_checks(BLANK, rubric()))) == 0


def test_not_assessed_counts_nothing() -> None:
    """A check without a verdict adds no points, keeps the maximum, and is named for a person to look at."""
    verdicts = changed(0, outcome="not_assessed", points=None, message="the run was cut off")
    first = score_questions(rubric(), verdicts)[0]
    assert (first.score, first.max_score) == (1, 4)
    assert review_reasons(verdicts, ()) == ("data.loaded: the run was cut off",)


def test_part_of_the_points() -> None:
    """Parts of points are kept to four digits."""
    (first, *_) = score_questions(rubric(), changed(0, outcome="partly", points=1.23456789))
    assert first.score == 2.2346


@given(st.lists(st.floats(0, 1e6), min_size=len(VERDICTS), max_size=len(VERDICTS)))
def test_never_above_the_maximum(points: list[float]) -> None:
    """Whatever checks say, no question and no grade exceeds its maximum."""
    verdicts = [Verdict(replace(v.result, points=p)) for v, p in zip(VERDICTS, points, strict=True)]
    scored = score_questions(rubric(), verdicts)
    assert all(0 <= q.score <= q.max_score for q in scored)
    assert sum(q.score for q in scored) <= rubric().max_score


def test_order_of_verdicts_does_not_matter() -> None:
    """Results are found by their check's id."""
    assert score_questions(rubric(), VERDICTS[::-1]) == score_questions(rubric(), VERDICTS)


def test_missing_verdict() -> None:
    """A check that nobody judged is an error of the grader, not a zero."""
    with pytest.raises(KeyError):
        score_questions(rubric(), VERDICTS[1:])


def test_findings_once_and_faults_first() -> None:
    """The same finding at the same place is listed once; faults come before warnings and notes."""
    note, warning, fault = finding("a", "note"), finding("b", "warning"), finding("c", "fault")
    verdicts = [Verdict(VERDICTS[0].result, (note, warning)), Verdict(VERDICTS[1].result, (note, fault))]
    loaded, shown = VERDICTS[0].result.id, VERDICTS[1].result.id
    assert collect_findings(verdicts, [warning]) == (
        replace(fault, checks=(shown,)),
        replace(warning, checks=(loaded,)),
        replace(note, checks=(loaded, shown)),
    )


def test_same_finding_elsewhere() -> None:
    """The same finding at another place is another one."""
    verdicts = [Verdict(VERDICTS[0].result, (finding(), finding(where=WHERE)))]
    assert len(collect_findings(verdicts, ())) == 2


def test_finding_of_a_check_stands_before_the_same_of_the_run() -> None:
    """Of two that are alike, the one that costs marks stays."""
    costly, plain = finding(), replace(finding(), message="by the way")
    (left,) = collect_findings([Verdict(VERDICTS[0].result, (costly,))], [plain])
    assert left == replace(costly, checks=(VERDICTS[0].result.id,))


def test_review() -> None:
    """What could not be assessed, and what looks too good, is for a person."""
    verdicts = run_checks(BROKEN, rubric())
    reasons = review_reasons(verdicts, (finding("accuracy.suspicious", "warning"), finding()))
    assert len(reasons) == sum(v.result.outcome == "not_assessed" for v in verdicts) + 1
    assert reasons[-1].startswith("accuracy.suspicious")
