"""Does the program keep the graphs of losses that it is done with? A sum of losses, or a list of them, does."""

from __future__ import annotations

import weakref
from typing import Any

import torch

# Backward passes between two marks: more than a batch of single images has, so that a sum over a batch is no leak.
MARK_EVERY = 64


class _Mark:
    """Lives as long as the graph that it hangs on."""

    __slots__ = ("__weakref__",)


class KeptGraphs:
    """Marks the graph of a loss now and then, and looks `MARK_EVERY` passes later whether it is still there."""

    def __init__(self) -> None:
        self._mark: weakref.ref[_Mark] | None = None
        self.checked = 0
        self.kept = 0

    def saw(self, root: torch.Tensor) -> None:
        """`root` is what a backward pass started from, `MARK_EVERY` of them after the last one that was told."""
        if self._mark is not None:
            self.checked += 1
            self.kept += self._mark() is not None
        self._mark = None
        if root.grad_fn is not None:
            mark = _Mark()
            metadata: Any = root.grad_fn.metadata
            metadata["grade"] = mark
            self._mark = weakref.ref(mark)
