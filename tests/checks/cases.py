"""A right submission's facts, made by hand; a test changes one of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from grader.assignment import Baseline, CheckSpec, Rubric, load_rubric
from grader.checks.case import Case, Verdict
from grader.checks.table import CHECKS
from grader.evidence import parse_evidence
from grader.evidence.values import Kind, Picture, Place, RunError, State
from grader.verify.result import (
    AccuracyFacts,
    Architecture,
    Convolution,
    DataFacts,
    ProbeFacts,
    ReportedFacts,
    Shown,
    StepProof,
    Target,
    TestPass,
    TrainingFacts,
    UpdateProof,
    Verification,
)

FILE = "student.ipynb"
SOURCES = {(FILE, cell): "\n".join(f"line {line} of cell {cell}" for line in range(1, 10)) for cell in range(1, 5)}
CONVOLUTION = Place(FILE, 1, 2)
ACTIVATION = Place(FILE, 1, 3)
DENSE = Place(FILE, 1, 4)
LOSS = Place(FILE, 2, 2)
BACKWARD = Place(FILE, 2, 3)
STEP = Place(FILE, 2, 4)
TEST = Place(FILE, 2, 6)
PLOT = Place(FILE, 3, 1)
TEST_IMAGES = 1000
BASELINE = Baseline(mean=0.95, std=0.004, runs=5, epochs=())

SGD = {
    "class": "SGD",
    "module": "torch.optim.sgd",
    "bases": ["Optimizer"],
    "groups": [{"settings": {"lr": 0.01}, "parameters": [0, 1, 2, 3]}],
    "at": {"file": FILE, "cell": 2, "line": 1},
}


@cache
def rubric() -> Rubric:
    """The practical's own."""
    return load_rubric(Path(__file__).resolve().parents[2] / "reference" / "rubric.toml")


def spec(check: str) -> CheckSpec:
    return next(s for q in rubric().questions for s in q.checks if s.id == check)


def confusion(right: int) -> tuple[tuple[int, ...], ...]:
    """A confusion matrix of 1000 test images of which `right` are right."""
    table = np.zeros((10, 10), dtype=int)
    table[0, 0], table[0, 1] = right, TEST_IMAGES - right
    return tuple(tuple(int(n) for n in row) for row in table)


ARCHITECTURE = Architecture(
    rows=30,
    convolution=Convolution(1, 10, (8, 8), (2, 2), (0, 0), (1, 1), CONVOLUTION),
    convolution_shape=(10, 11, 11),
    activation="ReLU",
    activation_place=ACTIVATION,
    activation_discarded=False,
    activation_shape=(10, 11, 11),
    dense_rows=30,
    dense_in=1210,
    dense_out=10,
    dense_place=DENSE,
    flatten_order="channels first",
    after=(("log-softmax", LOSS),),
    extra=(),
    detached=None,
    parameters=(0, 1, 2, 3),
    weight=0,
)
TARGET = Target("one_hot", (30, 10), "float32", 0, 30, False, LOSS)
STEP_PROOF = StepProof(
    0, "cross entropy", False, LOSS, TARGET, True, True, 1.0, linked=(0,), backward_place=BACKWARD, cut=False
)
UPDATE = UpdateProof(0, True, True, True, 0.01, STEP)
PASS = TestPass(40, 2000, TEST_IMAGES, TEST_IMAGES, 0, 0.95, 0.2, 950, (0.2,), (TEST_IMAGES,))
TRAINING = TrainingFacts(
    batches=20_000, updates=20_000, examples=600_000, known=600_000, distinct=60_000, total=60_000, prefix=True,
    batch_rows=30, batch_share=1.0, window_rows=30, window_batches=1.0, epochs=10.0, losses=(0.5,) * 10,
    accuracies=(0.9,) * 10,
)  # fmt: skip
SHOWN = Shown(12, frozenset(range(10)), frozenset(), frozenset(), 0, PLOT)
STATE = State(models={0: (0, 1, 2, 3)}, final={}, first={}, optimizers=(SGD,), alive_optimizers=(SGD,))
VERIFICATION = Verification(
    model=0,
    layout="identity",
    architecture=ARCHITECTURE,
    steps=(STEP_PROOF,) * 4,
    updates=(UPDATE,) * 4,
    training=TRAINING,
    passes=(PASS,) * 10,
    other_passes=0,
    accuracy=AccuracyFacts(0.95, (0.93, 0.96), confusion(950)),
    probe=ProbeFacts(True, 0.0),
    shown=SHOWN,
    reported=ReportedFacts(0.95, 10, True, 4),
    data=DataFacts(("train.npz", "test.npz"), True, True, False, False, 1.0, 0.0),
    kernels=(((0.0, 1.0),),) * 10,
    optimizer_parameters="all",
    optimizers_stepping=1,
    train_place=BACKWARD,
    test_place=TEST,
    step_place=STEP,
)
# A journal of one event: an image of 8x8 is drawn.
DRAWN = replace(
    parse_evidence([]).events,
    **{name: np.array([0]) for name in ("flags", "who", "start")},
    kind=np.array([Kind.FIGURE]),
    size=np.array([64]),
    value=np.array([np.nan]),
)
KERNEL = Picture(0, np.zeros((8, 8), dtype=np.float32), PLOT)
EVIDENCE = replace(parse_evidence([]), events=DRAWN, state=STATE, pictures=(KERNEL,))
RIGHT = Case(EVIDENCE, VERIFICATION, SOURCES, BASELINE)
FAILED = RunError(2, "NameError", "name 'x' is not defined", Place(FILE, 2, 3))
# A program that failed before it trained, and one that ends well and has nothing.
NOTHING = Verification(
    model=None, layout="none", architecture=None, steps=(), updates=(), training=TrainingFacts(total=60_000), passes=(),
    other_passes=0, accuracy=AccuracyFacts(reason="no forward pass"), probe=ProbeFacts(), shown=None,
    reported=ReportedFacts(), data=DataFacts(),
)  # fmt: skip
EMPTY_STATE = State(models={}, final={}, first={})
BLANK = Case(replace(parse_evidence([]), state=EMPTY_STATE), NOTHING, SOURCES, BASELINE)
BROKEN = replace(BLANK, evidence=replace(BLANK.evidence, errors=(FAILED,)))


