"""Every check and every outcome: the facts of a right submission with one thing changed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from grader.checks.case import Case
from grader.checks.gaps import Gap
from grader.checks.result import Where
from grader.checks.table import CHECKS, run_checks, validate
from grader.errors import AssignmentError
from grader.evidence.values import Flag, Place
from grader.verify.result import AccuracyFacts, Convolution
from tests.checks.cases import (
    ARCHITECTURE,
    BLANK,
    BROKEN,
    CONVOLUTION,
    FAILED,
    FILE,
    PASS,
    RIGHT,
    SGD,
    SHOWN,
    STATE,
    STEP_PROOF,
    UPDATE,
    Row,
    assert_outcome,
    confusion,
    judge,
    names,
    rubric,
    spec,
    with_evidence,
    with_facts,
    with_optimizer,
    with_steps,
)


def convolution(**changes: object) -> Case:
    seen = replace(ARCHITECTURE.convolution or Convolution(1, 10, (8, 8), (2, 2), (0, 0), (1, 1), None), **changes)
    return with_facts(architecture={"convolution": seen})


def passes(count: int, distinct: int = 1000) -> Case:
    return with_facts(passes=(replace(PASS, distinct=distinct),) * count)


def accuracy(right: int, **changes: object) -> Case:
    return with_facts(accuracy=AccuracyFacts(right / 1000, (0.0, 1.0), confusion(right), **changes))


def own_updates(**changes: object) -> Case:
    """An optimizer class of the student's own, three of whose updates were examined; none is plain descent."""
    own = with_optimizer(**{"class": "Mine", "module": "__main__"})
    return with_facts(own, updates=(replace(UPDATE, **{"follows": None, "as_sgd": None, **changes}),) * 3)


ONLY_MODEL = with_evidence(BLANK, reference_loop=True)
RAN_OUT = replace(BLANK, ran_out="the time was up")
GAPS = replace(BROKEN, gaps=tuple(Gap(Place(FILE, 2, n), q) for n, q in enumerate(("2.1", "2.3", "3.1", "3.3"), 1)))
ONE_GAP = replace(BROKEN, gaps=(Gap(Place(FILE, 2, 1), "2.3"),))
LOOKED = with_facts(training=BLANK.verification.training, steps=())

