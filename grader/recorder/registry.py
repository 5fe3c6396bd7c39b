"""Small numbers for the objects that matter: parameters and optimizers, kept alive so that a number stays theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from . import fingerprint

_functorch = torch._C._functorch
is_mapped = _functorch.is_functorch_wrapped_tensor
# More distinct convolution weights than this means that layers are made anew at every call.
CAP = 256


class Parameters:
    """The leaf tensors that reached a layer, numbered in order of appearance."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self.tensors: list[torch.Tensor] = []
        self.first: list[np.ndarray] = []
        self.overflow = 0

    def number(self, tensor: torch.Tensor) -> int:
        """The number of `tensor`; -1 past the cap."""
        found = self._numbers.get(id(tensor))
        if found is None:
            found = self._add(tensor)
        return found

    def known(self, tensor: torch.Tensor) -> int | None:
        return self._numbers.get(id(tensor))

    def _add(self, tensor: torch.Tensor) -> int:
        if len(self.tensors) >= CAP:
            self.overflow += 1
            return -1
        self.first.append(array(tensor))
        self.tensors.append(tensor)
        self._numbers[id(tensor)] = len(self.tensors) - 1
        return len(self.tensors) - 1


class Optimizers:
    """The optimizers that took a step, with what they claim and whose parameters they hold."""

    def __init__(self, parameters: Parameters):
        self._parameters = parameters
        self._numbers: dict[int, int] = {}
        self.objects: list[torch.optim.Optimizer] = []
        self.places: list[Any] = []

    def number(self, optimizer: torch.optim.Optimizer) -> int:
        found = self._numbers.get(id(optimizer), -1)
        if found < 0 and len(self.objects) < CAP:
            found = self._numbers[id(optimizer)] = len(self.objects)
            self.objects.append(optimizer)
            self.places.append(None)
        return found

    def describe(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """Class, module, settings and parameters of each group (a number, or -1 for a tensor that no layer used)."""
        groups = []
        for group in optimizer.param_groups:
            settings = {key: _plain(value) for key, value in group.items() if key != "params"}
            owned = [self._parameters.known(p) for p in group["params"]]
            groups.append(
                {
                    "settings": settings,
                    "parameters": [-1 if number is None else number for number in owned],
                    "shapes": [list(p.shape) for p in group["params"]],
                }
            )
        kind = type(optimizer)
        return {
            "class": kind.__name__,
            "module": kind.__module__,
            "bases": [base.__name__ for base in kind.__mro__[1:4]],
            "groups": groups,
        }


def array(tensor: torch.Tensor) -> np.ndarray:
    """A copy of the values on the host; float types other than float64 become float32."""
    # Looking must leave no trace: the copy's own operations are not the student's.
    with _disable_current_modes():
        values = tensor.detach().to("cpu")
        if values.is_floating_point() and values.dtype != torch.float64:
            values = values.to(torch.float32)
        return values.numpy().copy()


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """The batch that one image of `torch.vmap` stands for, its own axis first; any other tensor as it is."""
    if not is_mapped(tensor):
        return tensor
    axis = _functorch.maybe_get_bdim(tensor)
    inner = whole(_functorch.get_unwrapped(tensor))
    return inner if axis <= 0 else inner.movedim(axis, 0)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return float(value) if value.numel() == 1 else str(tuple(value.shape))
    if isinstance(value, float) and value not in (float("inf"), float("-inf")) and value == value:
        return value
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)


def describe_layer(input: torch.Tensor, weight: torch.Tensor, rest: Any, options: Any) -> dict[str, Any]:
    """A call of a convolution or a dense layer: shapes, and the arguments that are no tensors."""
    return {
        "operation": "conv2d" if weight.ndim == 4 else "linear",
        "input": list(input.shape),
        "weight": list(weight.shape),
        "arguments": [item for item in rest if not isinstance(item, torch.Tensor)],
        "options": {key: value for key, value in options.items() if not isinstance(value, torch.Tensor)},
    }


def grid_of(images: torch.Tensor) -> np.ndarray:
    """The fingerprint's grid of each image of a batch, on the host."""
    values = images.detach()
    if values.device.type != "cpu":
        values = values.cpu()
    if values.dtype == torch.bfloat16:
        values = values.float()
    return fingerprint.sample(values.numpy())
