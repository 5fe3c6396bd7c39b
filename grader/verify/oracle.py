"""The gradient oracle: what loss was it, what were the targets, and is the recorded gradient the one that follows?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from grader.evidence.values import Trace
from grader.verify.graph import ForwardPath, Graph, build_graph, short, trace_forward
from grader.verify.inputs import Batches
from grader.verify.refuted import is_by_chance, is_refuted, same_values
from grader.verify.replay import Impossible, Replay, ReplayError, parameters_of
from grader.verify.result import BROADCAST, StepProof
from grader.verify.targets import find_target

# Cosines: right ones are 1.0000 and the nearest wrong one (label smoothing) .97 (measured).
SAME_DIRECTION = 0.9995
EQUALLY_WELL = 2e-7
RELATIVE_TOLERANCE = 2e-3

LossGradient = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _of(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> LossGradient:
    def gradient(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        variable = logits.detach().double().requires_grad_(True)
        loss(variable, target.double()).backward()
        return torch.zeros_like(variable) if variable.grad is None else variable.grad

    return gradient


# Losses of logits (N, 10) and one-hot targets (N, 10), in the order in which they are tried; the first one is right.
LOSSES: dict[str, LossGradient] = {
    "cross entropy": _of(lambda x, y: -(y * x.log_softmax(1)).sum()),
    "cross entropy of softmax": _of(lambda x, y: -(y * x.softmax(1).log_softmax(1)).sum()),
    "cross entropy of softmax over the batch": _of(lambda x, y: -(y * x.softmax(0).log_softmax(1)).sum()),
    "cross entropy of sigmoid": _of(lambda x, y: -(y * x.sigmoid().log_softmax(1)).sum()),
    "cross entropy of ReLU": _of(lambda x, y: -(y * x.relu().log_softmax(1)).sum()),
    "negative log-likelihood without log-softmax": _of(lambda x, y: -(y * x).sum()),
    "negative log-likelihood of softmax": _of(lambda x, y: -(y * x.softmax(1)).sum()),
    "mean squared error": _of(lambda x, y: ((x - y) ** 2).sum()),
    BROADCAST: _of(lambda x, y: ((x[:, None] - y[None]) ** 2).sum()),
    "mean squared error of softmax": _of(lambda x, y: ((x.softmax(1) - y) ** 2).sum()),
    "mean squared error of sigmoid": _of(lambda x, y: ((x.sigmoid() - y) ** 2).sum()),
    "mean absolute error": _of(lambda x, y: (x - y).abs().sum()),
    "mean absolute error of softmax": _of(lambda x, y: (x.softmax(1) - y).abs().sum()),
    "smooth L1": _of(lambda x, y: F.smooth_l1_loss(x, y, reduction="sum")),
    "binary cross entropy": _of(lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="sum")),
    "binary cross entropy of softmax": _of(lambda x, y: F.binary_cross_entropy(x.softmax(1), y, reduction="sum")),
    "cross entropy with label smoothing": _of(lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1, reduction="sum")),
    "cross entropy with swapped arguments": _of(lambda x, y: -(x * y.log_softmax(1)).sum()),
    "cross entropy of softmax with swapped arguments": _of(lambda x, y: -(x.softmax(1) * y.log_softmax(1)).sum()),
}
RIGHT_LOSS = "cross entropy"


def prove_step(trace: Trace, batches: Batches, classes: int) -> StepProof:
    """Replays a traced update and judges its loss, targets and gradient."""
    graph = build_graph(trace)
    roots = [b.root for b in trace.backwards if b.root is not None]
    if not roots:
        return StepProof(
            trace.index,
            reason="the loss was not seen being computed",
            backward_place=trace.backwards[0].place,
            apart=not _any_gradient(trace),
        )
    nodes = graph.ancestors(roots)
    linked = graph.events_of(nodes)
    place = trace.backwards[0].place
    if not linked:
        return StepProof(
            trace.index,
            reason="the loss does not depend on the images",
            backward_place=place,
            apart=not _any_gradient(trace),
        )
    made = {event: batches.make(trace, event) for event in linked}
    if any(batch is None for batch in made.values()):
        return StepProof(
            trace.index,
            linked=tuple(linked),
            backward_place=place,
            reason="the batch is not known",
            unlinked=_left_out(trace, linked, batches),
        )
    parameters = parameters_of(trace, gradients=True)
    try:
        done = [trace.nodes[i] for i in nodes]
        replay = Replay(trace, {e: b for e, b in made.items() if b is not None}, parameters).run(done)
        proof = _judge(graph, replay, roots, linked, parameters, batches, classes)
        return replace(proof, refuted=is_refuted(trace, done, linked, replay))
    except ReplayError as error:
        return StepProof(
            trace.index,
            linked=tuple(linked),
            backward_place=place,
            reason=error.message,
            unlinked=_left_out(trace, linked, batches),
            refuted=isinstance(error, Impossible),
        )


def _any_gradient(trace: Trace) -> bool:
    """Whether the backward passes added anything to any parameter."""
    return any(name.startswith("added/") and bool(array.any()) for name, array in trace.arrays.items())


def _judge(
    graph: Graph,
    replay: Replay,
    roots: list[int],
    linked: list[int],
    parameters: dict[int, torch.Tensor],
    batches: Batches,
    classes: int,
) -> StepProof:
    trace = graph.trace
    event = linked[-1]
    root = next(r for r in roots if event in graph.events_of(graph.ancestors([r])))
    path = trace_forward(graph, event, root, classes)
    by_chance = is_by_chance(trace)
    gradient_matches, cosine = (None, None) if by_chance else _own_gradient(trace, replay, roots, parameters)
    loss, negated = None, False
    target = find_target(graph, path, root, batches, event, classes)
    scores = replay.values.get(trace.nodes[path.dense].outputs[0]) if path.dense is not None else None
    if scores is not None and target is not None and scores.requires_grad and scores.ndim in (1, 2):
        loss, negated = name_loss(scores, replay.values[root], target[1])
        if loss == RIGHT_LOSS and target[0].kind == "smoothed":
            loss = "cross entropy with label smoothing"
    vanishes = scores is not None and _vanishes(scores, replay.values[root])
    if vanishes and "_softmax" in [short(trace.nodes[i].op) for i in path.after]:
        # A softmax over a single value is 1, whatever the score.
        loss = "cross entropy of softmax over the batch"
    places = [trace.nodes[i].place for i in path.after]
    return StepProof(
        trace=trace.index,
        loss=loss,
        negated=negated,
        loss_place=next((p for p in reversed(places) if p is not None), trace.backwards[0].place),
        target=target[0] if target else None,
        equivalent=same_values(trace, replay) if replay.agrees else False,
        gradient_matches=gradient_matches,
        cosine=cosine,
        linked=tuple(linked),
        unlinked=_left_out(trace, linked, batches),
        cut=_is_cut(graph, path, replay, root, parameters),
        rows_without_loss=0 if vanishes else _rows_without_loss(scores, replay.values[root]),
        vanishes=vanishes,
        reason="it depends on random numbers (dropout)" if by_chance else None,
        backward_place=trace.backwards[0].place,
    )


def _vanishes(scores: torch.Tensor, root: torch.Tensor) -> bool:
    """Whether the loss depends on the scores, and yet no score changes it."""
    if not scores.requires_grad or not root.requires_grad:
        return False
    found = torch.autograd.grad(root.sum(), scores, retain_graph=True, allow_unused=True)[0]
    return found is not None and not bool(found.any())


def _rows_without_loss(scores: torch.Tensor | None, root: torch.Tensor) -> int:
    """How many rows of the scores (N, 10) no gradient reaches."""
    if scores is None or scores.ndim != 2 or not scores.requires_grad or not root.requires_grad:
        return 0
    found = torch.autograd.grad(root.sum(), scores, retain_graph=True, allow_unused=True)[0]
    return 0 if found is None else int((found.detach().abs().sum(1) == 0).sum())


def _left_out(trace: Trace, linked: list[int], batches: Batches) -> int:
    """How many forward passes over other training images no loss took in. A look at the same batch again is none."""
    learnt = set(np.concatenate([batches.rows(e) for e in linked]).tolist()) if linked else set()
    count = 0
    for event in trace.events:
        # What became of the last forward passes of a truncated stretch is not known.
        recorded = event not in linked and (not trace.truncated or event < max(linked, default=0))
        rows = batches.rows(event) if recorded else np.zeros(0, dtype=np.int64)
        count += bool(len(rows) and batches.are_training(rows) and not learnt & set(rows.tolist()))
    return count


def _is_cut(
    graph: Graph, path: ForwardPath, replay: Replay, root: int, parameters: dict[int, torch.Tensor]
) -> bool | None:
    """Whether no gradient comes back from the loss to the first layer, although the scores depend on it."""
    owned = [parameters[p] for p in path.parameters.get(path.first or 0, []) if p in parameters]
    value = replay.values[root]
    if path.first is None or not owned or path.dense is None:
        return None
    if not value.requires_grad:
        return True
    found = torch.autograd.grad(value.sum(), owned, allow_unused=True, retain_graph=True)
    return all(gradient is None for gradient in found)


def _own_gradient(
    trace: Trace, replay: Replay, roots: list[int], parameters: dict[int, torch.Tensor]
) -> tuple[bool | None, float | None]:
    """(equal, cosine) of what the backward passes added against the gradient of the recorded losses."""
    total = (
        torch.stack([replay.values[r].sum() for r in roots if replay.values[r].requires_grad]).sum() if roots else None
    )
    if total is None or not total.requires_grad:
        return None, None
    numbers = [n for n in parameters if f"added/all/{n}" in trace.arrays and parameters[n].requires_grad]
    if not numbers or len(roots) != len(trace.backwards):
        return None, None
    gradients = torch.autograd.grad(total, [parameters[n] for n in numbers], allow_unused=True, retain_graph=True)
    expected = np.concatenate([_flat(g, parameters[n]) for g, n in zip(gradients, numbers, strict=True)])
    seen = np.concatenate([trace.arrays[f"added/all/{n}"].reshape(-1).astype(np.float64) for n in numbers])
    if expected.shape != seen.shape:
        return None, None
    scale = float(np.linalg.norm(expected))
    distance = float(np.linalg.norm(expected - seen))
    cosine = float(expected @ seen / (scale * np.linalg.norm(seen))) if scale and np.linalg.norm(seen) else None
    return distance <= RELATIVE_TOLERANCE * max(scale, 1e-12), cosine


def _flat(gradient: torch.Tensor | None, like: torch.Tensor) -> np.ndarray:
    values = torch.zeros_like(like) if gradient is None else gradient
    return values.detach().numpy().reshape(-1).astype(np.float64)


def name_loss(scores: torch.Tensor, root: torch.Tensor, one_hot: torch.Tensor) -> tuple[str | None, bool]:
    """The loss whose gradient with respect to the scores (N, 10) is the recorded one's, and whether it is negated."""
    seen = torch.autograd.grad(root.sum(), scores, retain_graph=True, allow_unused=True)[0]
    if seen is None:
        return None, False
    seen = seen.detach().double().reshape(-1, one_hot.shape[-1])
    logits = scores.detach().reshape(-1, one_hot.shape[-1])
    if seen.shape != one_hot.shape or not torch.isfinite(seen).all() or float(seen.norm()) == 0:
        return None, False
    cosines = {name: _cosine(gradient, logits, one_hot, seen) for name, gradient in LOSSES.items()}
    best = max(abs(cosine) for cosine in cosines.values())
    if best < SAME_DIRECTION:
        return "another loss", False
    # Several losses may be near at a model's first step; of those that fit equally well the plainest is taken.
    name = next(name for name, cosine in cosines.items() if abs(cosine) >= best - EQUALLY_WELL)
    return name, cosines[name] < 0


def _cosine(gradient: LossGradient, logits: torch.Tensor, target: torch.Tensor, seen: torch.Tensor) -> float:
    """Between the gradient that a loss has here and the one that was seen; 0 where the loss is not defined."""
    try:
        expected = gradient(logits, target)
    except RuntimeError:
        return 0.0
    length = float(expected.norm())
    return float((expected * seen).sum() / (expected.norm() * seen.norm())) if length > 1e-12 else 0.0