# (check, case, outcome, points, finding)
OUTCOMES: list[Row] = [
    ("data.loaded", with_facts(data={"swapped": True}), "unmet", 0, "data.swapped-splits"),
    ("data.loaded", BLANK, "unmet", 0, "data.not-loaded"),
    ("data.loaded", BROKEN, "not_assessed", None, None),
    ("data.loaded", ONLY_MODEL, "unmet", 0, "data.not-loaded"),
    (
        "data.loaded", with_facts(data={"loaded": ("train.npz",), "test_variable": False}),
        "partly", 1.5, "data.not-loaded",
    ),
    ("data.loaded", with_facts(BLANK, data={"loaded": ("train.npz", "test.npz")}), "met", 3, None),
    ("data.loaded", with_facts(data={"loaded": ()}), "met", 3, None),
    ("data.loaded", with_facts(data={"scale": 255.0}), "met", 3, None),
    ("data.shapes_shown", with_facts(reported={"shapes": 3}), "partly", 0.5, "data.shapes-not-shown"),
    ("data.shapes_shown", with_facts(reported={"shapes": 1}), "unmet", 0, "data.shapes-not-shown"),
    ("data.shapes_shown", BLANK, "unmet", 0, "data.shapes-not-shown"),
    ("data.shapes_shown", BROKEN, "not_assessed", None, None),
    ("layers.convolution", convolution(kernel=(5, 5)), "partly", 2, "layer.kernel-size"),
    ("layers.convolution", convolution(kernel=(8, 4)), "partly", 2, "layer.kernel-size"),
    ("layers.convolution", convolution(stride=(1, 1)), "partly", 2, "layer.stride"),
    ("layers.convolution", convolution(padding=(2, 2)), "partly", 2, "layer.padding"),
    ("layers.convolution", convolution(out_channels=16), "partly", 2, "layer.channels"),
    ("layers.convolution", convolution(dilation=(2, 2)), "partly", 2, "layer.kernel-size"),
    ("layers.convolution", convolution(stride=(1, 1), kernel=(3, 3)), "unmet", 0, "layer.kernel-size"),
    ("layers.convolution", with_facts(recreated=True), "unmet", 0, "layer.recreated"),
    (
        "layers.convolution", with_facts(architecture={"extra": (("max pooling", CONVOLUTION),)}), "partly", 2,
        "layer.extra",
    ),
    ("layers.convolution", with_facts(architecture={"convolution": None}), "unmet", 0, "layer.extra"),
    ("layers.convolution", BLANK, "unmet", 0, None),
    ("layers.convolution", BROKEN, "not_assessed", None, None),
    ("layers.activation", with_facts(architecture={"activation": "none"}), "unmet", 0, "layer.missing-activation"),
    ("layers.activation", with_facts(architecture={"activation": "tanh"}), "unmet", 0, "layer.wrong-activation"),
    (
        "layers.activation", with_facts(architecture={"activation": "none", "activation_discarded": True}), "met", 1,
        None,
    ),
    ("layers.activation", BLANK, "unmet", 0, None),
    ("layers.dense", with_facts(architecture={"dense_in": 1000}), "unmet", 0, "layer.dense-size"),
    ("layers.dense", with_facts(architecture={"dense_out": 11}), "partly", 1.5, "layer.dense-size"),
    (
        "layers.dense", with_facts(architecture={"dense_in": 4410, "convolution_shape": (10, 21, 21)}), "met", 3, None,
    ),
    ("layers.dense", BLANK, "unmet", 0, None),
    ("forward.image", with_facts(layout="transposed"), "unmet", 0, "forward.transposed-image"),
    ("forward.image", with_facts(layout="flipped"), "unmet", 0, "forward.transposed-image"),
    ("forward.image", with_facts(layout="unknown"), "not_assessed", None, None),
    ("forward.image", with_facts(layout="padded-2"), "met", 1, None),
    ("forward.image", BROKEN, "not_assessed", None, None),
    ("forward.image", BLANK, "unmet", 0, None),
    ("forward.convolution_output", convolution(stride=(1, 1)), "met", 1, None),
    ("forward.convolution_output", with_facts(architecture={"convolution_shape": None}), "unmet", 0, None),
    (
        "forward.activation_applied", with_facts(architecture={"activation": "none", "activation_discarded": True}),
        "unmet", 0, "forward.activation-discarded",
    ),
    ("forward.activation_applied", with_facts(architecture={"activation": "none"}), "met", 1, None),
    ("forward.activation_applied", with_facts(architecture={"activation": "tanh"}), "met", 1, None),
    (
        "forward.flattened", with_facts(architecture={"dense_rows": 1, "dense_in": 36300}),
        "unmet", 0, "forward.batch-mixed",
    ),
    ("forward.flattened", with_facts(architecture={"rows": 1, "dense_rows": 1}), "met", 1, None),
    ("forward.flattened", with_facts(architecture={"dense_in": None, "error": "E"}), "not_assessed", None, None),
    ("forward.logits", with_steps(loss="cross entropy of softmax"), "unmet", 0, "loss.double-softmax"),
    ("forward.logits", with_steps(loss="cross entropy of softmax over the batch"), "unmet", 0, "loss.double-softmax"),
    ("forward.logits", with_steps(loss="cross entropy of sigmoid"), "unmet", 0, "forward.activation-on-logits"),
    ("forward.logits", with_steps(loss="cross entropy of ReLU"), "unmet", 0, "forward.activation-on-logits"),
    ("forward.logits", with_steps(cut=True), "unmet", 0, "forward.detached"),
    ("forward.logits", with_steps(loss="mean squared error"), "met", 2, None),
    ("objective.loss", with_steps(loss="mean squared error"), "unmet", 0, "loss.not-cross-entropy"),
    ("objective.loss", with_steps(loss="another loss"), "unmet", 0, "loss.not-cross-entropy"),
    ("objective.loss", with_steps(loss="cross entropy with swapped arguments"), "unmet", 0, "loss.swapped-arguments"),
    ("objective.loss", with_steps(loss="cross entropy of softmax"), "met", 3, None),
    ("objective.loss", with_steps(loss="cross entropy of ReLU"), "met", 3, None),
    ("objective.loss", with_steps(loss=None, reason="too large"), "not_assessed", None, None),
    ("objective.loss", ONLY_MODEL, "unmet", 0, None),
    ("objective.loss", BROKEN, "not_assessed", None, None),
    ("objective.loss", BLANK, "unmet", 0, None),
    ("objective.optimizer", with_optimizer(**{"class": "Adam"}), "unmet", 0, "optimizer.not-sgd"),
    ("objective.optimizer", with_optimizer(**{"class": "Mine", "bases": ["SGD"]}), "met", 2, None),
    ("objective.optimizer", with_facts(updates=(replace(UPDATE, follows=False),)), "unmet", 0, "optimizer.not-sgd"),
    ("objective.optimizer", with_evidence(state=replace(STATE, optimizers=(), alive_optimizers=())), "met", 2, None),
    (
        "objective.optimizer",
        with_facts(
            with_evidence(state=replace(STATE, optimizers=(), alive_optimizers=())),
            updates=(replace(UPDATE, as_sgd=None),),
        ),
        "not_assessed", None, None,
    ),
    ("objective.optimizer", own_updates(momentum=0.9), "met", 2, None),
    ("objective.optimizer", own_updates(momentum=0.0), "met", 2, None),
    ("objective.optimizer", own_updates(momentum=None), "not_assessed", None, None),
    ("objective.optimizer", own_updates(momentum=0.9, alone=True), "not_assessed", None, None),
    ("objective.optimizer", own_updates(follows=True, kind="SGD"), "met", 2, None),
    ("objective.optimizer", own_updates(follows=True, kind="Adam"), "unmet", 0, "optimizer.not-sgd"),
    ("objective.optimizer", own_updates(follows=False, kind="SGD"), "not_assessed", None, None),
    ("objective.optimizer", BLANK, "unmet", 0, None),
    ("objective.parameters", with_facts(optimizer_parameters="none"), "unmet", 0, "optimizer.wrong-parameters"),
    ("objective.parameters", with_facts(optimizer_parameters="some"), "unmet", 0, "optimizer.wrong-parameters"),
    ("objective.parameters", with_facts(optimizer_parameters="manual"), "met", 1, None),
    ("objective.parameters", BROKEN, "not_assessed", None, None),
    ("training.targets", with_steps(target={"kind": "index", "shape": (30,)}), "unmet", 0, "target.not-one-hot"),
    ("training.targets", with_steps(target={"kind": "other"}), "met", 2, None),
    ("training.targets", with_steps(target={"wrong": 30}), "unmet", 0, "target.wrong-class"),
    ("training.targets", with_steps(target={"wrong": 26}), "unmet", 0, "target.misaligned"),
    ("training.targets", with_steps(target={"wrong": 30, "permuted": True}), "unmet", 0, "target.misaligned"),
    ("training.targets", with_steps(target=None), "not_assessed", None, None),
    ("training.gradient", LOOKED, "unmet", 0, "train.no-backward"),
    ("training.targets", LOOKED, "not_assessed", None, None),
    ("training.targets", ONLY_MODEL, "unmet", 0, None),
    ("training.gradient", with_steps(gradient_matches=False, cosine=0.2), "unmet", 0, "train.wrong-gradient"),
    ("training.gradient", with_steps(gradient_matches=False, cosine=0.9999), "met", 3, None),
    ("training.gradient", with_steps(negated=True), "unmet", 0, "train.maximises"),
    ("training.gradient", with_steps(unlinked=29), "unmet", 0, "train.wrong-gradient"),
    ("training.gradient", with_steps(gradient_matches=None, cut=True), "met", 3, None),
    ("training.gradient", with_steps(gradient_matches=None), "not_assessed", None, None),
    (
        "training.gradient",
        with_facts(steps=(replace(STEP_PROOF, gradient_matches=False, cosine=0.1), *(STEP_PROOF,) * 3)),
        "met", 3, None,
    ),
    (
        "training.batches", with_facts(training={"overlap": 29 / 30, "distinct": 2029}), "unmet", 0,
        "train.overlapping-batches",
    ),
    ("training.batches", with_facts(training={"distinct": 30_000}), "unmet", 0, "data.truncated"),
    ("training.batches", with_facts(training={"distinct": 30_000, "prefix": False}), "unmet", 0, "train.coverage"),
    ("training.batches", with_facts(training={"distinct": 30, "same_batch": True}), "unmet", 0, "train.coverage"),
    ("training.batches", with_facts(training={"batch_rows": 64, "window_rows": 64}), "unmet", 0, "train.batch-size"),
    ("training.batches", with_facts(training={"batch_rows": 1, "window_rows": 30}), "met", 1, None),
    ("training.batches", with_facts(training={"known": 10}), "not_assessed", None, None),
    ("training.batches", replace(with_facts(training={"distinct": 30_000}), ran_out="time"), "met", 1, None),
    ("training.epochs", with_facts(training={"epochs": 5.0}), "unmet", 0, "train.epochs"),
    ("training.epochs", with_facts(training={"epochs": 20.0}), "unmet", 0, "train.epochs"),
    ("training.epochs", with_facts(training={"epochs": 9.99}), "met", 1, None),
    ("training.epochs", with_facts(training={"epochs": 700.0, "same_batch": True}), "met", 1, None),
    ("training.epochs", replace(with_facts(training={"epochs": 5.0}), ran_out="time"), "not_assessed", None, None),
    ("update.step", with_facts(training={"updates": 0}), "unmet", 0, "update.no-step"),
    ("update.step", with_facts(training={"window_rows": 1, "stale_first": 0.97}), "unmet", 0, "update.step-frequency"),
    (
        "update.step", with_facts(training={"window_batches": 4.0, "window_rows": 120}), "unmet", 0,
        "update.step-frequency",
    ),
    ("update.step", with_facts(training={"window_batches": 30.0, "batch_rows": 1}), "met", 2, None),
    ("update.step", with_facts(optimizer_parameters="none"), "met", 2, None),
    ("update.step", ONLY_MODEL, "unmet", 0, None),
    ("update.zero_grad", with_facts(training={"stale_first": 1.0}), "unmet", 0, "update.no-zero-grad"),
    (
        "update.zero_grad", with_facts(training={"without_gradient": 1.0}, updates=()), "unmet", 0,
        "update.cleared-before-step",
    ),
    ("update.zero_grad", with_facts(training={"without_gradient": 1.0}), "met", 2, None),
    (
        "update.zero_grad", with_facts(training={"stale_inner": 0.0, "window_batches": 30.0}), "unmet", 0,
        "update.zero-frequency",
    ),
    ("update.zero_grad", with_facts(training={"stale_first": 0.1}), "partly", 1, "update.zero-frequency"),
    (
        "update.zero_grad", with_facts(training={"updates": 0, "stale_unupdated": 1.0}),
        "unmet", 0, "update.no-zero-grad",
    ),
    (
        "objective.optimizer", with_optimizer(groups=[{"settings": {"lr": 10.0}, "parameters": [0, 1, 2, 3]}]),
        "partly", 1, "optimizer.learning-rate",
    ),
    (
        "objective.optimizer",
        with_facts(with_evidence(state=replace(STATE, optimizers=(SGD,) * 9)), optimizers_stepping=9),
        "partly", 1, "optimizer.rebuilt",
    ),
    ("objective.optimizer", with_facts(rebuilt=True), "partly", 1, "optimizer.rebuilt"),
    ("layers.convolution", with_facts(recreated=True), "unmet", 0, "layer.recreated"),
    ("training.batches", with_facts(data={"swapped": True}, training={"distinct": 0}), "met", 1, None),
    ("training.batches", with_facts(data={"loaded": ("test.npz",) * 2}, training={"distinct": 0}), "met", 1, None),
    ("data.loaded", with_facts(data={"loaded": ("train.npz",) * 2}), "partly", 1.5, "data.swapped-splits"),
    ("update.zero_grad", with_facts(training={"updates": 0}), "met", 2, None),
    ("update.zero_grad", with_facts(training={"window_rows": 1, "stale_first": 0.97}), "met", 2, None),
    ("update.zero_grad", with_facts(optimizer_parameters="none"), "met", 2, None),
    ("testing.phase", passes(0), "unmet", 0, "test.missing"),
    ("testing.phase", with_facts(passes=(), training_passes=10), "unmet", 0, "test.on-training-data"),
    ("testing.phase", with_facts(passes=(), data={"swapped": True}), "met", 2, None),
    ("testing.phase", passes(10, 199), "partly", 1, "test.coverage"),
    ("testing.phase", passes(1), "partly", 1, "test.coverage"),
    ("testing.phase", passes(9), "met", 2, None),
    ("testing.phase", BROKEN, "not_assessed", None, None),
    ("testing.phase", ONLY_MODEL, "unmet", 0, None),
    (
        "testing.no_learning", with_facts(training={"test_rows": 9000, "test_distinct": 1000}), "unmet", 0,
        "data.test-in-training",
    ),
    (
        "testing.no_learning", with_facts(training={"test_rows": 9000, "test_distinct": 1000}, passes=()), "unmet", 0,
        "test.updates-model",
    ),
    ("testing.no_learning", with_facts(data={"swapped": True}), "met", 2, None),
    ("testing.no_learning", with_facts(training={"known": 10}), "not_assessed", None, None),
    ("testing.no_learning", passes(0), "unmet", 0, None),
    ("testing.reported", with_facts(reported={"accuracy": None, "recognised": 0, "mentions": False}), "unmet", 0, None),
    ("testing.reported", with_facts(reported={"accuracy": None, "recognised": 0}), "met", 1, None),
    ("testing.reported", with_facts(reported={"accuracy": 0.99}), "met", 1, None),
    ("testing.reported", BROKEN, "not_assessed", None, None),
    ("filters.plotted", with_evidence(pictures=()), "unmet", 0, "plot.missing"),
    ("filters.plotted", with_evidence(BROKEN, pictures=()), "not_assessed", None, None),
    ("filters.plotted", with_facts(shown=replace(SHOWN, final=frozenset({0, 1}))), "partly", 0.5, "plot.too-few"),
    ("filters.plotted", with_facts(shown=replace(SHOWN, final=frozenset())), "unmet", 0, "plot.wrong-tensor"),
    ("filters.plotted", with_facts(shown=replace(SHOWN, final=frozenset(), others=10)), "met", 1, None),
    ("filters.plotted", with_facts(shown=None), "not_assessed", None, None),
    (
        "filters.trained", with_facts(shown=replace(SHOWN, final=frozenset(), initial=frozenset(range(10)))),
        "unmet", 0,
        "plot.untrained-filters",
    ),
    (
        "filters.trained", with_facts(shown=replace(SHOWN, final=frozenset(), intermediate=frozenset({1}))),
        "partly", 1,
        "plot.untrained-filters",
    ),
    (
        "filters.trained", with_facts(shown=replace(SHOWN, final=frozenset(), others=10)),
        "unmet", 0, "plot.wrong-tensor",
    ),
    ("filters.trained", with_facts(shown=replace(SHOWN, final=frozenset())), "unmet", 0, None),
    ("filters.trained", with_evidence(pictures=()), "unmet", 0, None),
    ("accuracy.reference", accuracy(100), "unmet", 0, "accuracy.below-reference"),
    ("accuracy.reference", accuracy(0), "unmet", 0, "accuracy.below-reference"),
    ("accuracy.reference", accuracy(800), "partly", None, "accuracy.below-reference"),
    ("accuracy.reference", accuracy(920), "met", 7, None),
    ("accuracy.reference", accuracy(1000), "met", 7, None),
    ("accuracy.reference", accuracy(950, non_finite=True), "unmet", 0, "accuracy.below-reference"),
    ("accuracy.reference", replace(RIGHT, baseline=None), "not_assessed", None, None),
    ("accuracy.reference", with_facts(accuracy=AccuracyFacts(reason="no weights")), "not_assessed", None, None),
    ("accuracy.reference", BLANK, "unmet", 0, None),
]  # fmt: skip


