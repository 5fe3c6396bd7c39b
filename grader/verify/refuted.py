"""Recorded operations that do not give what was recorded of them when the trusted side does them on the same images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from grader.evidence.values import Node, Trace
from grader.verify.graph import is_in_place, node_references, short
from grader.verify.replay import Impossible, Replay, ReplayError, parameters_of

# Operations that another run does differently.
RANDOM = frozenset("native_dropout bernoulli bernoulli_ rrelu_with_noise dropout".split())
# Results differ by less than this share of the largest of them: rounding alone. Of small ones rounding takes more.
SHARE, SMALLEST = 2e-3, 0.05


def is_by_chance(trace: Trace) -> bool:
    """Whether random numbers have a part in the trace."""
    return any(short(node.op) in RANDOM for node in trace.nodes)


def same_values(trace: Trace, replay: Replay) -> bool | None:
    """Whether the recorded values (scores, loss) are the replayed ones; None where there are none to compare."""
    pairs = list(_pairs(trace, replay))
    return all(_is_near(recorded, made) for recorded, made in pairs) if pairs else None


def is_refuted(trace: Trace, nodes: Sequence[Node], events: Sequence[int], replay: Replay) -> bool:
    """Whether `nodes` give other results than were recorded, not only on the trusted images, which made `replay`, but
    also on those that the program is said to have used. A program may change pixels that its images' keys leave out.
    """
    if trace.truncated or is_by_chance(trace) or not _departs(trace, replay):
        return False
    arrays = {event: trace.arrays.get(f"data/{event}") for event in events}
    own = {event: torch.from_numpy(np.array(array)) for event, array in arrays.items() if array is not None}
    if len(own) < len(arrays):
        return True
    try:
        return _departs(trace, Replay(trace, own, parameters_of(trace, gradients=False)).run(nodes))
    except Impossible:
        return True
    except ReplayError:
        return False


def _departs(trace: Trace, replay: Replay) -> bool:
    return not replay.agrees or any(_is_far(recorded, made) for recorded, made in _pairs(trace, replay))


def _pairs(trace: Trace, replay: Replay) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(recorded, replayed) values; what a later operation overwrites, by any view of it, is no more what it was."""
    targets = [v for node in trace.nodes if is_in_place(node.op) for v in node_references(node, "v")]
    overwritten = {_memory(replay.values[v]) for v in targets if v in replay.values}
    for number, value in replay.values.items():
        recorded = trace.arrays.get(f"value/{number}")
        if recorded is not None and value.is_floating_point() and _memory(value) not in overwritten:
            yield recorded, value.detach().float().numpy() if value.dtype == torch.bfloat16 else value.detach().numpy()


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _is_near(recorded: np.ndarray, made: np.ndarray) -> bool:
    return recorded.shape == made.shape and np.allclose(recorded, made, rtol=1e-3, atol=1e-4, equal_nan=True)


def _is_far(recorded: np.ndarray, made: np.ndarray) -> bool:
    if recorded.shape != made.shape:
        return True
    finite = np.isfinite(recorded) & np.isfinite(made)
    if not finite.all() or not made.size:
        return False
    scale = max(float(np.abs(made).max()), SMALLEST)
    return float(np.abs(recorded.astype(np.float64) - made).max()) > SHARE * scale
