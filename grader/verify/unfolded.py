"""A convolution that was written as a matrix product of unfolded patches: the same thing by its values."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from grader.verify.graph import ACTIVATIONS, ForwardPath, Graph, short
from grader.verify.replay import Replay
from grader.verify.result import Convolution

SIDE = 28
STRIDES = range(1, 9)


def find_unfolded(
    graph: Graph, path: ForwardPath, values: Replay, batch: torch.Tensor
) -> tuple[Convolution, torch.Tensor] | None:
    """The convolution that the first product is, with its output (N, channels, height, width), bias included."""
    if path.first is None or batch.numel() % (SIDE * SIDE):
        return None
    images = batch.reshape(-1, 1, SIDE, SIDE)
    node = graph.trace.nodes[path.first]
    made = values.values.get(node.outputs[0])
    array = next((graph.trace.arrays.get(f"parameter/{p}") for p in path.parameters[path.first]), None)
    if made is None or array is None or array.ndim not in (2, 3, 4):
        return None
    for kernels in _as_kernels(torch.from_numpy(array)):
        for stride in STRIDES:
            z = F.conv2d(images, kernels, stride=stride)
            if z.numel() == made.numel() and _same_values(z, made):
                side = kernels.shape[-1]
                found = Convolution(1, len(kernels), (side, side), (stride, stride), (0, 0), (1, 1), node.place)
                return found, z + _bias(graph, path, len(kernels))
    return None


def _as_kernels(weight: torch.Tensor) -> Iterator[torch.Tensor]:
    """(channels, k * k), (k * k, channels), (channels, k, k) or (k, k, channels) as kernels (channels, 1, k, k)."""
    by_rows, by_columns = weight.reshape(len(weight), -1), weight.reshape(-1, weight.shape[-1]).t()
    for matrix in (by_rows, by_columns):
        side = round(matrix.shape[1] ** 0.5)
        if side * side == matrix.shape[1] and 1 < side < SIDE:
            yield matrix.reshape(-1, 1, side, side)


def _bias(graph: Graph, path: ForwardPath, channels: int) -> torch.Tensor:
    """The vector that is added before anything else happens, as (1, channels, 1, 1); zeros where there is none."""
    for index in path.chain:
        if path.first is not None and index <= path.first:
            continue
        if short(graph.trace.nodes[index].op) in ACTIVATIONS:
            break
        for number in path.parameters[index]:
            array = graph.trace.arrays.get(f"parameter/{number}")
            if array is not None and array.size == channels and array.ndim <= 3:
                return torch.from_numpy(array.reshape(1, channels, 1, 1))
    return torch.zeros(1, channels, 1, 1)


def _same_values(z: torch.Tensor, made: torch.Tensor) -> bool:
    """Equal up to the order in which an image's values stand."""
    rows = z.shape[0]
    ours, theirs = z.reshape(rows, -1).sort(1).values, made.detach().reshape(rows, -1).sort(1).values
    return torch.allclose(ours, theirs, atol=1e-4, rtol=1e-3)