@pytest.mark.parametrize("check", list(CHECKS))
def test_right_submission(check: str) -> None:
    """The facts of a right submission meet every check, with all its points and without a finding."""
    verdict = judge(check, RIGHT)
    assert verdict.result.outcome == "met", verdict.result.observed
    assert verdict.findings == ()


@pytest.mark.parametrize(
    ("check", "case", "outcome", "points", "finding"),
    OUTCOMES,
    ids=names(OUTCOMES),
)
def test_outcome(check: str, case: Case, outcome: str, points: float | None, finding: str | None) -> None:
    """One thing that is changed gives this outcome, these points and this finding."""
    assert_outcome(check, case, outcome, points, finding)


@pytest.mark.parametrize("case", [BLANK, BROKEN, ONLY_MODEL, RAN_OUT, GAPS], ids="blank broken model out gaps".split())
@pytest.mark.parametrize("check", list(CHECKS))
def test_nothing_to_judge(check: str, case: Case) -> None:
    """Whatever is missing, each check has a verdict; none is met by a program that has nothing."""
    assert judge(check, case).result.outcome != "met"


@pytest.mark.parametrize("case", [BROKEN, RAN_OUT], ids=["broken", "ran out"])
def test_what_came_before_explains_what_is_missing(case: Case) -> None:
    """Where an error or a limit ended the program, what it would have done is not assessed, with the reason."""
    for check in ("layers.convolution", "training.gradient", "testing.phase", "filters.plotted"):
        result = judge(check, case).result
        assert result.outcome == "not_assessed"
        assert (case.ran_out or "NameError") in result.message


