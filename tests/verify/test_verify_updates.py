"""Updates: the claimed optimizer makes the recorded weights, and a tampered claim does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.optim import Optimizer

from grader.evidence.values import Trace
from grader.verify.updates import prove_update
from tests.verify.traces import CNN, batch, one_hot, record_step, trace_of

Make = Callable[[Any], Optimizer]

OPTIMIZERS: dict[str, Make] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "dampening": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.5),
    "weight decay": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.01),
    "Nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "maximize": lambda p: torch.optim.SGD(p, lr=0.05, maximize=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.001),
    "AMSGrad": lambda p: torch.optim.Adam(p, lr=0.001, amsgrad=True),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.001, betas=(0.8, 0.99)),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.001, momentum=0.5, centered=True),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
    "tensor rate": lambda p: torch.optim.SGD(p, lr=torch.tensor(0.05)),
}


def trace_after(make: Make, steps: int) -> Trace:
    """The trace of the update that follows `steps` others."""
    model = CNN()
    optimizer = make(model.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(batch()), one_hot()).backward()
        optimizer.step()
    optimizer.zero_grad()
    return trace_of(record_step(model, optimizer=optimizer))


@pytest.mark.parametrize("steps", [0, 3], ids=["first", "later"])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_torch_optimizers_follow(name: str, steps: int) -> None:
    """Weights, gradients, the optimizer's memory and its settings give the next weights."""
    proof = prove_update(trace_after(OPTIMIZERS[name], steps))
    assert proof is not None
    assert (proof.follows, proof.moved, proof.had_gradient) == (True, True, True)


@pytest.mark.parametrize("name", ["SGD", "momentum", "Adam"])
def test_tampered_weights(name: str) -> None:
    """One weight that is moved otherwise is found out."""
    trace = trace_after(OPTIMIZERS[name], 2)
    after = trace.arrays["after/0"].copy()
    moved = np.abs(after - trace.arrays["parameter/0"]).max()
    after[3, 0, 4, 4] += moved / 10
    proof = prove_update(replace(trace, arrays={**trace.arrays, "after/0": after}))
    assert proof is not None
    assert proof.follows is False


@pytest.mark.parametrize(
    ("real", "claimed"), [("SGD", {"lr": 0.06}), ("momentum", {"momentum": 0.8}), ("weight decay", {"weight_decay": 0})]
)
def test_tampered_settings(real: str, claimed: dict[str, float]) -> None:
    """Settings other than those that moved the weights are found out."""
    trace = trace_after(OPTIMIZERS[real], 2)
    description = dict(trace.optimizer_description or {})
    group = dict(description["groups"][0])
    description["groups"] = [{**group, "settings": {**group["settings"], **claimed}}]
    proof = prove_update(replace(trace, optimizer_description=description))
    assert proof is not None
    assert proof.follows is False


def test_adam_under_the_name_of_sgd() -> None:
    """A class that calls itself SGD and moves as Adam does not follow."""
    trace = trace_after(OPTIMIZERS["Adam"], 2)
    claim = {**(trace.optimizer_description or {}), "class": "SGD", "module": "torch.optim.sgd"}
    proof = prove_update(replace(trace, optimizer_description=claim))
    assert proof is not None
    assert proof.follows is not True


def test_two_groups() -> None:
    """Groups with rates of their own follow, each with its own."""
    model = CNN()
    optimizer = torch.optim.SGD(
        [{"params": model.conv.parameters()}, {"params": model.dense.parameters(), "lr": 0.5}], 0.1
    )
    proof = prove_update(trace_of(record_step(model, optimizer=optimizer)))
    assert proof is not None
    assert (proof.follows, proof.as_sgd) == (True, None)


def test_frozen_parameters() -> None:
    """An optimizer of the dense layer alone leaves the kernels where they are, and follows."""
    model = CNN()
    proof = prove_update(trace_of(record_step(model, optimizer=torch.optim.SGD(model.dense.parameters(), 0.1))))
    assert proof is not None
    assert proof.follows is True


@pytest.mark.parametrize(("name", "rate"), [("SGD", 0.05), ("maximize", -0.05), ("Adam", None)])
def test_as_sgd(name: str, rate: float | None) -> None:
    """The learning rate with which plain gradient descent explains the change, where one does."""
    proof = prove_update(trace_after(OPTIMIZERS[name], 2))
    assert proof is not None
    assert proof.as_sgd == (None if rate is None else pytest.approx(rate, rel=1e-3))


def test_by_hand() -> None:
    """An update without an optimizer follows nothing, but has its learning rate."""
    model = CNN()

    def update() -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter -= 0.02 * parameter.grad

    proof = prove_update(trace_of(record_step(model, update=update)))
    assert proof is not None
    assert (proof.follows, proof.moved) == (None, True)
    assert proof.as_sgd == pytest.approx(0.02, rel=1e-3)


def test_no_update() -> None:
    """A trace that no update ended has no proof."""
    assert prove_update(trace_of(record_step(CNN()))) is None


def test_rate_of_zero() -> None:
    """A step of length zero moves nothing, and follows its claim."""
    proof = prove_update(trace_after(lambda p: torch.optim.SGD(p, lr=0.0), 0))
    assert proof is not None
    assert (proof.moved, proof.follows) == (False, True)


@pytest.mark.parametrize("name", ["LBFGS", "Optimizer", "lr_scheduler", "__builtins__", "Unknown", "SparseAdam"])
def test_classes_that_are_not_replayed(name: str) -> None:
    """A claim that names something else than a plain optimizer is unknown, and no error."""
    trace = trace_after(OPTIMIZERS["SGD"], 0)
    claim = {**(trace.optimizer_description or {}), "class": name}
    proof = prove_update(replace(trace, optimizer_description=claim))
    assert proof is not None
    assert proof.follows is not True


def test_optimizer_of_the_student() -> None:
    """A class outside torch.optim that extends none of its is unknown, whatever its name."""
    trace = trace_after(OPTIMIZERS["SGD"], 0)
    claim = {**(trace.optimizer_description or {}), "module": "__main__"}
    proof = prove_update(replace(trace, optimizer_description=claim))
    assert proof is not None
    assert proof.follows is None
