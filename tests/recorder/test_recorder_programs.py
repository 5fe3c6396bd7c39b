"""The recorder on small real programs, in the styles in which students write them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grader.evidence.values import UNKNOWN_CLASS, Flag, Kind
from grader.verify.rows import RowIndex
from tests.recorder.images import TRAIN, small_set
from tests.recorder.runs import DATA, MODEL, TESTING, TRAINING, UNFOLDED, Run, record

Runner = Callable[..., Run]

STEPS = "FLBS" * 8
FUNCTIONAL = """
torch.manual_seed(0)
W_1 = (torch.rand(10, 1, 8, 8) / 10).requires_grad_()
b_1 = torch.zeros(10, requires_grad=True)
W_2 = (torch.rand(1210, 10) / 100).requires_grad_()
b_2 = torch.zeros(10, requires_grad=True)

def model(x):
    z_1 = F.conv2d(x.view(-1, 1, 28, 28), W_1, b_1, stride=2)
    return z_1.relu().reshape(len(x), -1) @ W_2 + b_2
"""


def loop(update: str, before: str = "", backward: str = "loss.backward()") -> str:
    """Two epochs of four batches; `update` stands at the end of each, `before` at its beginning."""
    lines = [*before.splitlines(), "loss = F.cross_entropy(model(x), y)", backward, *update.splitlines()]
    body = textwrap.indent("\n".join(lines), " " * 8)
    return f"for epoch in range(2):\n    for x, y in zip(X.split(30), Y.split(30)):\n{body}\n"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The plain solution: a class, an optimizer, two epochs, one test phase."""
    save = "\nnp.savez('weights.npz', *[p.detach().numpy() for p in model.parameters()])"
    return record(tmp_path_factory.mktemp("plain"), DATA + MODEL, TRAINING, TESTING + save)


def rows_of(run: Run) -> np.ndarray:
    """The number of the image that each key names."""
    return RowIndex(small_set()).match(run.evidence.events.keys)[0]


def test_class_with_optimizer(plain: Run) -> None:
    """Of the plain solution every forward pass, loss, backward pass and step is noted, in order and without a fault."""
    seen = plain
    assert seen.story == STEPS + "FLFL"
    assert all(seen.flagged(Kind.STEP, Flag.TOUCHED))
    assert not any(seen.flagged(Kind.STEP, Flag.NO_GRADIENT))
    assert not any(seen.flagged(Kind.BACKWARD, Flag.STALE))
    assert seen.flagged(Kind.FORWARD, Flag.GRAD_ENABLED) == [True] * 8 + [False] * 2
    assert seen.evidence.state is not None
    assert not seen.evidence.state.faults
    assert not seen.evidence.errors


def test_keys_name_the_images(plain: Run) -> None:
    """Every image that reached the model is named by its key, in the order in which it came."""
    epoch = list(range(TRAIN))
    assert rows_of(plain).tolist() == [*epoch, *epoch, *range(TRAIN, TRAIN + 60)]
    assert (plain.evidence.events.predicted < 10).all()


def test_traces_and_snapshot(plain: Run) -> None:
    """The first updates are traced whole, the test phase too, and the weights are kept before it."""
    evidence = plain.evidence
    assert [t.reason for t in evidence.traces] == ["step", "step", "step", "cell"]
    first, *_, tested = evidence.traces
    assert first.optimizer_description is not None
    assert first.optimizer_description["class"] == "SGD"
    assert len(first.backwards) == 1
    assert first.backwards[0].root in {v for node in first.nodes for v in node.outputs}
    assert not tested.backwards
    assert not tested.nodes[0].grad
    (snapshot,) = evidence.snapshots
    assert snapshot.event == tested.events[0]
    assert evidence.state is not None
    for number, values in snapshot.parameters.items():
        assert np.array_equal(values, evidence.state.final[number])


