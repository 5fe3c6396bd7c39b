"""Whole programs: recorded in a process of their own, verified here."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.errors import EvidenceError
from grader.evidence import Evidence, parse_evidence
from grader.evidence.values import CellRun
from grader.verify.result import Verification
from grader.verify.run import Setting, verify
from tests.recorder.images import TEST, TRAIN
from tests.recorder.runs import DATA, MODEL, PROBES, TESTING, TRAINING, UNFOLDED, Run, record
from tests.verify.traces import IMAGES, INDEX

SETTING = Setting(INDEX, IMAGES.test[np.arange(PROBES) % TEST], 10)
Verifier = Callable[..., Verification]


def judge(evidence: Evidence) -> Verification:
    return verify(evidence, SETTING)[0]


@pytest.fixture
def verified(tmp_path: Path) -> Verifier:
    """Records a program and verifies it."""
    return lambda *cells, **options: judge(record(tmp_path, *cells, **options).evidence)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The plain solution, with shapes, figures of the test phase and its ten kernels."""
    show = """
    import matplotlib.pyplot as plt
    print(train["X"].shape, X.shape, tuple(Y.argmax(1).shape), X_test.shape, Y_test.argmax(1).shape)
    hits = (model(X_test).argmax(1) == Y_test.argmax(1)).sum().item()
    print(f"test accuracy: {hits / len(X_test):.2%}")
    figure, axes = plt.subplots(2, 5)
    for axis, kernel in zip(axes.flat, model.conv.weight.detach()):
        axis.imshow(kernel[0])
    """
    folder = tmp_path_factory.mktemp("plain")
    return record(folder, DATA + MODEL, TRAINING + textwrap.indent(TESTING, "    "), textwrap.dedent(show).lstrip())


def test_training(plain: Run) -> None:
    """Two epochs of batches of 30 through all images, each followed by a test of all test images."""
    found = judge(plain.evidence)
    facts = found.training
    assert (facts.batches, facts.updates, facts.batch_rows, facts.epochs, facts.distinct) == (8, 8, 30, 2.0, TRAIN)
    assert [p.distinct for p in found.passes] == [TEST] * 2
    assert [p.updates_before for p in found.passes] == [4, 8]


def test_steps_and_updates(plain: Run) -> None:
    """Every traced step is reproduced: loss, target, gradient, update."""
    found = judge(plain.evidence)
    assert len(found.steps) >= 3
    for step in found.steps:
        assert (step.loss, step.equivalent, step.gradient_matches) == ("cross entropy", True, True)
        assert step.target is not None
        assert (step.target.kind, step.target.wrong) == ("one_hot", 0)
    assert all(update.follows for update in found.updates)
    assert (found.optimizer_parameters, found.optimizers_stepping) == ("all", 1)


def test_model(plain: Run) -> None:
    """The final accuracy is computed, the student's model agrees with it on the probes."""
    found = judge(plain.evidence)
    assert found.probe.agrees
    assert not found.probe.sizes_failed
    assert found.accuracy.measured is not None
    assert found.passes[-1].accuracy == found.accuracy.measured
    assert found.layout == "identity"
    assert np.array(found.kernels).shape == (10, 8, 8)


def test_shown(plain: Run) -> None:
    """All ten kernels are the trained ones."""
    shown = judge(plain.evidence).shown
    assert shown is not None
    assert shown.final == frozenset(range(10))


def test_data(plain: Run) -> None:
    """Both files were opened, both sets are in use, unscaled."""
    data = judge(plain.evidence).data
    assert (data.loaded, data.train_variable, data.test_variable) == (("train.npz", "test.npz"), True, True)
    assert (data.swapped, data.redirected, data.scale, data.shift) == (False, False, 1.0, 0.0)


def with_output(plain: Run, text: str) -> Evidence:
    cell = CellRun(1, 0, ({"output_type": "stream", "text": text},), False, False, 1.0)
    return replace(plain.evidence, cells=(cell,))


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("(120, 784) (120,) (60, 784) (60,)", 4),
        ("torch.Size([120, 784]) torch.Size([120])\ntorch.Size([60, 784]) torch.Size([60])", 4),
        ("120 x 784, 120 labels", 2),
        ("(120, 1, 28, 28), (120,)", 2),
        ("1120 784 0.120", 0),
        ("", 0),
    ],
)
def test_shapes_shown(plain: Run, text: str, shapes: int) -> None:
    """The four shapes are known in any notation."""
    assert judge(with_output(plain, text)).reported.shapes == shapes


def test_reported(plain: Run) -> None:
    """The printed test accuracy is read, whatever it claims."""
    found = judge(with_output(plain, "test accuracy: 99.50%"))
    assert found.reported.accuracy == pytest.approx(0.995)
    assert found.accuracy.measured is not None
    true = found.accuracy.measured
    assert judge(with_output(plain, f"{true:.4f}")).reported.accuracy == true


