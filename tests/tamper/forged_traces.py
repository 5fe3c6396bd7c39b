"""Forgeries of the recorded stretches: operations, and the arrays that came with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from grader.evidence import Evidence
from grader.evidence.values import Node, Trace
from tests.verify.traces import IMAGES, INDEX

Forge = Callable[[Evidence], Evidence]
NEW_VALUE = 900_000
DENSE = (10, 1210)


def rng() -> np.random.Generator:
    """The same random numbers for every forgery."""
    return np.random.default_rng(0)


def traces(change: Callable[[Trace], Trace]) -> Forge:
    """Every trace becomes `change` of it."""
    return lambda evidence: replace(evidence, traces=tuple(change(trace) for trace in evidence.traces))


def nodes(change: Callable[[Node], list[Node]]) -> Forge:
    """Every recorded operation becomes those that `change` makes of it."""
    return traces(lambda trace: replace(trace, nodes=tuple(made for node in trace.nodes for made in change(node))))


def node(part: str, **changes: Any) -> Forge:
    """Operations whose name contains `part` get other fields."""
    return nodes(lambda found: [replace(found, **changes) if part in found.op else found])


def argument(op: str, position: int, value: Any) -> Forge:
    """Operations whose name contains `op` get another argument."""
    return nodes(
        lambda found: [
            replace(found, inputs=(*found.inputs[:position], value, *found.inputs[position + 1 :]))
            if op in found.op
            else found
        ]
    )


def shape(op: str, old: tuple[int, ...], new: tuple[int, ...], share: int = 1) -> Forge:
    """Results of `op` with the shape (N, *`old`) are said to have the shape (N / `share`, *`new`)."""

    def change(found: Node) -> list[Node]:
        shapes = tuple((s[0] // share, *new) if s[1:] == old else s for s in found.shapes)
        return [replace(found, shapes=shapes) if op in found.op else found]

    return nodes(change)


def renamed(value: Any, names: Mapping[int, int]) -> Any:
    """A recorded argument whose references to values are exchanged."""
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    if isinstance(value, dict) and value.get("v") in names:
        return {**value, "v": names[value["v"]]}
    return value


def insert_relu(trace: Trace) -> Trace:
    """A ReLU that never was behind every convolution."""
    names: dict[int, int] = {}
    made: list[Node] = []
    for found in trace.nodes:
        made.append(replace(found, inputs=tuple(renamed(value, names) for value in found.inputs)))
        if "convolution" in found.op and found.outputs:
            (z,) = found.outputs
            names[z] = NEW_VALUE + z
            made.append(replace(found, op="aten.relu.default", inputs=({"v": z},), outputs=(names[z],)))
    return replace(trace, nodes=tuple(made))


def use_relu(trace: Trace) -> Trace:
    """What used the convolution's result uses that of the ReLU, which in truth was thrown away."""
    names: dict[int, int] = {}
    made = []
    for found in trace.nodes:
        if "relu" in found.op:
            names[found.inputs[0]["v"]] = found.outputs[0]
            made.append(found)
        else:
            made.append(replace(found, inputs=tuple(renamed(value, names) for value in found.inputs)))
    return replace(trace, nodes=tuple(made))


def drop_softmax(trace: Trace) -> Trace:
    """The first softmax is left out, and what used it uses the logits."""
    names: dict[int, int] = {}
    made = []
    for found in trace.nodes:
        if "aten._softmax" in found.op:
            names[found.outputs[0]] = found.inputs[0]["v"]
        else:
            made.append(replace(found, inputs=tuple(renamed(value, names) for value in found.inputs)))
    return replace(trace, nodes=tuple(made))


def as_cross_entropy(found: Node) -> list[Node]:
    """The operations of the cross entropy in place of the squared error's."""
    if "mse_loss" not in found.op:
        return [found]
    scores, target = found.inputs[:2]
    root, rows = found.outputs[0], 30
    a, b, c, d = ({"v": NEW_VALUE + 10 * root + i} for i in range(4))
    steps: list[tuple[str, tuple[Any, ...], int]] = [
        ("_log_softmax.default", (scores, 1, False), a["v"]),
        ("mul.Tensor", (a, target), b["v"]),
        ("sum.default", (b,), c["v"]),
        ("neg.default", (c,), d["v"]),
        ("div.Scalar", (d, rows), root),
    ]
    return [
        replace(found, op=f"aten.{op}", inputs=inputs, outputs=(output,), shapes=((rows, 10) if i < 2 else (),))
        for i, (op, inputs, output) in enumerate(steps)
    ]