def with_facts(case: Case = RIGHT, **changes: Any) -> Case:
    """`case` with fields of its verification replaced; a dict replaces fields of the field's own value."""
    made = {
        name: replace(getattr(case.verification, name), **change) if isinstance(change, dict) else change
        for name, change in changes.items()
    }
    return replace(case, verification=replace(case.verification, **made))


def with_steps(**changes: Any) -> Case:
    """All traced steps changed alike; `target` takes a dict of changes to the target."""
    target = changes.pop("target", {})
    step = replace(STEP_PROOF, **changes)
    return with_facts(steps=(replace(step, target=replace(TARGET, **target) if target is not None else None),) * 4)


def with_evidence(case: Case = RIGHT, **changes: Any) -> Case:
    return replace(case, evidence=replace(case.evidence, **changes))


def with_optimizer(**changes: Any) -> Case:
    return with_evidence(state=replace(STATE, optimizers=({**SGD, **changes},)))


def judge(check: str, case: Case) -> Verdict:
    """The verdict, after what holds of every verdict: points fit the outcome, and every finding has its place."""
    verdict = CHECKS[check](case, spec(check))
    result = verdict.result
    assert (result.id, result.question, result.max_points) == (check, spec(check).question, spec(check).points)
    if result.outcome == "not_assessed":
        assert result.points is None
        assert result.message
    else:
        assert result.points is not None
        assert 0 <= result.points <= result.max_points
        assert (result.points == result.max_points) == (result.outcome == "met")
        assert (result.points == 0) == (result.outcome == "unmet")
    assert result.expected
    assert result.observed
    if result.finding is not None:
        assert result.finding in {f.id for f in verdict.findings}
        assert result.hint
    return verdict


Row = tuple[str, Case, str, float | None, str | None]
"""A check, a case, and the outcome, points (None: any) and finding that it must have."""


def names(rows: list[Row]) -> list[str]:
    """What the tests of such rows are called."""
    return [f"{check}-{outcome}-{finding or number}" for number, (check, _, outcome, _, finding) in enumerate(rows)]


def assert_outcome(check: str, case: Case, outcome: str, points: float | None, finding: str | None) -> None:
    """The check says just this of the case."""
    result = judge(check, case).result
    assert (result.outcome, result.finding) == (outcome, finding), (result.observed, result.message)
    if points is not None:
        assert result.points == points
