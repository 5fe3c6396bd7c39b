"""Update replay: do the next weights follow from the recorded ones, the gradient and the claimed settings?"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from grader.evidence.values import Events, Kind, Trace
from grader.verify.course import follows_on, weights_of
from grader.verify.descent import momentum_of, move_of, rate_of
from grader.verify.result import UpdateProof

TOLERANCE = 1e-4
# The first has no update of its own; the second calls the program's own function.
_NOT_AGAIN = (torch.optim.Optimizer, torch.optim.LBFGS)


def prove_updates(traces: Sequence[Trace], events: Events) -> tuple[UpdateProof, ...]:
    """Judges the updates that ended `traces`, each beside the one directly before it, where that was recorded."""
    proofs = []
    for number, trace in enumerate(traces):
        earlier = traces[number - 1] if number and follows_on(events, traces[number - 1], trace) else None
        updated = np.isin(events.kind[: trace.events[0]], (Kind.STEP, Kind.UPDATE)) if trace.events else np.ones(1)
        proofs.append(prove_update(trace, earlier, alone=earlier is None and bool(updated.any())))
    return tuple(proof for proof in proofs if proof is not None)


def prove_update(trace: Trace, earlier: Trace | None = None, *, alone: bool = False) -> UpdateProof | None:
    """Judges the update that ended `trace`; None where no update did.

    `earlier` ended with the update directly before; `alone`: there was one, and it was not recorded.
    """
    numbers = [n for n in sorted(weights_of(trace, "parameter")) if f"after/{n}" in trace.arrays]
    if trace.reason not in ("step", "update") or not numbers:
        return None
    before = {n: trace.arrays[f"parameter/{n}"] for n in numbers}
    after = {n: trace.arrays[f"after/{n}"] for n in numbers}
    gradients = {n: g for n, g in weights_of(trace, _gradients(trace)).items() if n in before}
    finite = all(np.isfinite(a).all() for part in (before, gradients, after) for a in part.values())
    claimed = trace.optimizer_description is not None and finite
    follows = _replays(trace, before, gradients, after) if claimed else None
    move = move_of(trace, _gradients(trace)) if finite else None
    return UpdateProof(
        trace=trace.index,
        follows=follows,
        moved=any(not np.array_equal(before[n], after[n]) for n in numbers),
        had_gradient=any(np.any(g) for g in gradients.values()),
        as_sgd=rate_of(move) if move else None,
        momentum=momentum_of(move, move_of(earlier, _gradients(earlier)) if earlier else None) if move else None,
        alone=alone,
        kind=kind.__name__ if claimed and (kind := _kind(trace)) else "",
        place=trace.step_place,
    )


def _gradients(trace: Trace) -> str:
    """Which of the trace's arrays its update used."""
    return "gradient" if trace.optimizer_description is not None else "added/all"


def _replays(
    trace: Trace, before: dict[int, np.ndarray], gradients: dict[int, np.ndarray], after: dict[int, np.ndarray]
) -> bool | None:
    """Whether torch's own optimizer of the claimed class and settings makes `after` out of `before`."""
    stepper = _step_again(trace, before, gradients)
    if stepper is None:
        return None
    return all(_close(t.detach().numpy(), after[n], before[n]) for n, t in stepper.tensors.items())


@dataclass(frozen=True)
class Stepper:
    """The claimed optimizers, made again by the trusted side, over its own copies of the weights."""

    tensors: Mapping[int, torch.Tensor]
    optimizers: tuple[torch.optim.Optimizer, ...]

    def set(self, weights: Mapping[int, np.ndarray]) -> None:
        """Goes on from these weights instead; raises KeyError where one is missing, RuntimeError for another shape."""
        with torch.no_grad():
            for number, tensor in self.tensors.items():
                tensor.copy_(torch.from_numpy(np.array(weights[number])))

    def step(self) -> None:
        """One update with the gradients that the tensors have."""
        for optimizer in self.optimizers:
            optimizer.step()


def replay_update(trace: Trace) -> Stepper | None:
    """The claimed optimizer after the update that ended `trace`; None where it cannot be made again."""
    before, gradients = weights_of(trace, "parameter"), weights_of(trace, "gradient")
    return _step_again(trace, before, gradients)


def _step_again(trace: Trace, before: dict[int, np.ndarray], gradients: dict[int, np.ndarray]) -> Stepper | None:
    description = trace.optimizer_description or {}
    kind = _kind(trace)
    if kind is None:
        return None
    held: dict[int, torch.Tensor] = {}
    optimizers = []
    with contextlib.suppress(TypeError, ValueError, RuntimeError, KeyError):
        for group in description.get("groups", []):
            owned = [n for n in group.get("parameters", []) if n in before]
            tensors = {n: torch.from_numpy(np.array(before[n])).requires_grad_(True) for n in owned}
            if not tensors:
                continue
            optimizers.append(_optimizer(kind, tensors, group.get("settings", {}), trace))
            for n, tensor in tensors.items():
                tensor.grad = torch.from_numpy(np.array(gradients[n])) if n in gradients else None
            held |= tensors
        stepper = Stepper(held, tuple(optimizers))
        stepper.step()
        return stepper
    return None


def _kind(trace: Trace) -> type[torch.optim.Optimizer] | None:
    """The class of torch's that the update is said to be by; of a class of the student's, the one that it extends.

    What it is called proves nothing: whether its update makes the recorded weights does.
    """
    description = trace.optimizer_description or {}
    bases = description.get("bases", [])
    named = [description.get("class")] if str(description.get("module", "")).startswith("torch.optim") else bases
    found = [getattr(torch.optim, str(name), None) for name in (named if isinstance(named, list) else [])]
    for kind in found:
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind not in _NOT_AGAIN:
            return kind
    return None


def _optimizer(
    kind: Any, tensors: dict[int, torch.Tensor], settings: dict[str, Any], trace: Trace
) -> torch.optim.Optimizer:
    optimizer: torch.optim.Optimizer = kind(list(tensors.values()), lr=settings.get("lr", 1e-3))
    optimizer.param_groups[0].update(
        {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k != "params"}
    )
    for n, tensor in tensors.items():
        prefix = f"state/{n}/"
        state = {
            k.removeprefix(prefix): torch.from_numpy(np.array(v))
            for k, v in trace.arrays.items()
            if k.startswith(prefix)
        }
        if state:
            optimizer.state[tensor] = state
    return optimizer


def _close(made: np.ndarray, seen: np.ndarray, before: np.ndarray) -> bool:
    moved = max(float(np.abs(made - before).max(initial=0.0)), 1e-9)
    return made.shape == seen.shape and float(np.abs(made - seen).max(initial=0.0)) <= max(TOLERANCE * moved * 10, 3e-7)
