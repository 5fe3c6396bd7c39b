"""Which field of the evidence backs which check, and what a forger would make of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.tamper import forged_traces as traced
from tests.tamper import forgeries as forge
from tests.tamper.evidence import with_output
from tests.tamper.forged_traces import Forge

# Which fields of the evidence back each check of the rubric: it is these that a forger would change.
BACKING: dict[str, tuple[str, ...]] = {
    "data.loaded": ("events.keys", "state.variable_arrays", "loads"),
    "data.shapes_shown": ("cells",),
    "layers.convolution": ("traces.nodes", "traces.parameter", "state.layers", "state.modules"),
    "layers.activation": ("traces.nodes", "traces.value", "state.modules"),
    "layers.dense": ("traces.nodes", "traces.parameter", "state.layers", "state.modules"),
    "forward.image": ("events.keys", "traces.data"),
    "forward.convolution_output": ("traces.nodes",),
    "forward.activation_applied": ("traces.nodes", "traces.value"),
    "forward.flattened": ("traces.nodes", "probes"),
    "forward.logits": ("traces.nodes", "traces.value"),
    "objective.loss": ("traces.nodes", "traces.added", "events.value"),
    "objective.optimizer": ("state.optimizers", "traces.optimizer_description", "traces.after", "traces.gradient"),
    "objective.parameters": ("state.optimizers", "traces.optimizer_description", "traces.after"),
    "training.targets": ("traces.constant", "events.value"),
    "training.gradient": ("traces.added", "traces.gradient", "traces.parameter"),
    "training.batches": ("events.keys", "traces.data"),
    "training.epochs": ("events", "events.keys"),
    "update.step": ("events", "traces.after", "state.final"),
    "update.zero_grad": ("events.flags", "traces.gradient"),
    "testing.phase": ("events.keys", "snapshots"),
    "testing.no_learning": ("events.keys", "traces.data"),
    "testing.reported": ("cells", "events.value", "events.predicted"),
    "filters.plotted": ("pictures",),
    "filters.trained": ("pictures", "state.final", "state.first", "snapshots"),
    "accuracy.reference": ("state.final", "state.first", "snapshots", "probes", "events.predicted", "cells"),
}


@dataclass(frozen=True)
class Case:
    """A forgery of `field` that shall make `check` say of a program with `fault` that it is right."""

    check: str
    field: str
    fault: str
    forge: Forge

    @property
    def name(self) -> str:
        return f"{self.check}-{self.field}-{self.fault}".replace(" ", "_")


CASES = (
    Case("data.loaded", "events.keys", "no test set", forge.rekeyed(forge.tested_on_test)),
    Case("data.loaded", "state.variable_arrays", "no test set", forge.state_from_right("variable_arrays")),
    Case("data.loaded", "loads", "no test set", forge.load_test),
    Case("data.shapes_shown", "cells", "shapes not shown",
         lambda e: with_output(e, "(60000, 784) (60000,) (10000, 784) (10000,)")),
    Case("layers.convolution", "traces.nodes", "stride 1", traced.argument("convolution", 3, [2, 2])),
    Case("layers.convolution", "traces.nodes", "padding 2", traced.argument("convolution", 4, [0, 0])),
    Case("layers.convolution", "traces.parameter", "kernel 5", traced.arrays("parameter/", traced.grown)),
    Case("layers.convolution", "state.layers", "stride 1", forge.state_from_right("layers")),
    Case("layers.convolution", "state.modules", "stride 1", forge.state_from_right("modules")),
    Case("layers.activation", "traces.nodes", "no activation", traced.traces(traced.insert_relu)),
    Case("layers.activation", "traces.nodes", "sigmoid", traced.node("sigmoid", op="aten.relu.default")),
    Case("layers.activation", "traces.value", "sigmoid", traced.noise_in("value/")),
    Case("layers.activation", "state.modules", "no activation", forge.state_from_right("modules")),
    Case("layers.dense", "traces.nodes", "20 classes", traced.shape("addmm", (20,), (10,))),
    Case("layers.dense", "traces.parameter", "20 classes", traced.arrays("parameter/", traced.ten_rows)),
    Case("layers.dense", "state.layers", "20 classes", forge.state_from_right("layers")),
    Case("layers.dense", "state.modules", "20 classes", forge.state_from_right("modules")),
    Case("forward.image", "events.keys", "transposed", forge.rekeyed(lambda rows, _: rows)),
    Case("forward.image", "traces.data", "transposed",
         traced.arrays("data/", lambda _, array, __: array.swapaxes(-1, -2).copy())),
    Case("forward.convolution_output", "traces.nodes", "kernel too large", traced.nodes(traced.without_error)),
    Case("forward.activation_applied", "traces.nodes", "activation discarded", traced.traces(traced.use_relu)),
    Case("forward.activation_applied", "traces.value", "activation discarded", traced.noise_in("value/")),
    Case("forward.flattened", "traces.nodes", "batch mixed", traced.shape("view", (121,), (1210,), 10)),
    Case("forward.flattened", "probes", "batch mixed", forge.from_right("probes")),
    Case("forward.logits", "traces.nodes", "double softmax", traced.traces(traced.drop_softmax)),
    Case("forward.logits", "traces.value", "double softmax", traced.noise_in("value/")),
    Case("objective.loss", "traces.nodes", "squared error", traced.nodes(traced.as_cross_entropy)),
    Case("objective.loss", "traces.added", "squared error", traced.noise_in("added/")),
    Case("objective.loss", "events.value", "squared error", forge.losses(2.3)),
    Case("objective.optimizer", "state.optimizers", "Adam",
         forge.state(lambda s: {"optimizers": tuple(map(traced.sgd, s.optimizers))})),
    Case("objective.optimizer", "state.optimizers", "Adam",
         forge.state(lambda s: {"optimizers": tuple(map(traced.own_class, s.optimizers))})),
    Case("objective.optimizer", "traces.optimizer_description", "Adam", traced.described(traced.sgd)),
    Case("objective.optimizer", "traces.after", "Adam", traced.arrays("after/", traced.as_sgd)),
    Case("objective.optimizer", "traces.gradient", "Adam", traced.noise_in("gradient/")),
    Case("objective.parameters", "state.optimizers", "dense parameters only",
         forge.state(lambda s: {"optimizers": tuple(map(traced.of_all, s.optimizers))})),
    Case("objective.parameters", "traces.optimizer_description", "dense parameters only",
         traced.described(traced.of_all)),
    Case("objective.parameters", "traces.after", "dense parameters only", traced.arrays("after/", traced.as_sgd)),
    Case("training.targets", "traces.constant", "index targets", traced.right_targets),
    Case("training.targets", "traces.constant", "misaligned targets", traced.right_targets),
    Case("training.targets", "events.value", "misaligned targets", forge.losses(0.1)),
    Case("training.gradient", "traces.added", "turned gradient", traced.arrays("added/", traced.turn_dense)),
    Case("training.gradient", "traces.gradient", "turned gradient", traced.arrays("gradient/", traced.turn_dense)),
    Case("training.gradient", "traces.parameter", "turned gradient", traced.noise_in("parameter/")),
    Case("training.batches", "events.keys", "half of the images", forge.rekeyed(forge.all_images)),
    Case("training.batches", "traces.data", "half of the images", traced.noise_in("data/")),
    Case("training.epochs", "events", "3 epochs", forge.journal(forge.more_epochs)),
    Case("training.epochs", "events.keys", "3 epochs", forge.rekeyed(forge.all_images)),
    Case("update.step", "events", "no step", forge.journal(forge.with_steps)),
    Case("update.step", "traces.after", "no step", traced.noise_in("after/")),
    Case("update.step", "state.final", "no step", forge.state_from_right("final")),
    Case("update.zero_grad", "events.flags", "no zero_grad", forge.flagged(False)),
    Case("update.zero_grad", "traces.gradient", "no zero_grad", traced.traces(traced.own_gradients)),
    Case("testing.phase", "events.keys", "tests on training images", forge.rekeyed(forge.tested_on_test)),
    Case("testing.phase", "snapshots", "no test phase", forge.from_right("snapshots")),
    Case("testing.no_learning", "events.keys", "learns from the test set", forge.rekeyed(forge.never_the_test_set)),
    Case("testing.no_learning", "traces.data", "learns from the test set", traced.noise_in("data/")),
    Case("testing.reported", "cells", "nothing reported",
         lambda e: with_output(e, "epoch 10: test loss 0.0123, test accuracy 99.50%")),
    Case("testing.reported", "events.value", "false loss", forge.losses(0.0123)),
    Case("testing.reported", "events.predicted", "nothing reported", forge.journal(forge.all_right)),
    Case("filters.plotted", "pictures", "no plot", forge.shown_kernels),
    Case("filters.trained", "pictures", "untrained kernels", forge.shown_kernels),
    Case("filters.trained", "state.final", "untrained kernels", forge.state(lambda s: {"final": s.first})),
    Case("filters.trained", "state.first", "untrained kernels",
         forge.state(lambda s: {"first": {n: traced.noisy(a) for n, a in s.first.items()}})),
    Case("filters.trained", "snapshots", "untrained kernels", forge.from_right("snapshots")),
    Case("accuracy.reference", "state.final", "hardly learns", forge.state_from_right("final")),
    Case("accuracy.reference", "state.first", "hardly learns", forge.state_from_right("first")),
    Case("accuracy.reference", "snapshots", "hardly learns", forge.from_right("snapshots")),
    Case("accuracy.reference", "probes", "hardly learns", forge.from_right("probes")),
    Case("accuracy.reference", "events.predicted", "hardly learns", forge.journal(forge.all_right)),
    Case("accuracy.reference", "cells", "hardly learns", lambda e: with_output(e, "test accuracy 99.50%")),
)  # fmt: skip
