"""The shape of a recorded forward pass: which operation is the convolution, which the dense layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from grader.evidence.values import Node, Trace

VIEWS = frozenset(
    """view _unsafe_view reshape _reshape_alias flatten t t_ transpose transpose_ permute squeeze squeeze_ unsqueeze
unsqueeze_ expand alias detach clone contiguous to _to_copy lift_fresh select slice unbind split chunk stack cat movedim
swapaxes swapaxes_ view_as copy_ index""".split()
)
CONVOLUTIONS = frozenset(["convolution", "conv2d", "_convolution", "mkldnn_convolution"])
PRODUCTS = frozenset("addmm mm bmm matmul linear baddbmm addmv mv einsum dot".split())
ACTIVATIONS = {
    "relu": "ReLU",
    "relu_": "ReLU",
    "threshold": "threshold",
    "clamp_min": "ReLU",
    "clamp_min_": "ReLU",
    "clamp": "clamp",
    "clamp_": "clamp",
    "maximum": "ReLU",
    "where": "where",
    "sigmoid": "sigmoid",
    "sigmoid_": "sigmoid",
    "tanh": "tanh",
    "tanh_": "tanh",
    "leaky_relu": "leaky ReLU",
    "leaky_relu_": "leaky ReLU",
    "elu": "ELU",
    "elu_": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "silu_": "SiLU",
    "softplus": "softplus",
    "hardtanh": "hardtanh",
    "hardtanh_": "hardtanh",
    "hardswish": "hardswish",
    "relu6": "ReLU6",
    "selu": "SELU",
    "celu": "CELU",
    "mish": "Mish",
    "_softmax": "softmax",
    "_log_softmax": "log-softmax",
}
EXTRA = {
    "max_pool2d_with_indices": "max pooling",
    "avg_pool2d": "average pooling",
    "_adaptive_avg_pool2d": "adaptive pooling",
    "adaptive_avg_pool2d": "adaptive pooling",
    "native_batch_norm": "batch normalisation",
    "_native_batch_norm_legit": "batch normalisation",
    "_native_batch_norm_legit_no_training": "batch normalisation",
    "_batch_norm_with_update": "batch normalisation",
    "native_layer_norm": "layer normalisation",
    "native_group_norm": "group normalisation",
    "native_dropout": "dropout",
    "bernoulli_": "dropout",
}


def short(op: str) -> str:
    """`aten.relu.default` -> `relu`."""
    parts = op.split(".")
    return parts[1] if len(parts) == 3 else op


def is_in_place(op: str) -> bool:
    """Whether the operation overwrites its first operand: `relu_`, but not `__and__`."""
    name = short(op)
    return name.endswith("_") and not name.endswith("__")


def references(value: Any, kind: str) -> Iterator[Any]:
    """All references of one kind ("v", "p", "d", "c") in a recorded argument, nested ones too."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, kind)
    elif isinstance(value, dict):
        if kind in value:
            yield value[kind]
        elif kind == "v" and "alias" in value:
            # The same memory as a recorded value, by a way around autograd (`.data`, `.numpy()`).
            yield value["alias"]


def node_references(node: Node, kind: str) -> list[Any]:
    return [r for value in (*node.inputs, *node.options.values()) for r in references(value, kind)]


@dataclass(frozen=True)
class Graph:
    """A trace's nodes with who-made-what; only indices into `trace.nodes` are handed out.

    `overwritten_by` has, for a node, the earlier ones that changed its operands in place through another view of them.
    """

    trace: Trace
    made_by: dict[int, int]
    overwritten_by: dict[int, list[int]] = field(default_factory=dict)

    def ancestors(self, values: Iterable[int]) -> list[int]:
        """The nodes that `values` depend on, in order of execution."""
        todo = [self.made_by[v] for v in values if v in self.made_by]
        seen: set[int] = set()
        while todo:
            index = todo.pop()
            if index in seen:
                continue
            seen.add(index)
            todo.extend(self.overwritten_by.get(index, ()))
            todo.extend(self.made_by[v] for v in node_references(self.trace.nodes[index], "v") if v in self.made_by)
        return sorted(seen)

    def descendants(self, event: int, nodes: Iterable[int]) -> list[int]:
        """Those of `nodes` that depend on the batch of forward event `event`."""
        derived: set[int] = set()
        found = []
        for index in nodes:
            node = self.trace.nodes[index]
            if event in node_references(node, "d") or any(v in derived for v in node_references(node, "v")):
                derived.update(node.outputs)
                found.append(index)
        return found

    def events_of(self, nodes: Iterable[int]) -> list[int]:
        """The forward events whose batches these nodes use, in order of time."""
        return sorted(
            {e for index in nodes for e in node_references(self.trace.nodes[index], "d") if isinstance(e, int)}
        )

    def parameters(self, index: int, batch_nodes: set[int]) -> list[int]:
        """The parameters that reach node `index` otherwise than through the batch."""
        node = self.trace.nodes[index]
        found = [p for p in node_references(node, "p") if isinstance(p, int)]
        for value in node_references(node, "v"):
            maker = self.made_by.get(value)
            if maker is not None and maker not in batch_nodes:
                for ancestor in self.ancestors([value]):
                    found.extend(p for p in node_references(self.trace.nodes[ancestor], "p") if isinstance(p, int))
        return list(dict.fromkeys(found))


