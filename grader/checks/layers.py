"""Question 2.1: a convolution 1 -> 10, 8x8, stride 2; ReLU; a dense layer 1210 -> 10."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict, joined
from grader.checks.result import Confidence
from grader.verify.result import Architecture, Convolution


def _declared(case: Case, kind: str) -> Mapping[str, Any] | None:
    """A layer that was defined, called or not, as the student's process tells."""
    state = case.evidence.state
    modules = state.modules if state else ()
    return next((m for m in modules if str(m.get("class", "")).startswith(kind)), None)


def _called(case: Case, operation: str) -> Mapping[str, Any] | None:
    state = case.evidence.state
    return next((layer for layer in (state.layers if state else ()) if layer.get("operation") == operation), None)


def _pair(value: Any) -> tuple[int, int]:
    items = list(value) if isinstance(value, (list, tuple)) else [value, value]
    return (int(items[0]), int(items[-1])) if items and all(isinstance(i, int) for i in items) else (0, 0)


def _convolution(case: Case) -> tuple[Convolution | None, bool]:
    """The convolution, and whether it was seen at work rather than only defined."""
    architecture = case.verification.architecture
    if architecture is not None and architecture.convolution is not None:
        return architecture.convolution, True
    module = _declared(case, "Conv2d")
    weight = module["parameters"].get("weight") if module and isinstance(module.get("parameters"), Mapping) else None
    if module is None or not isinstance(weight, Mapping) or len(weight.get("shape", [])) != 4:
        return None, False
    out, into, height, width = weight["shape"]
    settings = module.get("settings", {})
    stride, padding, dilation = (
        _pair(settings.get(name, default)) for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    return Convolution(into, out, (height, width), stride, padding, dilation, None), False


# Layers in a plain list, tuple or dictionary of the model.
_PLAIN_CONTAINER = re.compile(r"self\.\w+\s*=\s*[\[({][^\n]*\s*(?:torch\.)?(?:nn\.)?(?:Conv2d|Linear)\(")


def unregistered(case: Case) -> bool:
    """Whether the model keeps layers where torch does not look for them, and the optimizer lacks their weights."""
    lacking = case.verification.optimizer_parameters in ("some", "none")
    return lacking and any(_PLAIN_CONTAINER.search(source) for source in case.sources.values())


def convolution(case: Case, spec: CheckSpec) -> Verdict:
    """Kernel, stride, channels and padding, each worth a quarter... of which a wrong stride or kernel loses two."""
    kernel, stride, padding, channels = (
        spec.parameters[name] for name in ("kernel", "stride", "padding", "out_channels")
    )
    answer = Answer(
        case,
        spec,
        f"a convolution from {spec.parameters['in_channels']} to {channels} channels with a {kernel}x{kernel} kernel, "
        f"stride {stride} and padding {padding}",
    )
    seen, at_work = _convolution(case)
    architecture = case.verification.architecture
    if seen is None:
        return _no_convolution(answer, architecture)
    text = (
        f"a convolution from {seen.in_channels} to {seen.out_channels} channels "
        f"with a {seen.kernel[0]}x{seen.kernel[1]} kernel, "
        f"stride {seen.stride[0]} and padding {seen.padding[0]}"
    )
    wrong = _departures(seen, kernel, stride, padding, channels)
    if case.verification.recreated:
        return answer.lost(
            "layers are made anew at every call", "layer.recreated", place=seen.place, confidence="proved"
        )
    if wrong:
        share = min(1.0, sum(part for _, part, _ in wrong))
        return answer.lost(
            text,
            wrong[0][0],
            share=share,
            place=seen.place,
            message=joined([m for _, _, m in wrong]),
            confidence="proved" if at_work else "observed",
        )
    return _amiss(answer, case, seen) or answer.met(text, confidence="proved" if at_work else "observed")


def _amiss(answer: Answer, case: Case, seen: Convolution) -> Verdict | None:
    """What is wrong about the layers although the convolution itself is as asked."""
    architecture = case.verification.architecture
    if case.verification.uniform:
        text = "all weights of a layer begin with the same value, so that all kernels stay alike"
        return answer.unmet(text, "Let PyTorch choose the initial weights, at random.", seen.place)
    if unregistered(case):
        return answer.lost(
            "layers are kept in a plain list, where the model does not find their weights",
            "layer.not-registered",
            share=0.5,
            place=seen.place,
        )
    if architecture is not None and architecture.extra:
        _, place = architecture.extra[0]
        return answer.lost(
            f"besides, {joined([n for n, _ in architecture.extra])}",
            "layer.extra",
            share=0.5,
            place=place,
            confidence="proved",
        )
    return None


def _no_convolution(answer: Answer, architecture: Architecture | None) -> Verdict:
    if architecture is None or architecture.dense_in is None:
        return answer.absent("convolution")
    text = "the images go into a dense layer: there is no convolution"
    return answer.lost(text, "layer.extra", place=architecture.dense_place)


def _departures(
    seen: Convolution, kernel: int, stride: int, padding: int, channels: int
) -> list[tuple[str, float, str]]:
    """(finding, share of the points, message) for each property that is not as asked."""
    wrong = []
    if seen.kernel != (kernel, kernel):
        wrong.append(
            ("layer.kernel-size", 0.5, f"the kernel is {seen.kernel[0]}x{seen.kernel[1]}, not {kernel}x{kernel}")
        )
    if seen.stride != (stride, stride):
        wrong.append(("layer.stride", 0.5, f"the stride is {seen.stride[0]}, not {stride}"))
    if seen.padding != (padding, padding):
        wrong.append(("layer.padding", 0.5, f"the padding is {seen.padding[0]}, not {padding}"))
    if seen.out_channels != channels:
        wrong.append(("layer.channels", 0.5, f"there are {seen.out_channels} output channels, not {channels}"))
    if seen.dilation != (1, 1):
        wrong.append(("layer.kernel-size", 0.5, f"the kernel is dilated by {seen.dilation[0]}"))
    return wrong


# Operations that are ReLU with the right arguments and something else with others: only their values tell.
AMBIGUOUS = ("clamp", "where", "threshold")


def activation(case: Case, spec: CheckSpec) -> Verdict:
    """ReLU between the convolution and the dense layer, told by the values and not by the name."""
    answer = Answer(case, spec, "ReLU after the convolution")
    architecture = case.verification.architecture
    if architecture is None or architecture.activation is None:
        declared = _declared(case, "ReLU")
        return answer.met("a ReLU layer is defined") if declared is not None else answer.absent("activation")
    name = architecture.activation
    proved: Confidence = "proved" if architecture.flatten_order is not None else "observed"
    if name == "ReLU" or architecture.activation_discarded:
        return answer.met(
            "ReLU" if name == "ReLU" else "ReLU is there (what becomes of it belongs to question 2.2)",
            confidence=proved,
        )
    if name in AMBIGUOUS:
        return answer.not_assessed(f"what `{name}` makes of the convolution's output could not be recomputed")
    if name == "none":
        return answer.lost(
            "the convolution's output goes into the dense layer as it is",
            "layer.missing-activation",
            place=architecture.dense_place,
            confidence=proved,
        )
    return answer.lost(
        f"{name} instead of ReLU", "layer.wrong-activation", place=architecture.activation_place, confidence=proved
    )


def dense(case: Case, spec: CheckSpec) -> Verdict:
    """A dense layer from all that the (student's own) convolution leaves to the ten classes."""
    features, classes = spec.parameters["features"], spec.parameters["classes"]
    answer = Answer(case, spec, f"a dense layer from {features} to {classes}")
    architecture = case.verification.architecture
    if architecture is None or architecture.dense_in is None or architecture.dense_out is None:
        return _dense_without_run(answer, case, architecture, features, classes)
    text = f"a dense layer from {architecture.dense_in} to {architecture.dense_out}"
    own = 1
    for side in architecture.convolution_shape or ():
        own *= side
    batch_mixed = architecture.dense_rows == 1 and architecture.rows > 1
    right_in = architecture.dense_in in (features, own) or bool(architecture.extra) or batch_mixed
    if architecture.dense_out == classes and right_in:
        return answer.met(text, confidence="proved")
    return answer.lost(
        text,
        "layer.dense-size",
        share=1.0 if not right_in else 0.5,
        place=architecture.dense_place,
        confidence="proved",
    )


def _dense_without_run(
    answer: Answer, case: Case, architecture: Architecture | None, features: int, classes: int
) -> Verdict:
    called = _called(case, "linear")
    module = _declared(case, "Linear")
    shape = called.get("weight") if called else None
    if shape is None and module is not None:
        weight = module.get("parameters", {}).get("weight", {})
        shape = weight.get("shape")
    if not isinstance(shape, list) or len(shape) != 2:
        return answer.absent("dense layer")
    text = f"a dense layer from {shape[1]} to {shape[0]}"
    place = architecture.error_place if architecture else None
    if shape[0] == classes and (shape[1] == features or _fits_own_convolution(case, shape[1])):
        return answer.met(text)
    return answer.lost(text, "layer.dense-size", place=place)


def _fits_own_convolution(case: Case, width: int) -> bool:
    seen, _ = _convolution(case)
    if seen is None or 0 in seen.stride:
        return False
    sides = [
        (28 + 2 * p - d * (k - 1) - 1) // s + 1
        for k, s, p, d in zip(seen.kernel, seen.stride, seen.padding, seen.dilation, strict=True)
    ]
    return width == seen.out_channels * sides[0] * sides[1]