def test_nothing(plain: Run) -> None:
    """A run that left nothing has empty facts, and no error."""
    found = judge(parse_evidence([]))
    assert (found.model, found.architecture, found.steps, found.layout) == (None, None, (), "none")
    assert found.accuracy.measured is None


def test_cut_off(plain: Run) -> None:
    """Without a final state the latest recorded weights count."""
    found = judge(replace(plain.evidence, state=None, probes=()))
    assert found.accuracy.measured is not None
    assert found.shown is None
    assert found.training.batches == 8


def test_transposed_images(verified: Verifier) -> None:
    """Transposed images are known, and the accuracy is that of the transposing model."""
    turned = MODEL.replace("x.reshape(-1, 1, 28, 28)", "x.reshape(-1, 1, 28, 28).transpose(2, 3)")
    found = verified(DATA + turned, TRAINING, TESTING)
    assert found.layout == "transposed"
    assert found.training.distinct == TRAIN
    assert found.steps[0].equivalent
    assert found.passes[-1].accuracy is not None


def test_swapped_sets(verified: Verifier) -> None:
    """Learning from the test set and testing on the training set is told."""
    found = verified(DATA + "X, X_test, Y, Y_test = X_test, X, Y_test, Y\n" + MODEL, TRAINING, TESTING)
    assert found.data.swapped
    assert found.training.test_rows == 2 * TEST


def test_overlapping_windows(verified: Verifier) -> None:
    """`X[i : i + 30]`, i = 0, 1, 2, ... is seen by the images that it repeats."""
    windows = TRAINING.replace("zip(X.split(30), Y.split(30))", "[(X[i : i + 30], Y[i : i + 30]) for i in range(6)]")
    facts = verified(DATA + MODEL, windows).training
    assert facts.overlap == pytest.approx(29 / 30)
    assert facts.distinct == 35


def test_double_softmax(verified: Verifier) -> None:
    """Softmax before the cross entropy is named as such in every traced step."""
    steps = verified(DATA + MODEL, TRAINING.replace("model(x)", "model(x).softmax(1)")).steps
    assert steps
    assert {step.loss for step in steps} == {"cross entropy of softmax"}


def test_manual_training_by_unfold(verified: Verifier) -> None:
    """A convolution by `unfold`, updated by hand, is verified like any other."""
    by_hand = """
    for epoch in range(2):
        for x, y in zip(X.split(30), Y.split(30)):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            with torch.no_grad():
                for p in (W_1, W_2):
                    p -= 0.05 * p.grad
                    p.grad = None
    """
    found = verified(DATA + UNFOLDED + "del optimizer\n", textwrap.dedent(by_hand).lstrip(), TESTING)
    assert found.training.manual == found.training.updates == 8
    assert {step.loss for step in found.steps} == {"cross entropy"}
    assert all(u.as_sgd == pytest.approx(0.05, rel=1e-3) for u in found.updates)
    assert found.accuracy.measured is not None
    assert found.optimizer_parameters == "manual"


def test_two_models(tmp_path: Path) -> None:
    """Of two trained models the more trained one comes first."""
    evidence = record(tmp_path, DATA + MODEL, TRAINING, MODEL, TRAINING * 2, TESTING).evidence
    found = verify(evidence, SETTING)
    assert [v.training.batches for v in found] == [16, 8]


def test_forged_final_weights(plain: Run) -> None:
    """Final weights that are not the model's own do not agree with its answers to the probes."""
    state = plain.evidence.state
    assert state is not None
    forged = replace(state, final={n: a + 0.05 for n, a in state.final.items()})
    assert judge(replace(plain.evidence, state=forged)).probe.agrees is False


def forge_trace(evidence: Evidence, **changes: Any) -> Evidence:
    first, *rest = evidence.traces
    return replace(evidence, traces=(replace(first, **changes), *rest))


def forge_nodes(evidence: Evidence, **changes: Any) -> Evidence:
    return forge_trace(evidence, nodes=tuple(replace(node, **changes) for node in evidence.traces[0].nodes))


def forge_arrays(evidence: Evidence, change: Callable[[str, np.ndarray], tuple[str, np.ndarray]]) -> Evidence:
    arrays = evidence.traces[0].arrays
    return forge_trace(evidence, arrays=dict(change(name, array) for name, array in arrays.items()))


def forge_state(evidence: Evidence, **changes: Any) -> Evidence:
    assert evidence.state is not None
    return replace(evidence, state=replace(evidence.state, **changes))


def settings_of(evidence: Evidence, settings: Any) -> Evidence:
    return forge_trace(
        evidence,
        optimizer_description={
            "class": "SGD", "module": "torch.optim.sgd", "groups": [{"parameters": [0, 1, 2, 3], "settings": settings}],
        },
    )  # fmt: skip


