"""A released report shows what the rubric lets a student see, and nothing tells of the rest."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from grader.report import html, json_, markdown
from grader.score import Accuracy, Finding, Grade, Weights
from grader.score.release import release
from tests.report.conftest import CHECKS, QUESTIONS, perfect
from tests.report.conftest import faulty as make_faulty

ALL = tuple(check[0] for check in CHECKS)
SECRET = "tell-tale"


def marked(hidden: str) -> Grade:
    """The faulty sample, in which every text of the check `hidden` and of its findings holds the word `SECRET`."""
    grade = make_faulty()
    questions = []
    for question in grade.questions:
        checks = tuple(
            replace(
                check,
                expected=f"{SECRET} 1",
                observed=f"{SECRET} 2",
                message=f"{SECRET} 3",
                hint=f"{SECRET} 4",
                where=None if check.where is None else replace(check.where, source=f"{SECRET} 5"),
            )
            if check.id == hidden
            else check
            for check in question.checks
        )
        questions.append(replace(question, checks=checks))
    theirs = {check.id: check for question in questions for check in question.checks}[hidden]
    findings = tuple(
        replace(f, message=f"{SECRET} 6", where=theirs.where, checks=(hidden,)) if f.id == theirs.finding else f
        for f in grade.findings
    )
    extra = Finding("layer.stride", "3.1", "note", "observed", f"{SECRET} 7", checks=(hidden,))
    return replace(
        grade, questions=tuple(questions), findings=(*findings, extra), review=(f"{hidden}: {SECRET} 8",),
        weights=Weights("a", "b"),
    )  # fmt: skip


@pytest.mark.parametrize("hidden", ALL)
def test_nothing_of_a_hidden_check_is_left(hidden: str) -> None:
    """Neither page, Markdown nor JSON holds the hidden check's id or any word of it or of its findings."""
    released = release(marked(hidden), {hidden})
    for text in (html.render(released), markdown.render(released), json_.render(released)):
        assert SECRET not in text
        assert hidden not in text
    assert released.review == ()
    assert released.weights is None


@pytest.mark.parametrize("hidden", ALL)
def test_totals_do_not_give_a_hidden_check_away(hidden: str) -> None:
    """Whether the hidden check was met or not, the released report is the same to the last character."""
    met, lost = perfect(), perfect()
    questions = tuple(
        replace(
            question,
            score=sum((0.0 if c.id == hidden else c.points or 0.0) for c in question.checks),
            checks=tuple(replace(c, points=0.0, outcome="unmet") if c.id == hidden else c for c in question.checks),
        )
        for question in lost.questions
    )
    lost = replace(lost, questions=questions, score=sum(question.score for question in questions))
    assert lost.score < met.score
    for render in (html.render, markdown.render, json_.render):
        assert render(release(lost, {hidden})) == render(release(met, {hidden}))


def test_the_total_says_what_it_leaves_out() -> None:
    """Score and maximum are of what is shown, and the page says how many points are not counted."""
    released = release(perfect(), {"accuracy.reference", "filters.trained"})
    assert (released.score, released.max_score, released.withheld_points) == (41.0, 41.0, 9.0)
    assert [q.id for q in released.questions] == [q for q in QUESTIONS if q != "accuracy"]
    assert "without 9 points that are not shown" in html.render(released)


def test_figures_go_with_the_check_that_they_would_tell() -> None:
    """Accuracy, curves, stages and filters are gone where a hidden check is about them, and stay where none is."""
    grade = perfect()
    without = release(grade, {"accuracy.reference"})
    assert without.accuracy == Accuracy()
    assert all(epoch.test_accuracy is None for epoch in (*without.training.epochs, *without.training.reference_epochs))
    assert without.training.epochs[0].train_loss == grade.training.epochs[0].train_loss
    assert without.stages == grade.stages and without.filters == grade.filters
    assert release(grade, {"layers.convolution"}).stages == ()
    assert release(grade, {"layers.convolution"}).filters == ()
    assert release(grade, {"training.epochs"}).training.epochs == ()
    assert release(grade, {"testing.phase"}).training.test_examples_seen is None


def test_a_finding_that_a_shown_check_tells_stays() -> None:
    """A finding that both a shown and a hidden check noticed is told by the shown one, so it is no secret."""
    grade = make_faulty()
    finding = next(f for f in grade.findings if f.id == "layer.kernel-size")
    shared = replace(finding, checks=("layers.convolution", "filters.plotted"))
    grade = replace(grade, findings=(shared,))
    assert release(grade, {"filters.plotted"}).findings == (shared,)
    assert release(grade, {"filters.plotted", "layers.convolution"}).findings == ()


def test_without_anything_hidden_all_is_shown_but_the_teacher_s_reasons() -> None:
    """Where the rubric withholds nothing, only the reasons for review and the weights' digests are left out."""
    grade = make_faulty()
    assert release(grade, frozenset()) == replace(grade, review=())


def test_a_rejected_submission_still_says_why(samples: dict[str, Grade]) -> None:
    """The student must learn why nothing was graded; the maximum stays what it was."""
    released = release(samples["rejected"], {"data.loaded"})
    assert released.message == samples["rejected"].message
    assert released.max_score == 50.0
    assert json.loads(json_.render(released))["questions"] == []


def test_malformed_evidence_is_not_described() -> None:
    """What was wrong with the evidence is for the teacher: it would tell a forger what to mend."""
    grade = replace(perfect(), status="invalid_evidence", message=f"{SECRET}: frame 7")
    assert SECRET not in html.render(release(grade, frozenset()))