def test_gaps_of_the_skeleton_are_not_excused() -> None:
    """An error that comes of the many gaps that were left excuses nothing; one gap explains its own question alone."""
    assert {judge(check, GAPS).result.outcome for check in ("training.gradient", "filters.plotted")} == {"unmet"}
    assert judge("objective.loss", ONE_GAP).result.outcome == "unmet"
    assert judge("training.gradient", ONE_GAP).result.outcome == "not_assessed"


def test_place_and_source_of_a_finding() -> None:
    """A lost mark quotes the student's line."""
    result = judge("layers.convolution", convolution(stride=(1, 1))).result
    assert result.where == Where(FILE, 1, 2, "line 2 of cell 1")
    assert result.confidence == "proved"
    assert judge("layers.convolution", convolution(stride=(1, 1), place=Place(FILE, 9, 99))).result.where == Where(
        FILE, 9, 99, None
    )


def test_points_fall_linearly_with_the_accuracy() -> None:
    """Between the reference and chance each per cent costs the same."""
    points = [judge("accuracy.reference", accuracy(right)).result.points or 0.0 for right in range(100, 930, 10)]
    assert points == sorted(points)
    low = [b - a for a, b in itertools.pairwise(points) if b < 7]
    assert max(low) - min(low) < 1e-3
    assert points[0] == 0


