"""Digests of a model's parameters, by which equal weights are found without reading the evidence of a whole class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from grader.evidence import Evidence
from grader.score import Weights
from grader.verify.result import Verification


def weights_of(evidence: Evidence, model: int | None) -> Weights | None:
    """The digests of this model's parameters in the evidence; None where none were recorded.

    Parameters that are not finite, or all one number, have no digest: any two diverged runs would have it in common.
    """
    state = evidence.state
    if state is None or model is None or not state.models.get(model):
        return None
    parameters = state.models[model]
    return Weights(_digest(parameters, state.first), _digest(parameters, state.final))


def weights_by_model(evidence: Evidence, verifications: Sequence[Verification]) -> dict[int, Weights | None]:
    """The digests of every model that was verified, by its number."""
    return {found.model: weights_of(evidence, found.model) for found in verifications if found.model is not None}


def _digest(parameters: Iterable[int], arrays: Mapping[int, np.ndarray]) -> str | None:
    found = [arrays[number] for number in parameters if number in arrays]
    if not found or not all(np.isfinite(array).all() for array in found):
        return None
    if not any(np.ptp(array) > 0 for array in found if array.size):
        return None
    # In whatever order the layers were made, and whatever names they have.
    parts = sorted(np.ascontiguousarray(array, dtype="<f8").tobytes() for array in found)
    return hashlib.sha256(b"".join(parts)).hexdigest()
