"""The replay: a recorded forward pass is done again exactly, and nothing but listed arithmetic is ever done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.errors import EvidenceError
from grader.evidence.values import Node, Trace
from grader.verify.oracle import prove_step
from grader.verify.replay import Replay, ReplayError, operation, parameters_of
from tests.verify.traces import CLASSES, CNN, Pooled, Unfolded, batch, batches_of, record_step, trace_of


def replayed(trace: Trace, batch: Tensor) -> Replay:
    return Replay(trace, {0: batch}, parameters_of(trace, gradients=True)).run(trace.nodes)


def assert_same(trace: Trace, replay: Replay) -> None:
    """Every value that was recorded is the replayed one, bit for bit."""
    compared = 0
    for number, value in replay.values.items():
        recorded = trace.arrays.get(f"value/{number}")
        if recorded is not None:
            assert np.array_equal(recorded, value.detach().numpy())
            compared += 1
    assert compared >= 5


@pytest.mark.parametrize("kind", [CNN, Unfolded, Pooled])
def test_exact(kind: Callable[[], nn.Module]) -> None:
    """A forward pass and its loss, done again with the trusted images, give every recorded value."""
    evidence = record_step(kind())
    trace = trace_of(evidence)
    batch = batches_of(evidence).make(trace, 0)
    assert batch is not None
    assert_same(trace, replayed(trace, batch))


class Squeezed(CNN):
    """The practical's model, with axes that come and go in place."""

    def forward(self, x: Tensor) -> Tensor:
        z = F.relu(self.conv(x)).clone().unsqueeze_(0).squeeze_(0).unsqueeze_(0).squeeze_((0,))
        return self.dense(z.flatten(1)).t().clone().t_().transpose(0, 1).clone().transpose_(0, 1).swapaxes_(0, 1).T


def test_shapes_that_are_changed_in_place() -> None:
    """Views in place are done again, and the scores are found behind them."""
    evidence = record_step(Squeezed())
    trace = trace_of(evidence)
    assert {"aten.squeeze_.dims", "aten.unsqueeze_.default", "aten.t_.default"} <= {node.op for node in trace.nodes}
    proof = prove_step(trace, batches_of(evidence), CLASSES)
    assert (proof.loss, proof.gradient_matches, proof.equivalent) == ("cross entropy", True, True)


def test_double_precision() -> None:
    """Images of a program that calculates in float64 are made again as such."""
    images = batch().double()
    model = CNN().double()
    evidence = record_step(model, lambda s, t: F.cross_entropy(s, t.double()), data=images)
    trace, batches = trace_of(evidence), batches_of(evidence)
    made = batches.make(trace, 0)
    assert made is not None
    assert (made.dtype, bool((made == images).all())) == (torch.float64, True)
    proof = prove_step(trace, batches, CLASSES)
    assert (proof.loss, proof.gradient_matches, proof.equivalent) == ("cross entropy", True, True)


def test_gradients_flow_through_the_replay() -> None:
    """The replayed loss has the recorded gradient."""
    evidence = record_step(CNN())
    trace = trace_of(evidence)
    parameters = parameters_of(trace, gradients=True)
    batch = batches_of(evidence).make(trace, 0)
    assert batch is not None
    replay = Replay(trace, {0: batch}, parameters).run(trace.nodes)
    root = trace.backwards[0].root
    assert root is not None
    replay.values[root].backward()
    for number, tensor in parameters.items():
        assert tensor.grad is not None
        assert np.allclose(trace.arrays[f"added/all/{number}"], tensor.grad.numpy(), atol=1e-7)


def test_other_weights_give_other_values() -> None:
    """The replay computes: it does not repeat what was recorded."""
    evidence = record_step(CNN())
    trace = trace_of(evidence)
    batch = batches_of(evidence).make(trace, 0)
    assert batch is not None
    other = {n: t * 2 for n, t in parameters_of(trace, gradients=False).items()}
    last = trace.nodes[-1].outputs[0]
    assert not torch.allclose(
        Replay(trace, {0: batch}, other).run(trace.nodes).values[last], replayed(trace, batch).values[last]
    )


@pytest.mark.parametrize(
    "name",
    [
        "aten.set_.source_Storage",
        "aten.from_file.default",
        "aten.resize_.default",
        "aten.as_strided_.default",
        "aten.load.default",
        "prims.add.default",
        "os.system",
        "aten.relu",
        "relu",
        "",
        "aten.__class__.default",
        "aten.relu.default.__call__",
        "torch.relu.default",
        "aten.relu.nonsense",
    ],
)
def test_unlisted_operations(name: str) -> None:
    """Only listed operations of ATen are found by name."""
    with pytest.raises(ReplayError):
        operation(name)


def node(op: str, *inputs: object, outputs: tuple[int, ...] = (1,), **options: object) -> Node:
    return Node(op, inputs, options, outputs, ((1,),) * len(outputs), False, None)


EMPTY = replace(trace_of(record_step(CNN(), loss=None)), nodes=(), arrays={"constant/3": np.ones(4, dtype=np.float32)})


def run_nodes(*nodes: Node) -> Replay:
    return Replay(EMPTY, {}, {}).run(nodes)


def test_arguments_by_reference() -> None:
    """Constants, earlier values, types and infinities are resolved."""
    constant = {"c": 3}
    made = run_nodes(
        node("aten.add.Tensor", constant, constant, outputs=(1,)),
        node("aten.mul.Tensor", {"v": 1}, 3, outputs=(2,)),
        node("aten._to_copy.default", {"v": 2}, outputs=(3,), dtype={"s": "torch.float64"}),
        node("aten.clamp.default", {"v": 3}, {"s": "-inf"}, 5, outputs=(4,)),
    )
    assert made.values[4].tolist() == [5.0] * 4
    assert made.values[4].dtype == torch.float64


def test_results_in_lists() -> None:
    """Operations with several results define them in order."""
    made = run_nodes(node("aten.split.Tensor", {"c": 3}, 2, outputs=(1, 2)))
    assert [made.values[v].tolist() for v in (1, 2)] == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    "wrong",
    [
        node("aten.relu.default", {"v": 9}),
        node("aten.relu.default", {"p": 9}),
        node("aten.relu.default", {"d": 9}),
        node("aten.relu.default", {"c": 9}),
        node("aten.relu.default", {"v": "1"}),
        node("aten.relu.default", {"v": [1]}),
        node("aten.relu.default", {"s": "torch.nn"}),
        node("aten.relu.default", {"s": ["cpu"]}),
        node("aten.relu.default", {}),
        node("aten.relu.default"),
        node("aten.relu.default", "text"),
        node("aten.relu.default", {"c": 3}, nonsense=1),
        node("aten.relu.default", {"c": 3}, outputs=(1, 2)),
        node("aten.relu.default", {"c": 3}, outputs=()),
        node("aten.mm.default", {"c": 3}, {"c": 3}),
        node("aten.full.default", [2**62], 1),
        node("aten.select.int", {"c": 3}, 0, 2**70),
    ],
    ids=str,
)
def test_forged_operations(wrong: Node) -> None:
    """References to nothing, wrong arguments and wrong numbers of results end the replay with its own error."""
    with pytest.raises(ReplayError):
        run_nodes(wrong)
    assert issubclass(ReplayError, EvidenceError)


def test_memory_bomb() -> None:
    """An operation whose result is over the cap is refused before it takes the memory."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ReplayError):
        run_nodes(node("aten.ones.default", [200_000_000]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB; the result alone takes 800 MB
