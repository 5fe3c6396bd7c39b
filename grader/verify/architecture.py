"""What the model is, read off one recorded forward pass and checked by value where names would deceive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from grader.evidence.values import Node, Place, Trace
from grader.verify.graph import (
    ACTIVATIONS,
    CONVOLUTIONS,
    EXTRA,
    PRODUCTS,
    VIEWS,
    ForwardPath,
    Graph,
    node_references,
    references,
    short,
)
from grader.verify.replay import Replay
from grader.verify.result import MIXED, Architecture, Convolution
from grader.verify.unfolded import find_unfolded

_ACTIVATION_FUNCTIONS: dict[str, Any] = {
    "ReLU": torch.relu,
    "none": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "leaky ReLU": F.leaky_relu,
    "ELU": F.elu,
    "GELU": F.gelu,
    "SiLU": F.silu,
    "softplus": F.softplus,
    "ReLU6": F.relu6,
    "SELU": F.selu,
    "softmax": lambda z: z.softmax(1),
    "absolute value": torch.abs,
}


def describe(
    graph: Graph, path: ForwardPath, values: Replay | None, batch: torch.Tensor | None, rows: int
) -> Architecture:
    """`values` holds the replayed values of `path`'s nodes, or is None where the replay of `batch` was impossible."""
    nodes = graph.trace.nodes
    first = nodes[path.first] if path.first is not None else None
    dense = _product(graph, path)
    convolution = _convolution(graph, path)
    entering = dense_input(graph, dense)[1] if dense is not None else None
    numbers = tuple(dict.fromkeys(p for i in path.chain for p in path.parameters[i]))
    failed = next((n for n in nodes if n.error), None)
    shape = _per_image(first.shapes[0]) if convolution and first and first.shapes else None
    z = values.values.get(first.outputs[0]) if convolution and first and first.outputs and values else None
    if convolution is None and values is not None and batch is not None:
        unfolded = find_unfolded(graph, path, values, batch)
        if unfolded is not None:
            convolution, z = unfolded
            shape = tuple(z.shape[1:])
    activation = _activation(graph, path, values, z) if convolution else (None, None, None, None)
    name, place, order, activation_shape = activation
    return Architecture(
        rows=rows,
        convolution=convolution,
        convolution_shape=shape,
        activation=name,
        activation_place=place,
        activation_discarded=bool(name == "none" and _discarded(graph, path)),
        activation_shape=activation_shape,
        dense_rows=(entering[0] if len(entering) > 1 else 1) if entering else None,
        dense_in=entering[-1] if entering else None,
        dense_out=next((shape[-1] for shape in nodes[dense].shapes[:1] if shape), None) if dense is not None else None,
        dense_place=nodes[dense].place if dense is not None else None,
        flatten_order=order,
        after=_after(nodes, path),
        extra=_extra(graph, path, dense),
        detached=_detached(nodes, path),
        parameters=numbers,
        weight=next(iter(path.parameters[path.first]), None) if path.first is not None else None,
        error=failed.error if failed else None,
        error_place=failed.place if failed else None,
    )


def _product(graph: Graph, path: ForwardPath) -> int | None:
    """The dense layer's product itself; `path.dense` may be the addition of its bias."""
    layers = [i for i in path.chain if short(graph.trace.nodes[i].op) in PRODUCTS and path.parameters[i]]
    return layers[-1] if path.dense is not None and layers else None


def _pair(value: Any) -> tuple[int, int]:
    items = [int(v) for v in value] if isinstance(value, (list, tuple)) else [int(value)]
    return (items[0], items[-1])


def _convolution(graph: Graph, path: ForwardPath) -> Convolution | None:
    if path.first is None:
        return None
    node = graph.trace.nodes[path.first]
    if short(node.op) not in CONVOLUTIONS:
        return None
    shape = _parameter_shape(graph.trace, path.parameters[path.first])
    if shape is None or len(shape) != 4:
        return None
    # Defaults are left out where the call was recorded undecomposed, as under inference mode.
    stride, padding, dilation = _padded(node.inputs[3:6])
    kernel = (shape[2], shape[3])
    return Convolution(
        shape[1], shape[0], kernel, _pair(stride), _padding(padding, kernel), _pair(dilation), node.place
    )


