"""Wrappers around the functions of torch that every style of program has to go through."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from .registry import is_mapped

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


def wrap_layer(owner: Any, name: str, watch: Any, after: Callable[..., Any]) -> None:
    """As `wrap` with `watch.on_layer` and `after`, but a call like many before it costs the program a tenth as much."""
    original = getattr(owner, name)
    wrap(owner, name, watch.on_layer, after)
    unusual = getattr(owner, name)

    @functools.wraps(original)
    def wrapper(input: Any, weight: Any, *rest: Any, **options: Any) -> Any:
        layer = watch.familiar.get(id(weight))
        if (
            layer is None
            or (rest[0] if rest else options.get("bias")) is not layer.bias
            or type(input) is not torch.Tensor
            or is_mapped(input)
            or (layer.first and not watch.on_usual_batch(input))
        ):
            return unusual(input, weight, *rest, **options)
        result = original(input, weight, *rest, **options)
        if layer.scores:
            watch.on_scores(result)
        return result

    setattr(owner, name, wrapper)


def wrap_backward(watch: Any) -> None:
    """The same for `torch.autograd.backward`, through which `Tensor.backward` goes."""
    original = torch.autograd.backward
    wrap(torch.autograd, "backward", watch.before_backward, watch.after_backward)
    unusual = torch.autograd.backward

    @functools.wraps(original)
    def wrapper(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if not watch.familiar:
            return unusual(tensors, *args, **kwargs)
        stale = watch.has_old_gradient()
        result = original(tensors, *args, **kwargs)
        watch.on_backward(tensors, stale)
        return result

    torch.autograd.backward = wrapper


def install(watch: Any) -> None:
    """Points every tap at the watcher. Called once, before the student's first line."""
    for owner in (F, torch):
        wrap_layer(owner, "conv2d", watch, watch.on_layer_done)
    wrap_layer(F, "linear", watch, watch.on_linear_done)
    wrap(F, "unfold", watch.on_unfold, watch.on_layer_done)
    wrap(torch.Tensor, "unfold", watch.on_unfold, watch.on_layer_done)
    for name in LOSSES:
        wrap(F, name, None, watch.on_loss)
    wrap_backward(watch)
    wrap(torch.autograd, "grad", watch.before_grad, watch.after_grad)
    register_optimizer_step_pre_hook(watch.before_step)
    register_optimizer_step_post_hook(watch.after_step)