def test_gradient_is_kept_as_it_was_added(plain: Run) -> None:
    """One step of the first trace is plain arithmetic: after = parameter - lr * gradient."""
    trace = plain.evidence.traces[0].arrays
    for number in range(4):
        expected = trace[f"parameter/{number}"] - np.float32(0.05) * trace[f"gradient/{number}"]
        assert np.allclose(trace[f"after/{number}"], expected, atol=1e-7)
        assert np.array_equal(trace[f"added/all/{number}"], trace[f"gradient/{number}"])


def test_places(plain: Run) -> None:
    """Cell and line of the backward pass and of the step are the student's own."""
    trace = plain.evidence.traces[0]
    backward, step = trace.backwards[0].place, trace.step_place
    assert backward is not None
    assert step is not None
    assert (backward.cell, line_of(plain, backward.line)) == (2, "loss.backward()")
    assert (step.cell, line_of(plain, step.line)) == (2, "optimizer.step()")


def line_of(run: Run, line: int) -> str:
    """A line of the second cell."""
    return run.cells[1].splitlines()[line - 1].strip()


def test_places_in_a_cell_that_begins_with_empty_lines(run: Runner) -> None:
    """Lines are counted in the cell as the student wrote it."""
    seen = run(DATA + MODEL, "\n\n" + TRAINING)
    step = seen.evidence.traces[0].step_place
    assert step is not None
    assert line_of(seen, step.line) == "optimizer.step()"


def test_final_state(plain: Run) -> None:
    """The end tells the weights, the optimizer with its parameters, the layers and the loaded files."""
    evidence = plain.evidence
    state = evidence.state
    assert state is not None
    assert list(state.models.values()) == [(0, 1, 2, 3)]
    assert any(not np.array_equal(state.first[n], state.final[n]) for n in state.final)
    (optimizer,) = state.optimizers
    assert optimizer["groups"][0]["parameters"] == [0, 1, 2, 3]
    assert {"X", "Y", "model", "optimizer"} <= set(state.names)
    assert [load.name for load in evidence.loads] == ["train.npz", "test.npz"]
    assert {layer["operation"] for layer in state.layers} == {"conv2d", "linear"}
    assert {"Conv2d", "Linear"} <= {module["class"] for module in state.modules}


def test_probes_are_answered(plain: Run) -> None:
    """The trained model answers images that it has never seen, whatever the size of the batch."""
    (answer,) = plain.evidence.probes
    assert answer.scores[30].shape == (60, 10)
    assert not answer.errors
    assert np.allclose(answer.scores[7], answer.scores[30][:14], atol=1e-5)
    assert np.allclose(answer.scores[1], answer.scores[30][:2], atol=1e-5)


def test_fixed_batch_size(run: Runner) -> None:
    """A model for batches of 30 alone says so when it is asked about others."""
    fixed = MODEL.replace("x.reshape(-1, 1, 28, 28)", "x.reshape(30, 1, 28, 28)")
    (answer,) = run(DATA + fixed, TRAINING).evidence.probes
    assert set(answer.scores) == {30}
    assert set(answer.errors) == {1, 7}


def test_watching_changes_nothing(plain: Run, tmp_path: Path) -> None:
    """The weights are, bit for bit, those of the same program that nobody watches."""
    bare = record(tmp_path, *plain.cells, watched=False)
    with np.load(plain.folder / "weights.npz") as one, np.load(bare.folder / "weights.npz") as other:
        assert one.files == other.files
        assert all(np.array_equal(one[name], other[name]) for name in one.files)


def test_module(run: Runner) -> None:
    """A module runs as a script does; its places have no cell."""
    seen = run(DATA + MODEL + TRAINING + TESTING, module=True)
    assert seen.story == STEPS + "FLFL"
    place = seen.evidence.traces[0].step_place
    assert place is not None
    assert (place.file, place.cell) == ("student.py", None)
    assert not seen.evidence.reference_loop


