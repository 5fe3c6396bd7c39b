"""The reference loop, for a module that defines a model and trains nothing."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

# Names that a constructor's parameters tend to have, with the practical's values for them.
SIZES = {
    "m_1": 28,
    "m_2": 28,
    "m_3": 1,
    "k": 8,
    "kernel": 8,
    "kernel_size": 8,
    "stride": 2,
    "s": 2,
    "c": 10,
    "channels": 10,
    "out_channels": 10,
    "in_channels": 1,
    "num_classes": 10,
    "classes": 10,
    "n_classes": 10,
    "height": 28,
    "width": 28,
}


def find_model(namespace: Mapping[str, Any]) -> torch.nn.Module | None:
    """An instance among the student's variables, else one made from their class."""
    instances = [
        v for v in namespace.values() if isinstance(v, torch.nn.Module) and next(v.parameters(), None) is not None
    ]
    if instances:
        return instances[-1]
    classes = [
        v
        for v in namespace.values()
        if isinstance(v, type)
        and issubclass(v, torch.nn.Module)
        and v.__module__ == namespace.get("__name__", "__main__")
    ]
    for kind in reversed(classes):
        try:
            return kind(**_arguments(kind))
        except Exception:  # noqa: BLE001 - the student's constructor; the next class may do
            continue
    return None


def _arguments(kind: type) -> dict[str, int]:
    required = [
        p
        for p in inspect.signature(kind).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    return {p.name: SIZES[p.name.lower()] for p in required}


def train(model: torch.nn.Module, data: str, settings: Mapping[str, Any]) -> None:
    """Trains and tests `model` on `data` (the folder with train.npz and test.npz) as the practical asks."""
    train_file, test_file = np.load(f"{data}/train.npz"), np.load(f"{data}/test.npz")
    images, targets = torch.from_numpy(train_file["X"]), torch.from_numpy(train_file["Y"]).float()
    size = int(settings["batch_size"])
    optimizer = torch.optim.SGD(model.parameters(), lr=float(settings["learning_rate"]))
    test_images = torch.from_numpy(test_file["X"])
    for _ in range(int(settings["epochs"])):
        for start in range(0, len(images), size):
            optimizer.zero_grad()
            loss = F.cross_entropy(_scores(model(images[start : start + size])), targets[start : start + size])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            for start in range(0, len(test_images), size):
                model(test_images[start : start + size])


def _scores(result: Any) -> torch.Tensor:
    if isinstance(result, torch.Tensor):
        return result
    scores: torch.Tensor = result[0] if isinstance(result, (tuple, list)) else next(iter(result.values()))
    return scores
