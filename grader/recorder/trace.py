"""One sampled stretch of the program, operation by operation: enough for the trusted side to do it again.

Only what depends on a parameter or on the batch that reached a layer is written down ("live" operations). Whatever
else such an operation consumes (images, targets, masks) is copied at the moment of its use, so that it does not
matter how it was made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from .place import Places
from .registry import Parameters, array

MAX_OPERATIONS = 1500
MAX_VALUE = 200_000
MAX_TOTAL = 4_000_000
SMALL = 4096
# So many images of a stretch are kept as they reached the layer: how they are arranged is told by them.
KEPT_IMAGES = 64


class Trace(TorchDispatchMode):
    """Writes down live operations while it is entered; `rich` traces also keep large intermediate values."""

    def __init__(self, parameters: Parameters, places: Places, *, rich: bool):
        super().__init__()  # type: ignore[no-untyped-call]
        self._parameters = parameters
        self._places = places
        self.rich = rich
        self._live: dict[int, int] = {}
        self._storages: dict[int, int] = {}
        self._data: dict[int, int] = {}
        self._keep: list[Any] = []
        self._total = 0
        self._values = 0
        self._images = KEPT_IMAGES if rich else 0
        self.nodes: list[dict[str, Any]] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.used: dict[int, torch.Tensor] = {}
        self.truncated = False
        self.paused = False
        self.broken = ""

    # -- what the watcher tells ---------------------------------------------------------------------------------

    def mark_data(self, tensor: torch.Tensor, event: int) -> None:
        """`tensor` is the batch of the forward event numbered `event`."""
        self._data[id(tensor)] = event
        self._keep.append(tensor)

    def value_of(self, tensor: Any) -> int | None:
        """The number of the live value that `tensor` is, if it is one."""
        return self._live.get(id(tensor)) if isinstance(tensor, torch.Tensor) else None

    # -- dispatch ------------------------------------------------------------------------------------------------

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        node = None if self.paused or self.broken else self._guarded(self._before, func, args, kwargs)
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            if node is not None:
                self.nodes.append({**node, "out": [], "error": f"{type(error).__name__}: {error}"[:300]})
            raise
        if node is not None:
            self._guarded(self._after, node, result)
        return result

    def _guarded(self, step: Any, *arguments: Any) -> Any:
        """A fault of the recorder ends the trace, not the student's program."""
        try:
            return step(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, the student's operation goes on
            self.broken = f"{type(error).__name__}: {error}"[:200]
            return None

    def _before(self, func: Any, args: Any, kwargs: Any) -> dict[str, Any] | None:
        """The node of a live operation, with its operands as they are before it."""
        if len(self.nodes) >= MAX_OPERATIONS:
            self.truncated = True
            return None
        tensors = [*_tensors(args), *_tensors(kwargs.values())]
        if not any(self._is_live(tensor) for tensor in tensors) or self._changes_parameter(func, args):
            return None
        return {
            "op": str(func),
            "in": [self._encode(arg) for arg in args],
            "kw": {key: self._encode(value) for key, value in kwargs.items()},
            "grad": torch.is_grad_enabled(),
            "at": self._places.here(4),
        }

    def _after(self, node: dict[str, Any], result: Any) -> None:
        node["out"] = [self._define(tensor) for tensor in _tensors((result,))]
        self.nodes.append(node)

    def _is_live(self, tensor: torch.Tensor) -> bool:
        if is_lazy(tensor):
            # A lazy layer's parameter before its first use has neither shape nor values.
            return False
        return id(tensor) in self._live or id(tensor) in self._data or (tensor.is_leaf and tensor.requires_grad)

    def _changes_parameter(self, func: Any, args: Any) -> bool:
        mutates = func._schema.is_mutable and args and isinstance(args[0], torch.Tensor)
        return bool(mutates and args[0].is_leaf and args[0].requires_grad)

    def _encode(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._reference(value)
        if isinstance(value, (list, tuple)):
            return [self._encode(item) for item in value]
        if value is None or isinstance(value, (bool, int)):
            return value
        if isinstance(value, float):
            return value if abs(value) < float("inf") else {"s": str(value)}
        return {"s": str(value)}

    def _reference(self, tensor: torch.Tensor) -> dict[str, Any]:
        known = self._live.get(id(tensor))
        if known is not None:
            return {"v": known}
        if tensor.is_leaf and tensor.requires_grad and id(tensor) not in self._data:
            number = self._parameters.number(tensor)
            if number >= 0 and number not in self.used:
                self.used[number] = tensor
                self.arrays[f"parameter/{number}"] = array(tensor)
            return {"p": number}
        reference: dict[str, Any] = {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}
        event = self._data.get(id(tensor))
        if event is not None:
            reference["d"] = event
            name = f"data/{event}"
            if (self.rich or self._images > 0) and name not in self.arrays:
                self._images -= len(tensor)
                self._store(name, tensor)
            return reference
        alias = self._storages.get(tensor.untyped_storage().data_ptr()) if tensor.numel() else None
        if alias is not None:
            reference["alias"] = alias
        reference["c"] = self._total
        self._store(f"constant/{self._total}", tensor)
        self._total += 1
        self._keep.append(tensor)
        return reference

    def _define(self, tensor: torch.Tensor) -> dict[str, Any]:
        number = self._total
        self._total += 1
        self._live[id(tensor)] = number
        self._keep.append(tensor)
        if tensor.numel():
            self._storages.setdefault(tensor.untyped_storage().data_ptr(), number)
        if tensor.numel() <= SMALL or self.rich:
            self._store(f"value/{number}", tensor)
        return {"v": number, "shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}

    def _store(self, name: str, tensor: torch.Tensor) -> None:
        if tensor.numel() <= MAX_VALUE and self._values + tensor.numel() <= MAX_TOTAL and not tensor.is_complex():
            self._values += tensor.numel()
            self.arrays[name] = array(tensor)


def _tensors(values: Any) -> Any:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)