def test_module_with_a_model_only(run: Runner) -> None:
    """A module that trains nothing gets the reference loop: two epochs of four batches here, each with a test."""
    model = MODEL.replace("model = CNN()", "").replace("optimizer = torch.optim.SGD(model.parameters(), lr=0.05)", "")
    seen = run("import torch\nimport torch.nn.functional as F\nfrom torch import nn\n" + model, module=True)
    assert seen.evidence.reference_loop
    assert seen.story == "FLBSFLBSFLBSFLBSFF" * 2
    assert not seen.evidence.errors


def test_constructor_arguments_of_the_practical(run: Runner) -> None:
    """A class that wants the practical's sizes, CNN(M_1, M_2, M_3, K, stride), is made with them."""
    source = """
    import torch.nn.functional as F
    from torch import nn

    class CNN(nn.Module):
        def __init__(self, M_1, M_2, M_3, K, stride):
            super().__init__()
            self.conv = nn.Conv2d(M_3, 10, K, stride)
            self.dense = nn.Linear(10 * ((M_1 - K) // stride + 1) * ((M_2 - K) // stride + 1), 10)

        def forward(self, x):
            z_1 = self.conv(x.reshape(-1, 1, 28, 28))
            return self.dense(F.relu(z_1).flatten(1)), z_1
    """
    seen = run(textwrap.dedent(source), module=True)
    assert seen.evidence.reference_loop
    assert seen.count(Kind.STEP) == 8


@pytest.mark.parametrize(
    "update",
    [
        "with torch.no_grad():\n    for p in (W_1, b_1, W_2, b_2):\n        p -= 0.05 * p.grad\n        p.grad = None",
        "for p in (W_1, b_1, W_2, b_2):\n    p.data -= 0.05 * p.grad\n    p.grad.zero_()",
        "for p in (W_1, b_1, W_2, b_2):\n    p.data = p.data - 0.05 * p.grad\n    p.grad = None",
    ],
    ids=["no_grad", "data-in-place", "data-replaced"],
)
def test_manual_updates(run: Runner, update: str) -> None:
    """Weights that move without an optimizer are updates, whether or not their version counter tells."""
    seen = run(DATA + FUNCTIONAL, loop(update), TESTING)
    assert seen.story.replace("L", "") == "FBU" * 8 + "FF"
    assert not any(seen.flagged(Kind.BACKWARD, Flag.STALE))
    first = seen.evidence.traces[0]
    assert first.reason == "update"
    assert first.optimizer_description is None
    for number in range(4):
        expected = first.arrays[f"parameter/{number}"] - np.float32(0.05) * first.arrays[f"added/all/{number}"]
        assert np.allclose(first.arrays[f"after/{number}"], expected, atol=1e-7)


def test_autograd_grad(run: Runner) -> None:
    """`torch.autograd.grad` is a backward pass, although no `.grad` is ever filled."""
    update = "with torch.no_grad():\n    for p, g in zip((W_1, b_1, W_2, b_2), grads):\n        p -= 0.05 * g"
    backward = "grads = torch.autograd.grad(loss, (W_1, b_1, W_2, b_2))"
    seen = run(DATA + FUNCTIONAL, loop(update, backward=backward), TESTING)
    assert seen.story.replace("L", "") == "FBU" * 8 + "FF"
    arrays = seen.evidence.traces[0].arrays
    assert {f"added/all/{n}" for n in range(4)} <= set(arrays)
    assert not any(name.startswith("gradient/") for name in arrays)


def test_one_sample_at_a_time(run: Runner) -> None:
    """Thirty backward passes of one image each, then a step: the later ones find gradients, the first one none."""
    body = """
    for start in range(0, 90, 30):
        optimizer.zero_grad()
        for i in range(start, start + 30):
            loss = F.cross_entropy(model(X[i]), Y[i : i + 1]) / 30
            loss.backward()
        optimizer.step()
    """
    seen = run(DATA + MODEL, textwrap.dedent(body))
    assert seen.story == ("FLB" * 30 + "S") * 3
    assert seen.flagged(Kind.BACKWARD, Flag.STALE) == ([False] + [True] * 29) * 3
    assert seen.evidence.events.size[seen.evidence.events.kind == Kind.FORWARD].tolist() == [1] * 90
    assert len(seen.evidence.traces[0].backwards) == 30
    assert rows_of(seen).tolist() == list(range(90))


