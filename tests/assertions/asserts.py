"""Four asserts on the variables that a program leaves behind, written as a teacher would for nbgrader or Otter.

The rule is as kind to the asserts as such graders are. A variable is looked up by the name that the skeleton gives it
(`model`, `loss_function`, `optimizer`); where that is missing or something else, the last global variable of the right
kind is taken. A model may return its logits alone or among others, and take a batch of rows, of images or one row.
Where no variable holds the loss, a call of `cross_entropy` in the program's text will do. Whatever is not found, and
whatever raises, fails its assert, as it does there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

WEIGHTS = {(10, 1, 8, 8), (10, 1210)}
ACCURACY = 0.85

Namespace = Mapping[str, Any]


class NotFound(AssertionError):
    """The variable that an assert is about does not exist."""


def find(namespace: Namespace, name: str, suits: Callable[[Any], bool]) -> Any:
    """The variable called `name` where it suits, else the last one that does; raises NotFound where none does."""
    candidates = [namespace.get(name), *reversed(list(namespace.values()))]
    for value in candidates:
        if suits(value):
            return value
    raise NotFound(f"no variable holds the {name.replace('_', ' ')}")


def find_model(namespace: Namespace) -> nn.Module:
    """The module that has parameters."""

    def suits(value: Any) -> bool:
        return isinstance(value, nn.Module) and next(value.parameters(), None) is not None

    return find(namespace, "model", suits)


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors that a model returned, however they are packed."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)


def logits(model: nn.Module, images: Tensor) -> Tensor:
    """The model's output for `images` (N, 784), given as rows, as images, or one row at a time.

    Of several outputs the first of two dimensions counts, and one with ten columns before all others.
    """

    def call(batch: Tensor) -> Tensor:
        found = [each for each in tensors(model(batch)) if each.dim() == 2]
        return next((each for each in found if each.shape[1] == 10), found[0])

    ways = (
        lambda: call(images),
        lambda: call(images.reshape(-1, 1, 28, 28)),
        lambda: torch.stack([next(tensors(model(row))).reshape(-1) for row in images]),
    )
    failures = []
    with torch.no_grad():
        for way in ways:
            try:
                return way()
            except Exception as error:  # noqa: BLE001  (a student's model may raise anything)
                failures.append(f"{type(error).__name__}: {error}")
    raise AssertionError(f"the model cannot be called: {failures[0]}")


def weight_shapes(namespace: Namespace, program: str, data: Path) -> None:
    """Question 2.1: the convolution's and the dense layer's weights have the right shapes."""
    shapes = {tuple(parameter.shape) for parameter in find_model(namespace).parameters()}
    assert shapes >= WEIGHTS, f"the weights have shapes {sorted(shapes)}"


def output_shape(namespace: Namespace, program: str, data: Path) -> None:
    """Question 2.2: 30 rows of 784 give 30 rows of 10."""
    shape = tuple(logits(find_model(namespace), read(data, "train")[0][:30]).shape)
    assert shape == (30, 10), f"the output has shape {shape}"


def loss_and_optimizer(namespace: Namespace, program: str, data: Path) -> None:
    """Question 2.3: the loss is a CrossEntropyLoss, the optimizer an SGD."""
    optimizer = find(namespace, "optimizer", lambda value: isinstance(value, torch.optim.Optimizer))
    assert isinstance(optimizer, torch.optim.SGD), f"the optimizer is {type(optimizer).__name__}"
    try:
        loss = find(namespace, "loss_function", lambda value: isinstance(value, nn.modules.loss._Loss))
    except NotFound:
        if "cross_entropy(" not in program:
            raise
    else:
        assert isinstance(loss, nn.CrossEntropyLoss), f"the loss is {type(loss).__name__}"


def accuracy(namespace: Namespace, program: str, data: Path) -> None:
    """Accuracy: the model gets more than 85% of the test images right."""
    images, labels = read(data, "test")
    measured = (logits(find_model(namespace), images).argmax(1) == labels).float().mean().item()
    assert measured > ACCURACY, f"the accuracy is {measured:.3f}"


# By question of the rubric; the other questions have no variable that an assert could look at.
ASSERTS: dict[str, Callable[[Namespace, str, Path], None]] = {
    "2.1": weight_shapes,
    "2.2": output_shape,
    "2.3": loss_and_optimizer,
    "accuracy": accuracy,
}


def failed_asserts(namespace: Namespace, program: str, data: Path) -> dict[str, str]:
    """What fails on the variables of `program`, run on the data set in `data`: question -> reason."""
    failed = {}
    for question, check in ASSERTS.items():
        try:
            check(namespace, program, data)
        except NotFound as error:
            failed[question] = f"not found: {error}"
        except Exception as error:  # noqa: BLE001  (a student's objects may raise anything)
            failed[question] = str(error)[:120] or type(error).__name__
    return failed


def read(data: Path, name: str) -> tuple[Tensor, Tensor]:
    """Images (N, 784) and class indices (N,) of one half of the data set."""
    with np.load(data / f"{name}.npz") as archive:
        return torch.from_numpy(archive["X"]), torch.from_numpy(archive["Y"].argmax(1))
