"""What is still there when the student's code has ended: weights, declared layers, loaded data; then the probes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch

from . import fingerprint
from .callables import Candidate, find_scores, rebuild
from .registry import array, grid_of
from .watch import Watch

MAX_MODELS = 8
MAX_VARIABLES = 64
MAX_MODULES = 64


T = TypeVar("T")


def _try(watch: Watch, name: str, empty: T, make: Callable[..., T], *arguments: Any) -> T:
    """One part of the state that cannot be told must not take the others with it."""
    try:
        return make(*arguments)
    except Exception as error:  # noqa: BLE001 - the objects looked at are the student's
        watch.fault(name, error)
        return empty


def send_state(watch: Watch, namespace: Mapping[str, Any]) -> None:
    """Weights now and at first sight, optimizers, layers; `namespace` holds the student's variables."""
    watch.journal.flush()
    nothing: tuple[list[dict[str, Any]], dict[str, np.ndarray]] = ([], {})
    variables, samples = _try(watch, "variables", nothing, _variables, namespace)
    none: list[dict[str, Any]] = []
    modules = _try(watch, "modules", none, _modules, watch)
    alive = _try(watch, "optimizers", none, _alive_optimizers, watch)
    arrays: dict[str, np.ndarray] = {}
    for number, tensor in enumerate(watch.parameters.tensors):
        arrays[f"final/{number}"] = array(tensor)
        arrays[f"first/{number}"] = watch.parameters.first[number]
        if tensor.grad is not None:
            arrays[f"gradient/{number}"] = array(tensor.grad)
    header = {
        "kind": "state",
        "models": {str(model): sorted(used) for model, used in watch.models.used.items()},
        "overflow": watch.parameters.overflow,
        "graphs": [watch.graphs.kept, watch.graphs.checked],
        "optimizers": [
            {**watch.optimizers.describe(o), "at": p}
            for o, p in zip(watch.optimizers.objects, watch.optimizers.places, strict=True)
        ],
        "layers": watch.layers,
        "modules": modules,
        "alive_optimizers": alive,
        "faults": watch.faults,
        "names": sorted(name for name in namespace if not name.startswith("_"))[:400],
    }
    header["variables"] = variables
    watch.wire.send(header, {**arrays, **samples})


def _modules(watch: Watch) -> list[dict[str, Any]]:
    """Leaf modules that are alive, whether or not they were ever called."""
    found: list[dict[str, Any]] = []
    for item in gc.get_objects():
        if len(found) >= MAX_MODULES:
            break
        if not isinstance(item, torch.nn.Module) or next(item.children(), None) is not None:
            continue
        found.append(
            {
                "class": type(item).__name__,
                "text": repr(item)[:200],
                "parameters": {
                    name: {"shape": list(p.shape), "number": watch.parameters.known(p)}
                    for name, p in item.named_parameters(recurse=False)
                },
                "settings": {
                    key: value
                    for key, value in vars(item).items()
                    if not key.startswith("_") and isinstance(value, (int, str, tuple)) and len(str(value)) < 60
                },
            }
        )
    return found


def _alive_optimizers(watch: Watch) -> list[dict[str, Any]]:
    alive = [item for item in gc.get_objects() if isinstance(item, torch.optim.Optimizer)]
    return [watch.optimizers.describe(item) for item in alive[:8]]


def _variables(namespace: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Arrays and tensors among the student's variables: shape, range, and the keys of up to 64 of their images."""
    listed: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    for name, value in list(namespace.items()):
        if name.startswith("_") or len(listed) >= MAX_VARIABLES or not isinstance(value, (torch.Tensor, np.ndarray)):
            continue
        entry: dict[str, Any] = {
            "name": name,
            "type": type(value).__name__,
            "shape": list(value.shape),
            "dtype": str(value.dtype),
        }
        tensor = value.detach() if isinstance(value, torch.Tensor) else _as_tensor(value)
        if tensor is not None and tensor.ndim >= 1 and len(tensor):
            rows = np.unique(np.linspace(0, len(tensor) - 1, 64).astype(int))
            part = tensor[rows]
            if part[0].numel() == fingerprint.PIXELS:
                arrays[f"variable/{name}/keys"] = fingerprint.keys(grid_of(part).astype(np.float32))
                arrays[f"variable/{name}/rows"] = rows
            elif part[0].numel() <= 16:
                arrays[f"variable/{name}/values"] = array(part.reshape(len(part), -1))
                arrays[f"variable/{name}/rows"] = rows
        listed.append(entry)
    return listed, arrays


def _as_tensor(value: np.ndarray) -> torch.Tensor | None:
    try:
        return torch.from_numpy(value)
    except (TypeError, ValueError):
        return None


def answer_probes(watch: Watch, images: np.ndarray) -> None:
    """Calls what the student trained on `images` (N, 784), in batches of several sizes, and sends the scores.

    The trusted side chooses the images and shows them only now. Each model answers through the outermost call of
    theirs that turned images into scores; the first sizes that work are enough to tell a fixed batch size.
    """
    chosen: dict[int, Candidate] = {}
    for candidate in watch.candidates:
        chosen[candidate.model] = candidate
    for model, candidate in list(chosen.items())[:MAX_MODELS]:
        call = rebuild(candidate)
        if call is None:
            continue
        scores: dict[str, np.ndarray] = {}
        errors: dict[str, str] = {}
        with torch.no_grad():
            for size in (30, 7, 1):
                answer = _ask(call, torch.from_numpy(images), size, watch.classes)
                if isinstance(answer, str):
                    errors[str(size)] = answer
                else:
                    scores[f"scores/{size}"] = answer
        watch.wire.send({"kind": "probe", "model": model, "errors": errors, "name": candidate.code.co_name}, scores)


def _ask(call: Any, images: torch.Tensor, size: int, classes: int) -> np.ndarray | str:
    """Scores (N, classes) for all whole batches of `size`, or the error's text."""
    parts = []
    count = len(images) // size * size if size == 30 else min(len(images), 2 * size)
    try:
        for start in range(0, count, size):
            batch = images[start : start + size]
            scores = find_scores(call(batch.clone()), classes)
            if scores is None:
                return "returned no tensor of class scores"
            parts.append(array(scores.reshape(-1, classes)))
    except Exception as error:  # noqa: BLE001 - the student's own code
        return f"{type(error).__name__}: {error}"[:300]
    return np.concatenate(parts)