def test_samples_stacked_into_one_loss(run: Runner) -> None:
    """Thirty forward passes and one backward pass: the event says how many belong to it."""
    body = """
    for start in range(0, 60, 30):
        optimizer.zero_grad()
        loss = F.cross_entropy(torch.cat([model(x) for x in X[start : start + 30]]), Y[start : start + 30])
        loss.backward()
        optimizer.step()
    """
    seen = run(DATA + MODEL, textwrap.dedent(body))
    assert seen.story == ("F" * 30 + "LBS") * 2
    events = seen.evidence.events
    assert events.size[events.kind == Kind.BACKWARD].tolist() == [30, 30]
    assert len(seen.evidence.traces[0].events) == 30


def test_missing_zero_grad(run: Runner) -> None:
    """Without clearing, every backward pass but the first finds old gradients."""
    seen = run(DATA + MODEL, loop("optimizer.step()"))
    assert seen.flagged(Kind.BACKWARD, Flag.STALE) == [False] + [True] * 7


@pytest.mark.parametrize("clearing", ["optimizer.zero_grad()", "model.zero_grad(set_to_none=False)"])
def test_cleared_at_the_end(run: Runner, clearing: str) -> None:
    """Clearing after the step is as good as before the backward pass, whoever does it."""
    seen = run(DATA + MODEL, loop(f"optimizer.step()\n{clearing}"))
    assert not any(seen.flagged(Kind.BACKWARD, Flag.STALE))
    assert not any(seen.flagged(Kind.STEP, Flag.NO_GRADIENT))


def test_cleared_before_the_step(run: Runner) -> None:
    """A step that comes after the clearing has no gradient and leaves the weights alone."""
    seen = run(DATA + MODEL, loop("optimizer.zero_grad()\noptimizer.step()"))
    assert all(seen.flagged(Kind.STEP, Flag.NO_GRADIENT))
    assert not any(seen.flagged(Kind.STEP, Flag.TOUCHED))


def test_missing_step(run: Runner) -> None:
    """Without a step there is no update of any kind."""
    seen = run(DATA + MODEL, loop("", before="optimizer.zero_grad()"), TESTING)
    assert seen.count(Kind.BACKWARD) == 8
    assert seen.count(Kind.STEP) == seen.count(Kind.UPDATE) == 0


def test_optimizer_of_another_model(run: Runner) -> None:
    """Steps of an optimizer that holds other parameters do not touch the model, and say whose numbers they hold."""
    other = "other = CNN()\noptimizer = torch.optim.SGD(other.parameters(), lr=0.05)\n"
    seen = run(DATA + MODEL + other, TRAINING)
    assert seen.count(Kind.STEP) == 8
    assert not any(seen.flagged(Kind.STEP, Flag.TOUCHED))
    assert seen.evidence.state is not None
    assert seen.evidence.state.optimizers[0]["groups"][0]["parameters"] == [-1] * 4


def test_lazy_layers(run: Runner) -> None:
    """Layers that find their sizes at the first call are recorded like any others."""
    lazy = MODEL.replace("nn.Linear(1210, 10)", "nn.LazyLinear(10)").replace("nn.Conv2d(1, ", "nn.LazyConv2d(")
    seen = run(DATA + lazy, TRAINING)
    assert seen.evidence.state is not None
    assert seen.story == STEPS
    assert not seen.evidence.state.faults
    assert {a.shape for a in seen.evidence.state.final.values()} == {(10, 1, 8, 8), (10,), (10, 1210)}


