"""The targets that a loss was given, and whether they are the right ones for its images."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from grader.evidence.values import Place, Trace
from grader.verify.graph import ForwardPath, Graph, node_references, short
from grader.verify.inputs import Batches
from grader.verify.replay import ReplayError, constant
from grader.verify.result import Target


def find_target(
    graph: Graph, path: ForwardPath, root: int, batches: Batches, event: int, classes: int
) -> tuple[Target, torch.Tensor] | None:
    """The target among the constants of the loss, with its one-hot form (N, 10)."""
    trace = graph.trace
    labels = batches.labels(event)
    after = [i for i in graph.ancestors([root]) if i not in set(path.chain)]
    own = [i for i in after if graph.events_of(graph.ancestors(trace.nodes[i].outputs)) in ([], [event])]
    # Where the images of a batch have a loss each, those of other images are not compared with this one's label.
    return _target_among(trace, own, labels, classes) or _target_among(trace, after, labels, classes)


def _target_among(
    trace: Trace, nodes: list[int], labels: np.ndarray, classes: int
) -> tuple[Target, torch.Tensor] | None:
    seen: list[tuple[Target, torch.Tensor]] = []
    rows = len(labels)
    for index in nodes:
        node = trace.nodes[index]
        for number in node_references(node, "c"):
            try:
                value = constant(trace, number)
            except ReplayError:
                continue
            found = _as_one_hot(value, rows, classes)
            if found is not None:
                seen.append((_compare(found[0], value, found[1], labels, node.place, short(node.op)), found[1]))
    if not seen:
        return None
    # A constant such as `arange(N)` may look like class indices; the target is the one that fits the labels best.
    return min(seen, key=lambda item: item[0].wrong)


def _as_one_hot(value: torch.Tensor, rows: int, classes: int) -> tuple[str, torch.Tensor] | None:
    if value.shape == (rows, rows, classes) and rows > 1 and bool((value == value[:, :1]).all()):
        # Targets (N, 1, classes), which the loss has spread over all scores.
        value = value[:, 0]
    if value.numel() == rows * classes and value.shape[-1] == classes and rows:
        flat = value.reshape(rows, classes).double()
        if bool((flat < 0).all()) and bool((flat.exp().sum(1) - 1).abs().max() < 1e-3):
            # The log-softmax of the targets: they stand in the place of the scores.
            return "one_hot", F.one_hot(flat.argmax(1), classes).double()
        if _is_smoothed(flat):
            return "smoothed", flat
        if not bool(((flat == 0) | (flat == 1)).all()):
            return "other", flat
        named = flat.sum(1)
        return ("one_hot" if bool((named == 1).all()) else "several" if bool((named > 1).any()) else "other"), flat
    if value.numel() == rows and not value.is_floating_point() and value.dtype != torch.bool and rows:
        indices = value.reshape(-1).long()
        if bool(((indices >= 0) & (indices < classes)).all()):
            return "index", F.one_hot(indices, classes).double()
    return None


def _is_smoothed(flat: torch.Tensor) -> bool:
    """One large and nine equal small positive values in every row, which sum to one."""
    ordered = flat.sort(1).values
    spread = (ordered[:, -2] - ordered[:, 0]).abs().max()
    sums = (flat.sum(1) - 1).abs().max()
    return (
        bool(spread < 1e-6)
        and bool(sums < 1e-4)
        and bool((ordered[:, 0] > 1e-6).all())
        and bool((ordered[:, -1] > 0.5).all())
    )


def _compare(
    kind: str, value: torch.Tensor, one_hot: torch.Tensor, labels: np.ndarray, place: Place | None, op: str
) -> Target:
    chosen = one_hot.argmax(1).numpy()
    known = labels >= 0
    wrong = int((chosen[known] != labels[known]).sum())
    permuted = wrong > 0 and sorted(chosen[known].tolist()) == sorted(labels[known].tolist())
    return Target(
        kind, tuple(value.shape), str(value.dtype).removeprefix("torch."), wrong, int(known.sum()), permuted, place
    )
