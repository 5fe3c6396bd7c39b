"""How large an operation's result will be, asked before its memory is taken: it may be forged to be huge."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

# These give no more than they take.
_NEVER_LARGER = frozenset(
    """
view _unsafe_view reshape _reshape_alias flatten t t_ transpose transpose_ permute squeeze squeeze_ unsqueeze
unsqueeze_ select slice alias detach detach_ clone contiguous to _to_copy split chunk unbind narrow flip lift_fresh
movedim swapaxes swapaxes_ relu relu_ threshold threshold_ sigmoid sigmoid_ tanh tanh_ leaky_relu leaky_relu_ elu elu_
gelu silu silu_ softplus hardtanh hardtanh_ mean sum amax amin neg neg_ exp exp_ log log_ log1p sqrt rsqrt abs square
reciprocal sign sgn logsumexp _softmax _log_softmax softmax log_softmax nll_loss_forward nll_loss zero_ argmax
zeros_like ones_like full_like empty_like
""".split()
)
_BROADCAST = frozenset(
    """
add add_ sub sub_ mul mul_ div div_ rsub pow maximum minimum where eq ne lt le gt ge clamp clamp_ clamp_min clamp_min_
clamp_max xlogy addcmul addcdiv mse_loss l1_loss masked_fill masked_fill_
""".split()
)


def result_size(name: str, function: Any, arguments: list[Any], options: dict[str, Any]) -> int:
    """Elements of the result of the ATen function called `name`, or no fewer; 0 where the call itself will fail.

    Simple families are computed here: asking torch on its meta device costs more than doing them, and imports its
    compiler. Every other one is asked there.
    """
    tensors = [value for value in flat([arguments, list(options.values())]) if isinstance(value, torch.Tensor)]
    if name in _NEVER_LARGER and tensors:
        return sum(tensor.numel() for tensor in tensors)
    try:
        if name in _BROADCAST and tensors:
            return math.prod(np.broadcast_shapes(*(tuple(tensor.shape) for tensor in tensors)))
        if name in ("mm", "addmm") and len(tensors) >= 2:
            first, second = tensors[-2:]
            return int(first.shape[0] * second.shape[-1])
        if name == "convolution" and len(arguments) == 9 and not arguments[6]:
            return _convolved(*arguments[:6])
        if name in ("index_put", "index_put_") and len(arguments) > 1:
            indices = [i.numel() for i in flat([arguments[1]]) if isinstance(i, torch.Tensor)]
            return max(int(arguments[0].numel()), math.prod(indices))
        return _asked(function, arguments, options, bool(tensors))
    except (NotImplementedError, RuntimeError, TypeError, ValueError, IndexError):
        # No meta kernel, or an error that the operation itself will raise in a moment.
        return 0


def _convolved(
    images: torch.Tensor,
    weight: torch.Tensor,
    _: object,
    strides: list[int],
    paddings: list[int],
    dilations: list[int],
) -> int:
    """The elements of a convolution's result, (N, C_out, ...), as torch.nn.Conv2d's documentation gives its shape."""
    sides = [
        (side + 2 * padding - dilation * (kernel - 1) - 1) // max(stride, 1) + 1
        for side, kernel, stride, padding, dilation in zip(
            images.shape[2:], weight.shape[2:], strides, paddings, dilations, strict=True
        )
    ]
    return math.prod([images.shape[0], weight.shape[0], *(max(side, 0) for side in sides)])


def _asked(function: Any, arguments: list[Any], options: dict[str, Any], has_tensor: bool) -> int:
    options = {key: _as_meta(value) for key, value in options.items()}
    if not has_tensor:
        options["device"] = torch.device("meta")
    result = function(*_as_meta(arguments), **options)
    return sum(value.numel() for value in flat([result]) if isinstance(value, torch.Tensor))


def _as_meta(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_meta(item) for item in value]
    if isinstance(value, torch.Tensor):
        return value.detach().to("meta")
    return torch.device("meta") if isinstance(value, torch.device) else value


def flat(values: Iterable[Any]) -> Iterable[Any]:
    """The values in lists and tuples, at whatever depth."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from flat(value)
        else:
            yield value