def test_inference_mode(run: Runner) -> None:
    """A test phase under `inference_mode` is noted and traced."""
    seen = run(DATA + MODEL, TRAINING, TESTING.replace("no_grad", "inference_mode"))
    assert seen.story == STEPS + "FLFL"
    assert seen.evidence.traces[-1].nodes
    assert not seen.evidence.traces[-1].backwards
    assert (seen.evidence.events.predicted != UNKNOWN_CLASS).all()


def test_convolution_by_unfold(run: Runner) -> None:
    """A convolution out of `unfold` and a product is a forward pass too."""
    seen = run(DATA + UNFOLDED, TRAINING, TESTING)
    assert seen.count(Kind.FORWARD) == 10
    assert seen.count(Kind.STEP) == 8
    assert rows_of(seen)[:TRAIN].tolist() == list(range(TRAIN))
    assert {"aten.im2col.default"} <= {node.op for node in seen.evidence.traces[0].nodes}


def test_forward_called_directly(run: Runner) -> None:
    """`model.forward(x)` and an overridden `__call__` hide nothing."""
    odd = MODEL.replace(
        "    def forward", "    def __call__(self, x):\n        return self.forward(x)\n\n    def forward"
    )
    assert run(DATA + odd, TRAINING.replace("model(x)", "model.forward(x)")).story == STEPS


def test_shuffled_loader(run: Runner) -> None:
    """Shuffled batches of a DataLoader are known image by image; an epoch is a permutation."""
    loader = (
        "from torch.utils.data import DataLoader, TensorDataset\nloader = DataLoader(TensorDataset(X, Y), 30, True)\n"
    )
    seen = run(DATA + MODEL + loader, TRAINING.replace("zip(X.split(30), Y.split(30))", "loader"))
    epoch = rows_of(seen)[:TRAIN].tolist()
    assert epoch != list(range(TRAIN))
    assert sorted(epoch) == list(range(TRAIN))


def test_rescaled_images(run: Runner) -> None:
    """Normalised images keep their names."""
    seen = run(DATA + "X = (X - 0.1307) / 0.3081\n" + MODEL, TRAINING)
    assert rows_of(seen)[:TRAIN].tolist() == list(range(TRAIN))


def test_two_models(run: Runner) -> None:
    """Two models that are trained in one notebook have two numbers."""
    seen = run(DATA + MODEL, TRAINING, MODEL, TRAINING)
    assert seen.story == STEPS * 2
    events = seen.evidence.events
    assert len(set(events.who[events.kind == Kind.FORWARD].tolist())) == 2
    assert {answer.model for answer in seen.evidence.probes} == set(events.who[events.kind == Kind.FORWARD].tolist())


def test_layers_made_anew(run: Runner) -> None:
    """A layer that is made at each call shows as a new model at each call."""
    anew = MODEL.replace("self.conv(", "nn.Conv2d(1, 10, 8, 2)(")
    events = run(DATA + anew, TRAINING).evidence.events
    assert len(set(events.who[events.kind == Kind.FORWARD].tolist())) == 8


def test_failing_cell(run: Runner) -> None:
    """An error is told with its cell and line, and the cells after it are recorded."""
    seen = run(DATA + MODEL, "model(X[:30])\nmodell(X[:30])", TRAINING)
    (error,) = seen.evidence.errors
    assert (error.cell, error.type) == (2, "NameError")
    assert error.place is not None
    assert (error.place.cell, error.place.line) == (2, 2)
    assert seen.story == "F" + STEPS


def test_syntax_error(run: Runner) -> None:
    """A cell that cannot be compiled has a place too."""
    (error,) = run("x = 1\ny = = 2").evidence.errors
    assert error.type == "SyntaxError"
    assert error.place is not None
    assert (error.place.cell, error.place.line) == (1, 2)


def test_failing_operation(run: Runner) -> None:
    """An operation that fails ends the trace, with its error and line; the error is the student's own."""
    wrong = MODEL.replace("1210", "1000")
    seen = run(DATA + wrong, "model(X[:30])")
    (error,) = seen.evidence.errors
    assert error.type == "RuntimeError"
    failed = seen.evidence.traces[0].nodes[-1]
    assert failed.error is not None
    assert failed.place is not None
    assert failed.place.cell == 1


