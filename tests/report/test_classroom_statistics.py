"""The figures about a class are those that their names say."""

from __future__ import annotations

import statistics as python
from dataclasses import replace

import pytest

from grader.report import json_, stored
from grader.report.classroom import Entry, entry, render
from grader.report.classroom import statistics as figures
from grader.score.spool import spooling
from tests.report.classes import a_class, named, room
from tests.report.conftest import grade_with, lost, perfect, rejected, timed_out


def entries() -> list[Entry]:
    return [entry(grade) for grade in a_class()]


def test_scores_leave_out_what_was_never_graded() -> None:
    """A rejected submission has no score, and its 0 is in no mean."""
    found = figures.scores(entries())
    values = [grade.score for grade in a_class() if grade.questions]
    assert found is not None
    assert found.count == 13
    assert found.mean == pytest.approx(python.fmean(values))
    assert found.median == pytest.approx(python.median(values))
    assert found.spread == pytest.approx(python.stdev(values))
    assert figures.scores([entry(rejected())]) is None


def test_every_score_is_in_one_bin() -> None:
    """The bins count each score once; a full score is in the last, and a border belongs to the bin above."""
    at = [entry(replace(named(perfect(), str(score)), score=score)) for score in (0.0, 4.99, 5.0, 49.9, 50.0)]
    assert [bin_.count for bin_ in figures.distribution(at)] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert sum(bin_.count for bin_ in figures.distribution(entries())) == 13


def test_difficulty_counts_only_what_was_assessed() -> None:
    """A question that was not assessed is no failure at it."""
    found = {q.id: q for q in figures.questions([entry(perfect()), entry(timed_out())])}
    assert (found["4"].ease, found["4"].open, found["4"].none) == (1.0, 1, 0)
    assert found["3.1"].ease == pytest.approx((1 + 6 / 7) / 2)


def test_discrimination_is_the_correlation_with_the_other_questions() -> None:
    """It is one where the question and the rest rise together, and is not told for few or equal submissions."""
    weak = grade_with({c.id: c for c in (lost("layers.convolution", 0, "x"), lost("training.gradient", 0, "x"))})
    mixed = [entry(weak)] * 6 + [entry(perfect())] * 6
    found = {q.id: q for q in figures.questions(mixed)}
    assert found["2.1"].discrimination == pytest.approx(1.0)
    assert found["1"].discrimination is None
    assert all(q.discrimination is None for q in figures.questions(mixed[3:9]))


def test_findings_are_counted_by_submission() -> None:
    """The most common comes first, each submission once, with the place in its report."""
    first, second, *_ = figures.findings([e for e in entries() if e.id.startswith("student")])
    assert (first.id, len(first.entries)) == ("layer.stride", 5)
    assert (second.id, len(second.entries)) == ("train.epochs", 4)
    stride = [e for e in entries() if e.id.startswith("student")][first.entries[0]]
    assert stride.anchor("layer.stride") == "lost-1"


def test_accuracy_is_compared_with_the_band() -> None:
    """Below, within and above; without a measurement or a reference nothing is claimed."""
    places = figures.accuracy_places(e for e in entries() if e.id.startswith("student"))
    assert places == {"below": 6, "within": 3, "above": 1, "unknown": 0}
    assert figures.accuracy_place(entry(timed_out())) == "unknown"


def test_reasons_to_look_are_grouped() -> None:
    """Reasons that differ in a figure are one kind; what concerns the whole class comes last and says so."""
    noted = [named(perfect(), str(n), review=(f"{n + 1} updates failed", "isolation is partial: x")) for n in range(4)]
    noted.append(named(perfect(), "5", review=("isolation is partial: x",)))
    found = figures.review([entry(grade) for grade in noted])
    assert [(r.kind, len(r.entries), r.widespread) for r in found] == [
        ("… updates failed", 4, False),
        ("isolation is partial", 5, True),
    ]


def test_a_spool_is_the_sequence_of_its_entries() -> None:
    """What was put on disk comes back, in order, at any place and from the end, also while it is read elsewhere; the
    page made of it is the page of the entries themselves."""
    grades = [stored.read(json_.render(grade)) for grade in a_class()]
    kept = [entry(grade) for grade in grades]
    with spooling(Entry) as spool:
        for each in kept:
            spool.add(each)
        assert list(spool) == kept
        assert (spool[-1], spool[3], spool[1:3]) == (kept[-1], kept[3], kept[1:3])
        assert [(one.id, spool[0].id) for one in spool] == [(one.id, kept[0].id) for one in kept]
        with pytest.raises(IndexError):
            spool[len(spool)]
        assert render(room(grades, entries=spool)) == render(room(grades))


def test_only_bands_that_something_was_measured_against_are_shown() -> None:
    """A submission whose accuracy was never measured has no part in what the page calls the reference's band."""
    measured = named(perfect(), "a", accuracy=replace(perfect().accuracy, band=(0.955, 0.985)))
    never = named(rejected(), "b", accuracy=replace(rejected().accuracy, band=(0.0, 1.0)))
    page = render(room([measured, never]))
    assert page.count('class="band"') == 1
    assert "95.5% to 98.5%" in page
