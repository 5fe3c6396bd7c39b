"""Spares the program the labels that torch writes for its profiler as long as no profiler runs.

Every `optimizer.step()`, every `optimizer.zero_grad()` and every batch of a `DataLoader` is announced through
`torch.autograd.profiler.record_function`, which enters the dispatcher twice to find that nobody listens: a tenth of a
small network's training step. With a profiler, torch's own methods run.
The attribute is torch's own, in torch/autograd/profiler.py of torch 2.6 to 2.13.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.profiler import record_function


def spare_labels() -> None:
    """Makes `record_function` do nothing while no profiler runs."""
    enter: Any = record_function.__enter__
    leave: Any = record_function.__exit__
    runs: Callable[[], bool] = torch._C._autograd._profiler_enabled

    def enter_if_heard(self: Any) -> Any:
        return enter(self) if runs() else self

    def leave_if_entered(self: Any, *error: Any) -> Any:
        return None if self.record is None else leave(self, *error)

    record_function.__enter__ = enter_if_heard  # type: ignore[method-assign]
    record_function.__exit__ = leave_if_entered  # type: ignore[method-assign]