@pytest.mark.parametrize("detour", ["", "import os\nos.chdir('data')\n"], ids=["elsewhere", "other-folder"])
def test_data_that_lies_elsewhere_at_home(run: Runner, detour: str) -> None:
    """`np.load` of a path that only the student's computer has opens the staged file, and says so."""
    cell = detour + "import numpy as np\nprint(np.load('C:\\\\Users\\\\me\\\\train.npz')['X'].shape)"
    seen = run(cell)
    assert not seen.evidence.errors
    (load,) = seen.evidence.loads
    assert (load.name, load.redirected) == ("train.npz", True)


def test_pictures(run: Runner) -> None:
    """What `imshow`, `matshow` and `pcolormesh` show is kept as numbers, with its place in time."""
    plots = """
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, 3)
    kernel = model.conv.weight.detach()[0, 0]
    axes[0].imshow(kernel, cmap="gray")
    axes[1].matshow(kernel.numpy())
    axes[2].pcolormesh(kernel.numpy())
    figure.savefig("filters.png")
    """
    seen = run(DATA + MODEL, TRAINING, textwrap.dedent(plots).lstrip())
    assert not seen.evidence.errors
    assert seen.evidence.state is not None
    kernel = seen.evidence.state.final[0][0, 0]
    shown = [p.image for p in seen.evidence.pictures]
    assert len(shown) == 3
    assert all(np.allclose(image.reshape(8, 8), kernel) for image in shown)
    assert all(p.event > np.flatnonzero(seen.evidence.events.kind == Kind.STEP)[-1] for p in seen.evidence.pictures)
    assert {p.place.line for p in seen.evidence.pictures if p.place} == {4, 5, 6}


def test_state_of_adam(run: Runner) -> None:
    """An optimizer's own memory is kept with the step, so that the step can be done again."""
    seen = run(DATA + MODEL.replace("SGD", "Adam"), TRAINING)
    second = seen.evidence.traces[1].arrays
    assert {"state/0/exp_avg", "state/0/exp_avg_sq", "state/0/step"} <= set(second)


def test_variables(run: Runner) -> None:
    """The student's arrays are listed, with keys of their images and values of their labels."""
    state = run(DATA + "labels = Y.argmax(1)").evidence.state
    assert state is not None
    listed = {v["name"]: v for v in state.variables}
    assert listed["X"]["shape"] == [TRAIN, 784]
    index = RowIndex(small_set())
    assert (index.match(state.variable_arrays["variable/X_test/keys"])[0] >= TRAIN).all()
    rows = state.variable_arrays["variable/labels/rows"]
    assert np.array_equal(state.variable_arrays["variable/labels/values"].reshape(-1), small_set().train_labels[rows])


def test_faults_of_the_recorder_are_its_own(run: Runner) -> None:
    """Objects that break when looked at are counted as faults; program and evidence go on."""
    odd = """
    class Odd(torch.Tensor):
        def detach(self):
            raise RuntimeError("not for you")

    odd = X[:30].as_subclass(Odd)
    model(odd)
    """
    seen = run(DATA + MODEL, textwrap.dedent(odd), TRAINING)
    assert not seen.evidence.errors
    assert seen.evidence.state is not None
    assert any("not for you" in fault for fault in seen.evidence.state.faults)
    assert seen.story.endswith(STEPS)


def test_long_programs_are_traced_sparsely(run: Runner) -> None:
    """Of 240 updates only a handful is traced, while the journal has them all."""
    seen = run(DATA + MODEL, TRAINING.replace("range(2)", "range(60)"))
    assert seen.count(Kind.STEP) == seen.count(Kind.BACKWARD) == 240
    assert 4 <= len(seen.evidence.traces) <= 8
