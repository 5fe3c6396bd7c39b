"""Does a recorded stretch again, with the trusted side's own images and its own torch.

The operations are names of ATen functions; only those listed here are ever called, so a forged trace can make the
trusted side do arithmetic and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from grader.errors import EvidenceError
from grader.evidence.values import Node, Trace
from grader.verify.sizes import flat, result_size

MAX_ELEMENTS = 80_000_000

ALLOWED = frozenset(
    """
convolution conv2d _convolution mkldnn_convolution im2col unfold as_strided view _unsafe_view reshape _reshape_alias
flatten t t_ transpose transpose_ permute squeeze squeeze_ unsqueeze unsqueeze_ expand select slice alias detach
detach_ clone contiguous to _to_copy copy_ cat stack split chunk unbind index index_put index_put_ index_select gather
narrow flip lift_fresh movedim swapaxes swapaxes_ view_as addmm mm bmm matmul linear baddbmm addmv mv dot outer einsum
relu relu_ threshold threshold_ clamp clamp_ clamp_min clamp_min_ clamp_max maximum minimum where masked_fill
masked_fill_ sigmoid sigmoid_ tanh tanh_ leaky_relu leaky_relu_ elu elu_ gelu silu silu_ softplus hardtanh hardtanh_
hardswish hardsigmoid _prelu_kernel relu6 celu selu mish log_sigmoid_forward rrelu_with_noise max_pool2d_with_indices
avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool2d mean sum amax amin max min std var norm linalg_vector_norm
native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training native_layer_norm native_group_norm
cudnn_batch_norm _batch_norm_with_update batch_norm _batch_norm_impl_index native_dropout bernoulli_ bernoulli dropout
constant_pad_nd reflection_pad2d add add_ sub sub_ mul mul_ div div_ neg neg_ exp exp_ log log_ log1p pow sqrt rsqrt
abs square reciprocal sign sgn logsumexp rsub addcmul addcdiv _softmax _log_softmax softmax log_softmax
nll_loss_forward nll_loss nll_loss2d_forward mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy
binary_cross_entropy_with_logits kl_div xlogy multi_margin_loss cross_entropy_loss soft_margin_loss eq ne lt le gt ge
logical_not argmax zeros_like ones_like full_like empty_like new_zeros fill_ zero_ scatter scatter_ one_hot ones zeros
full arange
""".split()
)

_DTYPES = {
    str(getattr(torch, name)): getattr(torch, name)
    for name in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
}
_FORMATS = {str(f): f for f in (torch.contiguous_format, torch.preserve_format, torch.channels_last)}
_WORDS = {
    **_DTYPES,
    **_FORMATS,
    "torch.strided": torch.strided,
    "inf": float("inf"),
    "-inf": float("-inf"),
    "nan": float("nan"),
    "mean": "mean",
    "sum": "sum",
    "none": "none",
    "tanh": "tanh",
}


class ReplayError(EvidenceError):
    """The recorded stretch cannot be done again: something is missing, unknown or does not fit."""


class Impossible(ReplayError):
    """An operation is recorded as done that torch refuses to do, with operands of the recorded shapes and one type."""


class Replay:
    """The values of a trace, made again: `values[v]` is the tensor that the recorder numbered v.

    `agrees`: all results have the shapes that were recorded.
    """

    def __init__(self, trace: Trace, batches: Mapping[int, torch.Tensor], parameters: Mapping[int, torch.Tensor]):
        self._trace = trace
        self._batches = batches
        self._parameters = parameters
        self.values: dict[int, torch.Tensor] = {}
        self.agrees = True

    def run(self, nodes: Iterable[Node]) -> Replay:
        """Executes `nodes` in order; raises `ReplayError`."""
        for node in nodes:
            self._execute(node)
        return self

    def _execute(self, node: Node) -> None:
        function = operation(node.op)
        arguments: list[Any] = []
        try:
            arguments = [self._resolve(value) for value in node.inputs]
            options = {str(key): self._resolve(value) for key, value in node.options.items()}
            options.pop("generator", None)
            if result_size(node.op.split(".")[1], function, arguments, options) > MAX_ELEMENTS:
                raise ReplayError("an operation with a result over the cap")
            with torch.set_grad_enabled(node.grad):
                result = function(*arguments, **options)
        except ReplayError:
            raise
        except Exception as error:
            kind = Impossible if self.agrees and _fits_in_type(node, arguments) else ReplayError
            raise kind(f"{node.op} cannot be done again ({type(error).__name__}: {str(error)[:200]})") from error
        outputs = (
            [result] if isinstance(result, torch.Tensor) else [r for r in flat(result) if isinstance(r, torch.Tensor)]
        )
        if len(outputs) != len(node.outputs) or sum(o.numel() for o in outputs) > MAX_ELEMENTS:
            raise ReplayError(f"{node.op} has other results than were recorded")
        self.agrees = self.agrees and node.shapes == tuple(tuple(o.shape) for o in outputs)
        self.values.update(zip(node.outputs, outputs, strict=True))

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolve(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if "v" in value:
            return _found(self.values, value["v"], "value")
        if "p" in value:
            return _found(self._parameters, value["p"], "parameter")
        if "d" in value:
            return _found(self._batches, value["d"], "batch")
        if "c" in value:
            return constant(self._trace, value["c"])
        word = value.get("s")
        if word in _WORDS:
            return _WORDS[word]
        if isinstance(word, str) and word.startswith(("cpu", "cuda", "mps")):
            return torch.device("cpu")
        raise ReplayError(f"an argument {str(value)[:60]} that the replay does not know")


# Layers: whether torch does them depends on the shapes and types of their operands alone.
_LAYERS = frozenset(["aten.convolution.default", "aten.addmm.default", "aten.mm.default"])


def _fits_in_type(node: Node, arguments: list[Any]) -> bool:
    types = {value.dtype for value in flat(arguments) if isinstance(value, torch.Tensor)}
    return node.op in _LAYERS and len(types) == 1 and not node.error


def operation(name: str) -> Any:
    """The ATen function of a recorded name such as `aten.relu.default`."""
    parts = name.split(".")
    if len(parts) != 3 or parts[0] != "aten" or parts[1] not in ALLOWED:
        raise ReplayError(f"an operation that the replay does not do: {name[:60]}")
    try:
        return getattr(getattr(torch.ops.aten, parts[1]), parts[2])
    except AttributeError as error:
        raise ReplayError(f"an operation that torch does not know: {name[:60]}") from error


def constant(trace: Trace, number: Any) -> torch.Tensor:
    """The value of a constant, as it was when it was used."""
    array = trace.arrays.get(f"constant/{number}")
    if array is None:
        raise ReplayError("a constant was too large to be kept")
    return torch.from_numpy(np.array(array))


def parameters_of(trace: Trace, *, gradients: bool) -> dict[int, torch.Tensor]:
    """The parameters at the beginning of the trace, as new leaf tensors."""
    found = {}
    for name, array in trace.arrays.items():
        head, _, number = name.partition("/")
        if head == "parameter" and number.isdigit():
            tensor = torch.from_numpy(np.array(array))
            found[int(number)] = tensor.requires_grad_(gradients) if tensor.is_floating_point() else tensor
    return found


def _found(table: Mapping[int, torch.Tensor], key: Any, what: str) -> torch.Tensor:
    if not isinstance(key, int) or key not in table:
        raise ReplayError(f"a {what} that was not recorded")
    return table[key]
