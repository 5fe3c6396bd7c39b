"""A traced stretch from a forward event to the update that follows it: operations, gradients, parameters around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .callables import Finder
from .place import Places
from .registry import Parameters, array
from .trace import Trace
from .wire import Wire

# Each backward pass is kept by itself up to this many; after that only their sum is.
KEPT_BACKWARDS = 2


class Session:
    """Entered at the first forward event; `end` sends it."""

    def __init__(self, index: int, parameters: Parameters, places: Places, classes: int, *, rich: bool, find: bool):
        self._index = index
        self._parameters = parameters
        self.trace = Trace(parameters, places, rich=rich)
        self.finder = Finder(places, classes, self.trace.value_of) if find else None
        self._events: list[int] = []
        self._place = places.caller(2)
        self._backwards: list[dict[str, Any]] = []
        self._step: dict[str, Any] | None = None
        self._added: dict[int, np.ndarray] = {}
        self._before: dict[int, np.ndarray | None] = {}
        self._entered = False
        self.enter()

    @property
    def forwards(self) -> int:
        return len(self._events)

    @property
    def backwards(self) -> int:
        return len(self._backwards)

    def enter(self) -> None:
        if not self._entered:
            self.trace.__enter__()  # type: ignore[no-untyped-call]
            self._entered = True
            if self.finder:
                self.finder.start()

    def leave(self) -> None:
        if self._entered:
            self._entered = False
            if self.finder:
                self.finder.stop()
            self.trace.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def saw_forward(self, images: torch.Tensor, event: int) -> None:
        self._events.append(event)
        self.trace.mark_data(images, event)
        if len(self._events) > 2:
            self.trace.rich = False
        if self.finder:
            self.finder.saw_data(images)

    # -- gradients ---------------------------------------------------------------------------------------------------

    def before_backward(self) -> None:
        self.leave()
        self._before = {n: None if p.grad is None else array(p.grad) for n, p in self.trace.used.items()}

    def after_backward(self, root: torch.Tensor, stale: bool, place: Any) -> None:
        stored = len(self._backwards) < KEPT_BACKWARDS
        for number, tensor in self.trace.used.items():
            if tensor.grad is None:
                continue
            before = self._before.get(number)
            added = array(tensor.grad) if before is None else array(tensor.grad) - before
            self._gain(number, added, stored)
        self._finish_backward(root, stale, place)

    def after_grad(self, root: torch.Tensor, inputs: Any, gradients: Any, place: Any) -> None:
        """`torch.autograd.grad`: the gradients are returned, `.grad` stays as it was."""
        for tensor, gradient in zip(inputs, gradients, strict=False):
            number = self._parameters.known(tensor)
            if number is not None and gradient is not None:
                self._gain(number, array(gradient), len(self._backwards) < KEPT_BACKWARDS)
        self._finish_backward(root, False, place)

    def _gain(self, number: int, added: np.ndarray, stored: bool) -> None:
        self._added[number] = self._added[number] + added if number in self._added else added
        if stored:
            self.trace.arrays[f"added/{len(self._backwards)}/{number}"] = added

    def _finish_backward(self, root: torch.Tensor, stale: bool, place: Any) -> None:
        self._backwards.append(
            {
                "root": self.trace.value_of(root),
                "stale": stale,
                "at": place,
                "loss": _scalar(root),
                "forwards": len(self._events),
            }
        )
        self.enter()

    # -- the update --------------------------------------------------------------------------------------------------

    def before_step(
        self, optimizer: torch.optim.Optimizer, number: int, description: dict[str, Any], place: Any
    ) -> None:
        self.leave()
        for index, tensor in self.trace.used.items():
            if tensor.grad is not None:
                self.trace.arrays[f"gradient/{index}"] = array(tensor.grad)
            for key, value in optimizer.state.get(tensor, {}).items():
                if isinstance(value, torch.Tensor):
                    self.trace.arrays[f"state/{index}/{key}"] = array(value)
        self._step = {"optimizer": number, "description": description, "at": place}

    def end(self, wire: Wire, reason: str) -> None:
        """Sends the trace, with the parameters as they are now."""
        self.leave()
        for index, tensor in self.trace.used.items():
            self.trace.arrays[f"after/{index}"] = array(tensor)
        for index, total in self._added.items():
            self.trace.arrays[f"added/all/{index}"] = total
        header = {
            "kind": "trace",
            "index": self._index,
            "reason": reason,
            "at": self._place,
            "events": self._events,
            "nodes": self.trace.nodes,
            "backwards": self._backwards,
            "step": self._step,
            "truncated": self.trace.truncated,
            "returns": self._returns(),
            "devices": sorted({str(p.device) for p in self.trace.used.values()}),
        }
        wire.send(header, self.trace.arrays)

    def _returns(self) -> list[dict[str, Any]]:
        if not self.finder:
            return []
        return [
            {
                "name": c.code.co_name,
                "value": c.returned,
                "file": c.code.co_filename.rsplit("/", 1)[-1],
                "line": c.code.co_firstlineno,
            }
            for c in self.finder.found
        ]


def _scalar(tensor: torch.Tensor) -> float | None:
    value = float(tensor.detach().sum())
    return value if abs(value) < float("inf") else None