@pytest.mark.parametrize(
    ("check", "case", "note"),
    [
        ("data.loaded", with_facts(data={"scale": 255.0}), "data.unnormalised"),
        ("forward.flattened", with_facts(probe={"sizes_failed": {7: "RuntimeError"}}), "forward.fixed-batch"),
        ("testing.reported", with_facts(reported={"accuracy": 0.99}), "report.accuracy-mismatch"),
        ("accuracy.reference", accuracy(999), "accuracy.suspicious"),
    ],
)
def test_notes_cost_nothing(check: str, case: Case, note: str) -> None:
    """What is worth saying and costs nothing is said."""
    verdict = judge(check, case)
    assert verdict.result.outcome == "met"
    assert note in {finding.id for finding in verdict.findings}


def test_gradients_in_the_test_phase() -> None:
    """A test phase that keeps the graph is a note."""
    from tests.verify.traces import CNN, record_step

    events = record_step(CNN(), loss=None).events
    assert PASS.event >= 0
    flags = np.full(PASS.event + 1, int(Flag.GRAD_ENABLED), dtype=np.uint8)
    verdict = judge("testing.phase", with_evidence(events=replace(events, flags=flags)))
    assert verdict.result.outcome == "met"
    assert [f.id for f in verdict.findings] == ["test.gradients-on"]