def build_graph(trace: Trace) -> Graph:
    made_by = {value: index for index, node in enumerate(trace.nodes) for value in node.outputs}
    return Graph(trace, made_by, _overwritten(trace))


def _overwritten(trace: Trace) -> dict[int, list[int]]:
    # Values that share memory, by the first of them; what is only perhaps a view counts as one.
    first: dict[int, int] = {}
    written: dict[int, list[int]] = {}
    found: dict[int, list[int]] = {}
    for index, node in enumerate(trace.nodes):
        operands = [first.get(v, v) for v in node_references(node, "v")]
        changes = list(dict.fromkeys(i for v in operands for i in written.get(v, ())))
        if changes:
            found[index] = changes
        if operands and (is_in_place(node.op) or short(node.op) in VIEWS):
            first.update(dict.fromkeys(node.outputs, operands[0]))
        if operands and is_in_place(node.op):
            written.setdefault(operands[0], []).append(index)
    return found


@dataclass(frozen=True)
class ForwardPath:
    """One forward pass within a trace, by node index; None where there is no such stage.

    `chain` are the nodes from the batch to the scores, `after` those from the scores to the loss.
    """

    event: int
    chain: tuple[int, ...]
    first: int | None
    dense: int | None
    after: tuple[int, ...]
    parameters: dict[int, list[int]]


def trace_forward(graph: Graph, event: int, root: int | None, classes: int) -> ForwardPath:
    """Follows the batch of `event` to the last dense layer and on to `root` (a value), or to wherever it goes."""
    nodes = graph.ancestors([root]) if root is not None else list(range(len(graph.trace.nodes)))
    chain = graph.descendants(event, nodes)
    inside = set(graph.descendants(event, range(len(graph.trace.nodes))))
    parameters = {index: graph.parameters(index, inside) for index in chain}
    layers = [
        i
        for i in chain
        if parameters[i]
        and short(graph.trace.nodes[i].op) in CONVOLUTIONS | PRODUCTS
        and not graph.trace.nodes[i].error
    ]
    dense = next(
        (
            i
            for i in reversed(layers)
            if short(graph.trace.nodes[i].op) in PRODUCTS
            and graph.trace.nodes[i].shapes
            and classes in graph.trace.nodes[i].shapes[0][-1:]
        ),
        None,
    )
    if dense is None:
        dense = next(
            (i for i in reversed(layers) if short(graph.trace.nodes[i].op) in PRODUCTS and i != layers[0]), None
        )
    before = [i for i in chain if dense is None or i <= dense]
    if dense is not None:
        before = [i for i in before if i in set(graph.ancestors(graph.trace.nodes[dense].outputs)) | {dense}]
    after = [i for i in chain if dense is not None and i > dense]
    bias = _trailing_bias(graph, dense, after, parameters)
    end = dense if bias is None else bias
    if bias is not None:
        before.append(bias)
        after = [i for i in after if i != bias]
    return ForwardPath(event, tuple(before), layers[0] if layers else None, end, tuple(after), parameters)


def _trailing_bias(graph: Graph, dense: int | None, after: list[int], parameters: dict[int, list[int]]) -> int | None:
    """`x @ W` followed by `+ b`: the addition belongs to the layer."""
    if dense is None or not after:
        return None
    first = next((i for i in after if short(graph.trace.nodes[i].op) not in VIEWS), None)
    if first is None or short(graph.trace.nodes[first].op) not in ("add", "add_") or not parameters.get(first):
        return None
    return first
