"""Finds what turns images into class scores: a module, or a plain function with the arguments it was given."""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch

from .place import Places


@dataclass
class Candidate:
    """A function that took the images and returned scores: how to call it again."""

    code: CodeType
    arguments: dict[str, Any]
    data_argument: str | None
    module: torch.nn.Module | None
    returned: int | None
    model: int = -1


@dataclass
class _Open:
    frame: FrameType
    arguments: dict[str, Any]
    forwards: int


class Finder:
    """A profile function for the first traces: notes which calls enclose a forward event and return scores."""

    def __init__(self, places: Places, classes: int, value_of: Callable[[Any], int | None]):
        self._places = places
        self._classes = classes
        self._value_of = value_of
        self._open: list[_Open] = []
        self._data: Any = None
        self.forwards = 0
        self.found: list[Candidate] = []

    def start(self) -> None:
        """From here on; the calls that are open already count too."""
        if not self._open:
            frame: FrameType | None = sys._getframe(1)
            while frame is not None:
                if self._is_relevant(frame):
                    self._open.insert(0, _Open(frame, _arguments(frame), self.forwards))
                frame = frame.f_back
        sys.setprofile(self._profile)

    def stop(self) -> None:
        sys.setprofile(None)

    def saw_data(self, tensor: torch.Tensor) -> None:
        self.forwards += 1
        self._data = tensor

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            if self._is_relevant(frame):
                self._open.append(_Open(frame, _arguments(frame), self.forwards))
        elif event == "return":
            # A pause may have hidden returns: whatever was opened above this frame is closed too.
            for depth in range(len(self._open) - 1, -1, -1):
                if self._open[depth].frame is frame:
                    call = self._open[depth]
                    del self._open[depth:]
                    self._close(call, argument)
                    break

    def _is_relevant(self, frame: FrameType) -> bool:
        code = frame.f_code
        if code.co_name.startswith("<") and code.co_name != "<lambda>":
            return False
        if self._places.is_student(code.co_filename):
            return True
        return code.co_name == "forward" and isinstance(frame.f_locals.get("self"), torch.nn.Module)

    def _close(self, call: _Open, result: Any) -> None:
        if call.forwards == self.forwards:
            return
        scores = find_scores(result, self._classes)
        if scores is None:
            return
        arguments = call.arguments
        module = arguments.get("self")
        candidate = Candidate(
            code=call.frame.f_code,
            arguments=arguments,
            data_argument=_data_argument(arguments, self._data),
            module=module if isinstance(module, torch.nn.Module) else None,
            returned=self._value_of(scores),
        )
        # Calls close from the inside out, so a later candidate encloses the earlier ones of the same forward event.
        if candidate.data_argument is not None:
            self.found.append(candidate)


def find_scores(result: Any, classes: int) -> torch.Tensor | None:
    """The first floating tensor (N, classes) or (classes,) in a tensor, tuple, list, dict or object with fields."""
    if isinstance(result, torch.Tensor):
        fits = result.is_floating_point() and result.ndim in (1, 2) and result.shape[-1] == classes
        return result if fits else None
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        for item in result:
            found = find_scores(item, classes) if isinstance(item, torch.Tensor) else None
            if found is not None:
                return found
    return None


def rebuild(candidate: Candidate) -> Callable[[torch.Tensor], Any] | None:
    """A function of the images alone that makes the same call again; None when the function object is gone."""
    if candidate.module is not None and candidate.code.co_name == "forward":
        module, name = candidate.module, candidate.data_argument
        rest = {k: v for k, v in candidate.arguments.items() if k not in ("self", name)}
        return lambda images: module(images, **rest)
    functions = [f for f in gc.get_referrers(candidate.code) if isinstance(f, FunctionType)]
    if not functions:
        return None
    function, name = functions[0], candidate.data_argument
    others = {k: v for k, v in candidate.arguments.items() if k != name}
    return lambda images: function(**others, **{str(name): images})


def _arguments(frame: FrameType) -> dict[str, Any]:
    names = inspect.getargs(frame.f_code).args
    values = frame.f_locals
    return {name: values[name] for name in names if name in values}


def _data_argument(arguments: dict[str, Any], data: Any) -> str | None:
    """The argument that holds as many pixels as the batch that reached the layer."""
    if data is None:
        return None
    for name, value in arguments.items():
        if isinstance(value, torch.Tensor) and value.numel() == data.numel():
            return name
    return None