def empty(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    return name, array.reshape(-1)[:0]


def flat(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    return name, array.reshape(-1)


def odd_name(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    return (name.replace("/0", "/zero"), array) if name.startswith(("parameter", "after")) else (name, array)


def whole(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    return name, array.astype(np.int64)


FORGERIES: dict[str, Callable[[Evidence], Evidence]] = {
    "no nodes": lambda e: forge_trace(e, nodes=()),
    "no arrays": lambda e: forge_trace(e, arrays={}),
    "no outputs": lambda e: forge_nodes(e, outputs=(), shapes=()),
    "no shapes": lambda e: forge_nodes(e, shapes=()),
    "empty shapes": lambda e: forge_nodes(e, shapes=((),)),
    "no inputs": lambda e: forge_nodes(e, inputs=()),
    "circle": lambda e: forge_nodes(e, outputs=(1,)),
    "other operations": lambda e: forge_nodes(e, op="aten.bmm.default"),
    "no operations": lambda e: forge_nodes(e, op=""),
    "odd references": lambda e: forge_nodes(e, inputs=({"v": "x"}, {"p": None}, {"d": [1]}, {"c": {}})),
    "unhashable references": lambda e: forge_nodes(e, inputs=({"v": []}, {"p": []}, {"d": {}}, {"c": []})),
    "events that were not": lambda e: forge_trace(e, events=(10**6,)),
    "negative events": lambda e: forge_trace(e, events=(-1,)),
    "huge events": lambda e: forge_trace(e, events=(2**80,)),
    "no events": lambda e: forge_trace(e, events=()),
    "returned values that were not": lambda e: forge_trace(e, returned=(10**6,)),
    "root that was not": lambda e: forge_trace(e, backwards=(replace(e.traces[0].backwards[0], root=10**6),)),
    "empty arrays": lambda e: forge_arrays(e, empty),
    "flat arrays": lambda e: forge_arrays(e, flat),
    "whole numbers": lambda e: forge_arrays(e, whole),
    "odd names": lambda e: forge_arrays(e, odd_name),
    "optimizer without groups": lambda e: forge_trace(e, optimizer_description={"class": "SGD"}),
    "groups that are none": lambda e: forge_trace(
        e, optimizer_description={"class": "SGD", "module": "torch.optim.sgd", "groups": [3]}
    ),
    "settings that are none": lambda e: settings_of(e, [1]),
    "settings of odd types": lambda e: settings_of(e, {"lr": "much", "momentum": None}),
    "final weights of another shape": lambda e: forge_state(e, final={n: np.zeros(3) for n in range(4)}),
    "final weights of no shape": lambda e: forge_state(e, final={n: np.zeros(()) for n in range(4)}),
    "final weights that are whole": lambda e: forge_state(
        e, final={n: a.astype(np.int64) for n, a in e.state.final.items()} if e.state else {}
    ),
    "final weights that are none": lambda e: forge_state(
        e, final={n: np.full_like(a, np.nan) for n, a in e.state.final.items()} if e.state else {}
    ),
    "first weights of another shape": lambda e: forge_state(e, first={n: np.zeros(3) for n in range(4)}),
    "optimizers that are none": lambda e: forge_state(e, optimizers=({"groups": 3},)),
    "groups of optimizers that are none": lambda e: forge_state(e, optimizers=({"groups": [3]},)),
    "parameters that are none": lambda e: forge_state(e, optimizers=({"groups": [{"parameters": [[1]]}]},)),
    "keys of no variable": lambda e: forge_state(e, variable_arrays={"variable/X/keys": np.zeros(0, dtype=np.uint64)}),
    "snapshot of another shape": lambda e: replace(
        e, snapshots=tuple(replace(s, parameters={n: np.zeros(3) for n in s.parameters}) for s in e.snapshots)
    ),
    "probe scores that are none": lambda e: replace(
        e, probes=tuple(replace(p, scores={30: np.full((60, 10), np.nan)}) for p in e.probes)
    ),
    "too many probe scores": lambda e: replace(
        e, probes=tuple(replace(p, scores={30: np.zeros((600, 10))}) for p in e.probes)
    ),
    "pictures of no shape": lambda e: replace(
        e, pictures=tuple(replace(p, image=np.zeros((0, 8), dtype=np.float32)) for p in e.pictures)
    ),
    "pictures of booleans": lambda e: replace(
        e, pictures=tuple(replace(p, image=np.ones((8, 8), dtype=bool)) for p in e.pictures)
    ),
    "pictures without colours": lambda e: replace(
        e, pictures=tuple(replace(p, image=np.zeros((9, 9, 0), dtype=np.float32)) for p in e.pictures)
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "forgery",
    list(FORGERIES),
)
def test_forged_evidence(plain: Run, forgery: str) -> None:
    """Evidence that is well-formed and makes no sense is judged or refused; it never breaks the grader."""
    try:
        judge(FORGERIES[forgery](plain.evidence))
    except EvidenceError:
        return
