"""Keeps torch.optim from importing torch's compiler, which takes longer than a short training run, for nothing.

An optimizer imports torch._dynamo (more than a second) when it is made and when it steps, only to tell the compiler to
leave those calls alone. As long as the program itself has not imported the compiler, there is nobody to tell.
The names are torch's own, in torch/_compile.py and torch/optim/optimizer.py of torch 2.6 to 2.13; where another torch
has others, nothing is changed and the import takes place.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import torch

# Where torch._disable_dynamo's wrapper looks for the function to call.
_SLOT = "__dynamo_disable"
_STEP_DECORATOR = "_use_grad"


def postpone(*classes: type) -> None:
    """Optimizers, and the methods of `classes`, go without the compiler until the program imports it."""
    for owner in (torch.optim.Optimizer, *classes):
        for method in vars(owner).values():
            original = getattr(method, "__wrapped__", None)
            if callable(original) and not hasattr(original, _SLOT):
                setattr(original, _SLOT, _undisabled(original))
    for kind in vars(torch.optim).values():
        if not isinstance(kind, type) or not issubclass(kind, torch.optim.Optimizer):
            continue
        step = vars(kind).get("step")
        if getattr(getattr(step, "__code__", None), "co_name", "") == _STEP_DECORATOR:
            kind.step = _uncompiled(step)  # type: ignore[method-assign]


def _imported() -> bool:
    return "torch._dynamo" in sys.modules


def _undisabled(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if _imported():
            # From here on torch's own wrapper does what it always did.
            delattr(original, _SLOT)
        return original(*args, **kwargs)

    return call


def _uncompiled(step: Any) -> Callable[..., Any]:
    """`step` without its two hints to the compiler: gradients are recorded only for a differentiable optimizer."""
    inner = step.__wrapped__

    @functools.wraps(inner)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _imported():
            return step(*args, **kwargs)
        previous = torch.is_grad_enabled()
        try:
            torch.set_grad_enabled(args[0].defaults["differentiable"])
            return inner(*args, **kwargs)
        finally:
            torch.set_grad_enabled(previous)

    return call