def test_wrong_size_besides_lost_coverage() -> None:
    """A batch size that costs nothing more, since the coverage has cost the point, is still told."""
    verdict = judge("training.batches", with_facts(training={"distinct": 9, "batch_rows": 64, "window_rows": 64}))
    assert {f.id for f in verdict.findings} == {"data.truncated", "train.batch-size"}


def test_declared_layers_count_without_a_run() -> None:
    """Layers that were defined and never called are judged by what they are."""
    modules = (
        {"class": "Conv2d", "parameters": {"weight": {"shape": [10, 1, 8, 8]}}, "settings": {"stride": [2, 2]}},
        {"class": "ReLU", "parameters": {}, "settings": {}},
        {"class": "Linear", "parameters": {"weight": {"shape": [10, 1210]}}, "settings": {}},
    )
    state = BROKEN.evidence.state
    assert state is not None
    case = with_evidence(BROKEN, state=replace(state, modules=modules))
    for check in ("layers.convolution", "layers.activation", "layers.dense"):
        result = judge(check, case).result
        assert (result.outcome, result.confidence) == ("met", "observed")


ODD_MODULES = [
    {"class": "Conv2d"},
    {"class": "Conv2d", "parameters": []},
    {"class": "Conv2d", "parameters": {"weight": {"shape": ["a", "b", "c", "d"]}}},
    {"class": "Conv2d", "parameters": {"weight": {"shape": [10, 1, 8, 8]}}, "settings": {"stride": "same"}},
    {"class": "Conv2d", "parameters": {"weight": {"shape": [10, 1, 8, 8]}}, "settings": {"padding": []}},
    {"class": "Linear", "parameters": {"weight": {"shape": ["a", None]}}},
    {"class": ["Linear"], "parameters": None},
]