def _padded(given: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Stride, padding and dilation, of which later ones may be missing."""
    complete = [*given, *(1, 0, 1)[len(given) :]]
    return complete[0], complete[1], complete[2]


def _padding(value: Any, kernel: tuple[int, int]) -> tuple[int, int]:
    word = value.get("s") if isinstance(value, dict) else None
    if word is not None:
        return (kernel[0] // 2, kernel[1] // 2) if word == "same" else (0, 0)
    return _pair(value)


def _parameter_shape(trace: Trace, numbers: list[int]) -> tuple[int, ...] | None:
    for number in numbers:
        array = trace.arrays.get(f"parameter/{number}")
        if array is not None and array.ndim == 4:
            return array.shape
    return None


def _per_image(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[1:] if len(shape) == 4 else shape


def dense_input(graph: Graph, index: int) -> tuple[int | None, tuple[int, ...]]:
    """(value number, shape) of what the product at `index` is applied to; the number is None for a constant."""
    node = graph.trace.nodes[index]
    operands = node.inputs[1:3] if short(node.op) in ("addmm", "baddbmm", "addmv") else node.inputs[:2]
    for value in operands:
        for v in references(value, "v"):
            maker = graph.made_by.get(v)
            if maker is not None and _has_batch(graph, maker):
                made = graph.trace.nodes[maker]
                return v, made.shapes[made.outputs.index(v)]
    constants = [v for v in operands if isinstance(v, dict) and "shape" in v]
    return None, tuple(constants[0]["shape"]) if constants else ()


def _has_batch(graph: Graph, index: int) -> bool:
    """Whether the node depends on a batch, and not on parameters alone."""
    return bool(graph.events_of(graph.ancestors(graph.trace.nodes[index].outputs)))


def _activation(
    graph: Graph, path: ForwardPath, values: Replay | None, z: torch.Tensor | None
) -> tuple[Any, Any, Any, Any]:
    """(name, place, order of flattening, shape): what enters the dense layer, beside the convolution's output."""
    nodes = graph.trace.nodes
    between = [i for i in path.chain if path.first is not None and i > path.first]
    named = [(ACTIVATIONS[short(nodes[i].op)], nodes[i]) for i in between if short(nodes[i].op) in ACTIVATIONS]
    name = named[0][0] if named else "none"
    place = named[0][1].place if named else None
    shape = _per_image(named[0][1].shapes[0]) if named and named[0][1].shapes else None
    dense = _product(graph, path)
    if values is None or path.first is None or dense is None:
        return (name if dense is not None or named else None), place, None, shape
    u = _entering(graph, dense, values)
    if z is None or u is None or z.numel() != u.numel():
        return name, place, None, shape
    found = _matching(z.detach(), u)
    if found is not None:
        name = found[0]
    return name, place, found[1] if found else None, shape


def _entering(graph: Graph, dense: int, values: Replay) -> torch.Tensor | None:
    """The value that goes into the dense layer."""
    number, _ = dense_input(graph, dense)
    u = values.values.get(number) if number is not None else None
    return None if u is None else u.detach()


def _matching(z: torch.Tensor, u: torch.Tensor) -> tuple[str, str] | None:
    """Which activation of `z` gives `u`, and in which order its values stand."""
    rows = u.shape[0] if u.ndim > 1 else 1
    z = z.reshape(rows, -1, *z.shape[-2:]) if z.ndim >= 3 else z.reshape(rows, -1)
    flat = u.reshape(rows, -1)
    for name, function in _ACTIVATION_FUNCTIONS.items():
        v = function(z)
        if torch.allclose(v.reshape(rows, -1), flat, atol=1e-4, rtol=1e-3):
            return name, "channels first"
        if v.ndim == 4 and torch.allclose(v.permute(0, 2, 3, 1).reshape(rows, -1), flat, atol=1e-4, rtol=1e-3):
            return name, "channels last"
        if torch.allclose(v.reshape(rows, -1).sort(1).values, flat.sort(1).values, atol=1e-4, rtol=1e-3):
            return name, "another order"
        if torch.allclose(v.reshape(-1).sort().values, flat.reshape(-1).sort().values, atol=1e-4, rtol=1e-3):
            return name, MIXED
    return None


def _discarded(graph: Graph, path: ForwardPath) -> bool:
    """An activation of the convolution's output was computed, and nothing uses it."""
    nodes = graph.trace.nodes
    if path.first is None:
        return False
    start = set(nodes[path.first].outputs)
    return any(
        short(n.op) in ACTIVATIONS and start & set(node_references(n, "v")) and i not in path.chain
        for i, n in enumerate(nodes)
    )


def _after(nodes: tuple[Node, ...], path: ForwardPath) -> tuple[tuple[str, Place | None], ...]:
    return tuple(
        (ACTIVATIONS[short(nodes[i].op)], nodes[i].place) for i in path.after if short(nodes[i].op) in ACTIVATIONS
    )


def _extra(graph: Graph, path: ForwardPath, dense: int | None) -> tuple[tuple[str, Place | None], ...]:
    """Layers that the practical does not have, in order."""
    nodes, found = graph.trace.nodes, []
    for index in path.chain:
        name = short(nodes[index].op)
        if nodes[index].error:
            continue
        if name in EXTRA:
            found.append((EXTRA[name], nodes[index].place))
        elif index in (path.first, dense) or not path.parameters[index] or name in VIEWS:
            continue
        elif name in CONVOLUTIONS:
            found.append(("a second convolution", nodes[index].place))
        elif name in PRODUCTS:
            found.append(("a hidden dense layer", nodes[index].place))
    return tuple(found)


def _detached(nodes: tuple[Node, ...], path: ForwardPath) -> Place | None:
    for index in path.chain:
        node = nodes[index]
        cut = short(node.op) in ("detach", "detach_")
        alias = any("alias" in v for v in node.inputs if isinstance(v, dict))
        if cut or alias:
            return node.place
    return None
