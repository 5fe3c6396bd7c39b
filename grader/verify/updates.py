"""Update replay: do the next weights follow from the recorded ones, the gradient and the claimed settings?"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from grader.evidence.values import Trace
from grader.verify.course import weights_of
from grader.verify.result import UpdateProof

TOLERANCE = 1e-4


def prove_update(trace: Trace) -> UpdateProof | None:
    """Judges the update that ended `trace`; None where no update did."""
    numbers = [n for n in sorted(weights_of(trace, "parameter")) if f"after/{n}" in trace.arrays]
    if trace.reason not in ("step", "update") or not numbers:
        return None
    before = {n: trace.arrays[f"parameter/{n}"] for n in numbers}
    after = {n: trace.arrays[f"after/{n}"] for n in numbers}
    prefix = "gradient" if trace.optimizer_description is not None else "added/all"
    gradients = {n: trace.arrays[f"{prefix}/{n}"] for n in numbers if f"{prefix}/{n}" in trace.arrays}
    finite = all(np.isfinite(a).all() for part in (before, gradients, after) for a in part.values())
    claimed = trace.optimizer_description is not None and finite
    follows = _replays(trace, before, gradients, after) if claimed else None
    return UpdateProof(
        trace=trace.index,
        follows=follows,
        moved=any(not np.array_equal(before[n], after[n]) for n in numbers),
        had_gradient=any(np.any(g) for g in gradients.values()),
        as_sgd=_rate(before, gradients, after),
        place=trace.step_place,
    )


def _rate(
    before: dict[int, np.ndarray], gradients: dict[int, np.ndarray], after: dict[int, np.ndarray]
) -> float | None:
    """The one learning rate that explains the change of every parameter that has a gradient."""
    gradients = {n: g for n, g in gradients.items() if before[n].shape == after[n].shape == g.shape}
    changes = [(before[n] - after[n]).reshape(-1).astype(np.float64) for n in gradients]
    slopes = [gradients[n].reshape(-1).astype(np.float64) for n in gradients]
    if not slopes or any(c.shape != s.shape for c, s in zip(changes, slopes, strict=True)):
        return None
    change, slope = np.concatenate(changes), np.concatenate(slopes)
    square = float(slope @ slope)
    if square == 0:
        return None
    rate = float(change @ slope / square)
    residual = float(np.linalg.norm(change - rate * slope))
    return rate if residual <= 5e-3 * max(float(np.linalg.norm(change)), 1e-12) else None


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
    kind = getattr(torch.optim, str(description.get("class")), None)
    if kind is None or not str(description.get("module", "")).startswith("torch.optim") or kind is torch.optim.LBFGS:
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