def without_error(found: Node) -> list[Node]:
    """A convolution that failed is said to have worked."""
    output = {"outputs": (NEW_VALUE,), "shapes": ((30, 10, 11, 11),)}
    return [replace(found, error=None, **output) if found.error else found]


def arrays(prefix: str, change: Callable[[str, np.ndarray, Trace], np.ndarray]) -> Forge:
    """The arrays of every trace whose name begins with `prefix`."""
    return traces(
        lambda trace: replace(
            trace,
            arrays={n: change(n, a, trace) if n.startswith(prefix) else a for n, a in trace.arrays.items()},
        )
    )


def noisy(array: np.ndarray, share: float = 0.5) -> np.ndarray:
    """The array with noise of a share of its own size added."""
    size = max(float(np.abs(array).mean()), 1e-3)
    return (array + share * size * rng().standard_normal(array.shape)).astype(array.dtype)


def noise_in(prefix: str) -> Forge:
    """Noise in these arrays of every trace."""
    return arrays(prefix, lambda _, array, __: noisy(array))


def turn_dense(_: str, array: np.ndarray, __: Trace) -> np.ndarray:
    """What was turned round on its way to the dense layer's weights, turned back."""
    return -array if array.shape == DENSE else array


def right_targets(evidence: Evidence) -> Evidence:
    """The one-hot labels of the images of each batch in place of its other targets."""
    rows, events = INDEX.match(evidence.events.keys)[0], evidence.events

    def change(_: str, array: np.ndarray, trace: Trace) -> np.ndarray:
        begin, size = events.start[trace.events[0]], events.size[trace.events[0]]
        if not array.size or array.shape[0] != size or array.shape[1:] not in ((), (10,)):
            return array
        return np.eye(10, dtype=np.float32)[IMAGES.labels[rows[begin : begin + size]]]

    return arrays("constant/", change)(evidence)


def grown(_: str, array: np.ndarray, __: Trace) -> np.ndarray:
    """5x5 kernels as 8x8 ones with zeros around."""
    return np.pad(array, ((0, 0), (0, 0), (0, 3), (0, 3))) if array.shape == (10, 1, 5, 5) else array


def ten_rows(_: str, array: np.ndarray, __: Trace) -> np.ndarray:
    """The first ten rows of a layer of twenty."""
    return array[:10] if len(array) == 20 else array


def as_sgd(name: str, array: np.ndarray, trace: Trace) -> np.ndarray:
    """The weights that gradient descent would have left."""
    number = name.rpartition("/")[2]
    if f"gradient/{number}" not in trace.arrays:
        return array
    return trace.arrays[f"parameter/{number}"] - np.float32(0.01) * trace.arrays[f"gradient/{number}"]


def described(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Forge:
    """Another description of the optimizer in every trace."""
    return traces(
        lambda trace: replace(
            trace,
            optimizer_description=change(dict(trace.optimizer_description)) if trace.optimizer_description else None,
        )
    )


def sgd(description: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a plain SGD with the same parameters."""
    plain = {"lr": 0.01, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False}
    groups = [{**group, "settings": plain} for group in description["groups"]]
    return {**description, "class": "SGD", "module": "torch.optim.sgd", "bases": ["Optimizer"], "groups": groups}


def own_class(description: Mapping[str, Any]) -> dict[str, Any]:
    """An optimizer of the student's own that is called SGD."""
    return {**sgd(description), "module": "__main__"}


def of_all(description: Mapping[str, Any]) -> dict[str, Any]:
    """An optimizer that holds every parameter."""
    return {**description, "groups": [{**description["groups"][0], "parameters": [0, 1, 2, 3]}]}


def of_others(description: Mapping[str, Any]) -> dict[str, Any]:
    """An optimizer that holds tensors of no layer."""
    return {**description, "groups": [{**description["groups"][0], "parameters": [-1] * 4}]}


def faster(description: Mapping[str, Any]) -> dict[str, Any]:
    """Another learning rate."""
    (group,) = description["groups"]
    return {**description, "groups": [{**group, "settings": {**group["settings"], "lr": 0.5}}]}


def rolled(_: str, array: np.ndarray, __: Trace) -> np.ndarray:
    """Each row in the place of the next one."""
    return np.roll(array, 1, axis=0) if array.ndim else array


def own_gradients(trace: Trace) -> Trace:
    """The gradient that the optimizer used is said to be what the backward passes added."""
    added = {f"gradient/{name[10:]}": array for name, array in trace.arrays.items() if name.startswith("added/all/")}
    return replace(trace, arrays={**trace.arrays, **added})
