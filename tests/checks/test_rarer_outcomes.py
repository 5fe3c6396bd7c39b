"""Outcomes of rarer mistakes, and of right programs that come near them: the facts of a right submission changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks.case import Case
from grader.verify.result import BATCH_SCRAMBLED, SCRAMBLED, WrongFigure
from tests.checks.cases import (
    BACKWARD,
    PASS,
    STATE,
    UPDATE,
    Row,
    assert_outcome,
    judge,
    names,
    with_evidence,
    with_facts,
    with_steps,
)


def passes(count: int = 10, **changes: int) -> Case:
    """Test passes of 1000 images, changed alike."""
    return with_facts(passes=(replace(PASS, **changes),) * count)


def kept(graphs: int, checked: int) -> Case:
    return with_evidence(state=replace(STATE, graphs=(graphs, checked)))


def leaving(source: str) -> Case:
    """Training that saw the first half of its data, in a loop of this source."""
    case = with_facts(training={"distinct": 30_000})
    return replace(case, sources={(BACKWARD.file, BACKWARD.cell): source})


def unscaled(scale: float, measured: float, **changes: object) -> Case:
    """Pixels of 0 to `scale`, with which the model gets this share of the test images right."""
    return with_facts(data={"scale": scale}, accuracy={"measured": measured}, **changes)


WITH_BREAK = "for i in range(9):\n    x = i\n    loss.backward()\n    if i == 5:\n        break\n"
APART = {"apart": True, "gradient_matches": None, "loss": None, "linked": ()}
UNMOVED = (replace(UPDATE, had_gradient=False),)

OUTCOMES: list[Row] = [
    ("forward.image", with_facts(layout=SCRAMBLED), "unmet", 0, "forward.scrambled-image"),
    ("forward.image", with_facts(layout=BATCH_SCRAMBLED), "unmet", 0, "forward.scrambled-image"),
    ("forward.logits", with_facts(probe={"ignores_input": True}), "unmet", 0, "forward.wrong-output"),
    ("layers.convolution", with_facts(uniform=True), "unmet", 0, None),
    ("data.loaded", unscaled(1 / 255, 0.126), "partly", 1.5, "data.unnormalised"),
    ("data.loaded", unscaled(255.0, 0.098), "partly", 1.5, "data.unnormalised"),
    ("data.loaded", unscaled(1 / 255, 0.7), "met", 3, None),
    ("data.loaded", unscaled(1 / 255, 0.1, training={"updates": 0}), "met", 3, None),
    ("data.loaded", unscaled(3.2, 0.1), "met", 3, None),
    ("forward.logits", with_steps(loss="cross entropy of sigmoid"), "unmet", 0, "forward.activation-on-logits"),
    ("training.gradient", with_facts(with_steps(**APART), updates=UNMOVED), "unmet", 0, "train.no-backward"),
    ("training.gradient", with_steps(**APART), "not_assessed", None, None),
    ("training.batches", leaving(WITH_BREAK), "unmet", 0, "train.coverage"),
    ("training.batches", leaving(WITH_BREAK.replace("break", "pass")), "unmet", 0, "data.truncated"),
    (
        "update.zero_grad", with_facts(with_steps(**APART), updates=UNMOVED, training={"without_gradient": 1.0}),
        "met", 2, None,
    ),
    (
        "update.zero_grad",
        with_facts(with_steps(vanishes=True), updates=UNMOVED, training={"without_gradient": 1.0}), "met", 2, None,
    ),
    (
        "update.zero_grad", with_facts(updates=UNMOVED, training={"without_gradient": 1.0}), "unmet", 0,
        "update.cleared-before-step",
    ),
    ("testing.phase", with_facts(layout=BATCH_SCRAMBLED, passes=(), other_passes=9), "not_assessed", None, None),
    ("testing.phase", passes(distinct=990, examples=990), "partly", 1.5, "test.coverage"),
    ("testing.phase", passes(1, distinct=990, examples=9900), "partly", None, "test.coverage"),
    ("testing.phase", passes(distinct=998, examples=1000), "met", 2, None),
    ("testing.phase", passes(distinct=998, examples=998, unknown=2), "met", 2, None),
    ("testing.phase", passes(distinct=998, examples=998, from_training=2), "met", 2, None),
    ("testing.phase", passes(distinct=990, examples=990, from_training=6000), "partly", 1.5, "test.coverage"),
    (
        "testing.reported", with_facts(reported={"wrong": WrongFigure("test.stale-output", "old losses")}), "unmet", 0,
        "test.stale-output",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "case", "outcome", "points", "finding"),
    OUTCOMES,
    ids=names(OUTCOMES),
)
def test_outcome(check: str, case: Case, outcome: str, points: float | None, finding: str | None) -> None:
    """One thing that is changed gives this outcome, these points and this finding."""
    assert_outcome(check, case, outcome, points, finding)


@pytest.mark.parametrize(
    ("case", "noted"), [(kept(0, 30), False), (kept(2, 3), False), (kept(3, 30), False), (kept(20, 30), True)]
)
def test_kept_graphs_are_noted(case: Case, noted: bool) -> None:
    """Losses that keep their graphs are a note without a deduction; a few may be kept in a right program."""
    verdict = judge("training.gradient", case)
    assert verdict.result.outcome == "met"
    assert ("train.keeps-graph" in {f.id for f in verdict.findings}) == noted