@pytest.mark.parametrize("module", ODD_MODULES, ids=str)
def test_state_is_not_trusted(module: dict[str, object]) -> None:
    """What the student's process says of its layers may be anything; every check still has its verdict."""
    state = BROKEN.evidence.state
    assert state is not None
    case = with_evidence(BROKEN, state=replace(state, modules=(module,), layers=(module, {"operation": "linear"})))
    for check in ("layers.convolution", "layers.activation", "layers.dense"):
        judge(check, case)


ODD_OPTIMIZERS = [
    {},
    {"class": "SGD", "groups": 3},
    {"class": "SGD", "groups": [{}], "at": {"file": 3}},
]


@pytest.mark.parametrize("optimizer", ODD_OPTIMIZERS, ids=str)
def test_optimizer_is_not_trusted(optimizer: dict[str, object]) -> None:
    """Nor is what it says of its optimizer."""
    judge("objective.optimizer", with_evidence(state=replace(STATE, optimizers=(optimizer,))))


def test_why_not_run() -> None:
    """The reason names the cell, or the line of a module."""
    assert BLANK.why_not_run("1") is None
    assert BROKEN.why_not_run("1") == "cell 2 stopped with NameError: name 'x' is not defined"
    error = replace(FAILED, place=Place("main.py", None, 7))
    assert (with_evidence(BROKEN, errors=(error,)).why_not_run("1") or "").startswith("line 7 stopped")


def test_every_check_of_the_rubric() -> None:
    """The rubric's checks are those of the table, each judged once, in the rubric's order."""
    validate(rubric())
    verdicts = run_checks(RIGHT, rubric())
    assert [v.result.id for v in verdicts] == [s.id for q in rubric().questions for s in q.checks]
    assert {v.result.id for v in verdicts} == set(CHECKS)


def test_unknown_check() -> None:
    """A rubric with a check that nobody has written is refused."""
    question = rubric().questions[0]
    unknown = replace(question, checks=(replace(question.checks[0], id="data.magic"),))
    with pytest.raises(AssignmentError, match=r"data\.magic"):
        validate(replace(rubric(), questions=(unknown,)))


def test_parameters_come_from_the_rubric() -> None:
    """Another kernel, batch size or number of epochs in the rubric is what a check then asks for."""
    own = {"kernel": 5, "batch_size": 64, "epochs": 3}
    for check in ("layers.convolution", "training.batches", "training.epochs"):
        wanted = replace(spec(check), parameters={**spec(check).parameters, **own})
        assert CHECKS[check](RIGHT, wanted).result.outcome != "met"
