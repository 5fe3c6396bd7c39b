"""Wrappers around the functions of torch that every style of program has to go through."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

LOSSES = (
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "multi_margin_loss",
    "poisson_nll_loss",
)


def wrap(owner: Any, name: str, before: Callable[..., Any] | None, after: Callable[..., Any] | None) -> None:
    """Replaces `owner.name` by a function that calls `before(*args)` and `after(result, *args)` around it."""
    original = getattr(owner, name, None)
    if original is None:
        return

    if after is None:

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            before(*args, **kwargs)  # type: ignore[misc]
            return original(*args, **kwargs)
    elif before is None:

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            after(result, *args, **kwargs)
            return result
    else:

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            token = before(*args, **kwargs)
            result = original(*args, **kwargs)
            after(token, result, *args, **kwargs)
            return result

    setattr(owner, name, wrapper)


def install(watch: Any) -> None:
    """Points every tap at the watcher. Called once, before the student's first line."""
    for owner in (F, torch):
        wrap(owner, "conv2d", watch.on_layer, watch.on_layer_done)
    wrap(F, "linear", watch.on_layer, watch.on_linear_done)
    wrap(F, "unfold", watch.on_unfold, watch.on_layer_done)
    wrap(torch.Tensor, "unfold", watch.on_unfold, watch.on_layer_done)
    for name in LOSSES:
        wrap(F, name, None, watch.on_loss)
    wrap(torch.autograd, "backward", watch.before_backward, watch.after_backward)
    wrap(torch.autograd, "grad", watch.before_grad, watch.after_grad)
    register_optimizer_step_pre_hook(watch.before_step)
    register_optimizer_step_post_hook(watch.after_step)
