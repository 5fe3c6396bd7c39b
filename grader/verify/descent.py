"""Is an update gradient descent? Told by the numbers alone, whatever made them: a class of the student's, or a line."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from grader.evidence.values import Trace
from grader.verify.course import weights_of

# What is left of a move when the terms of gradient descent are taken away, as a share of it; rounding leaves 1e-4.
LEFT = 5e-3
# Coefficients nearer to zero than this are zero.
NOTHING = 1e-3


@dataclass(frozen=True)
class Move:
    """One update: the weights before it, the gradients, and what was taken off the weights, each (P,)."""

    weights: np.ndarray = field(repr=False)
    gradients: np.ndarray = field(repr=False)
    taken: np.ndarray = field(repr=False)


def move_of(trace: Trace, prefix: str) -> Move | None:
    """The update that ended `trace`, over the parameters that have an array `prefix`; None where nothing fits."""
    before, after, gradients = (weights_of(trace, name) for name in ("parameter", "after", prefix))
    numbers = sorted(
        n for n in gradients if n in before and n in after and before[n].shape == after[n].shape == gradients[n].shape
    )
    if not numbers:
        return None
    start, end, slope = (_flat([part[n] for n in numbers]) for part in (before, after, gradients))
    return Move(start, slope, start - end) if np.isfinite([start, end, slope]).all() and slope.any() else None


def _flat(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.reshape(-1).astype(np.float64) for array in arrays])


def rate_of(move: Move) -> float | None:
    """The one learning rate with which plain gradient descent explains the move of every weight."""
    rate = float(move.taken @ move.gradients / (move.gradients @ move.gradients))
    left = float(np.linalg.norm(move.taken - rate * move.gradients))
    return rate if left <= LEFT * max(float(np.linalg.norm(move.taken)), 1e-12) else None


def momentum_of(move: Move, earlier: Move | None) -> float | None:
    """The share of the `earlier` move, the one directly before, that this one repeats besides its own gradient; 0 for
    descent without momentum; None where the move is no such sum.

    Every form of it (damped, as a running mean, Nesterov's, with weight decay) is a sum of the gradient, the weights,
    the move before and the gradient before, with one coefficient each for all weights. Adam and its kin divide each
    weight's move by a number of its own, and are none.
    """
    sums = [[move.gradients, move.weights]]
    if earlier is not None and earlier.taken.shape == move.taken.shape:
        sums.append([*sums[0], earlier.taken])
        sums.append([*sums[1], earlier.gradients])
    for terms in sums:
        shares = _fitted(move.taken, terms)
        if shares is None:
            continue
        repeated = float(shares[2]) if len(shares) > 2 else 0.0
        if shares[0] > 0 and shares[1] > -NOTHING and -NOTHING < repeated < 1:
            return max(0.0, repeated)
    return None


def _fitted(taken: np.ndarray, terms: list[np.ndarray]) -> np.ndarray | None:
    """The coefficients of the sum of `terms` that is `taken`, None where none is."""
    lengths = [max(float(np.linalg.norm(term)), 1e-30) for term in terms]
    columns = np.stack([term / length for term, length in zip(terms, lengths, strict=True)], axis=1)
    shares = np.linalg.lstsq(columns, taken, rcond=1e-9)[0]
    left = float(np.linalg.norm(taken - columns @ shares))
    return shares / lengths if left <= LEFT * max(float(np.linalg.norm(taken)), 1e-12) else None
