"""Updates by the student's own hand: descent with momentum or weight decay is told from anything else."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.verify.descent import Move, momentum_of, rate_of
from grader.verify.result import UpdateProof, Verification
from grader.verify.run import verify
from grader.verify.updates import prove_update
from tests.recorder.runs import DATA, MODEL, TESTING, record
from tests.verify.test_verify_run import SETTING
from tests.verify.test_verify_updates import OPTIMIZERS, trace_after

LOOP = """
memory = {p: torch.zeros_like(p) for p in model.parameters()}
squares = {p: torch.zeros_like(p) for p in model.parameters()}
for epoch in range(3):
    for x, y in zip(X.split(30), Y.split(30)):
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            for p in model.parameters():
                RULE
                p.grad = None
"""
# How students write the update, and whether it is gradient descent.
RULES = {
    "momentum": ("v = memory[p].mul_(0.9).add_(p.grad); p -= 0.01 * v", True),
    "velocity": ("memory[p] = 0.9 * memory[p] - 0.01 * p.grad; p += memory[p]", True),
    "running mean": ("memory[p] = 0.9 * memory[p] + 0.1 * p.grad; p -= 0.1 * memory[p]", True),
    "Nesterov": ("v = memory[p].mul_(0.9).add_(p.grad); p -= 0.01 * (p.grad + 0.9 * v)", True),
    "weight decay": ("p -= 0.05 * (p.grad + 0.01 * p)", True),
    "momentum and decay": ("v = memory[p].mul_(0.9).add_(p.grad + 0.01 * p); p -= 0.01 * v", True),
    "root mean square": ("s = squares[p].mul_(0.9).addcmul_(p.grad, p.grad, value=0.1);"
                         " p -= 0.001 * p.grad / (s.sqrt() + 1e-8)", False),
    "sign": ("p -= 0.001 * p.grad.sign()", False),
    "Adam without correction": ("m = memory[p].mul_(0.9).add_(0.1 * p.grad);"
                                " s = squares[p].mul_(0.99).addcmul_(p.grad, p.grad, value=0.01);"
                                " p -= 0.001 * m / (s.sqrt() + 1e-8)", False),
    "noise": ("p -= 0.05 * (p.grad + 0.05 * p.grad.abs().mean() * torch.randn_like(p))", False),
    "ascent": ("p += 0.01 * p.grad + 0.001 * p", False),
    "growing": ("v = memory[p].mul_(1.5).add_(p.grad); p -= 0.01 * v", False),
}  # fmt: skip


def judged(folder: Path, rule: str) -> Verification:
    """What is found of a program that updates its weights by `rule`."""
    loop = textwrap.dedent(LOOP).lstrip().replace("RULE", rule)
    return verify(record(folder, DATA + MODEL + "del optimizer\n", loop, TESTING).evidence, SETTING)[0]


@pytest.mark.parametrize("name", RULES)
def test_rules_by_hand(tmp_path: Path, name: str) -> None:
    """Of every rule that is descent with momentum or decay each update beside a known one is explained, of every other
    one is not."""
    rule, descends = RULES[name]
    known: list[UpdateProof] = [u for u in judged(tmp_path, rule).updates if not u.alone]
    assert len(known) >= 3
    assert all(u.momentum is not None for u in known) == descends


def test_update_after_one_that_was_not_recorded(tmp_path: Path) -> None:
    """Momentum cannot be told where the update before is missing, and plain descent can."""
    found = judged(tmp_path, RULES["momentum"][0])
    assert not found.updates[0].alone
    assert [u.momentum for u in found.updates if u.alone] == [None] * sum(u.alone for u in found.updates)
    assert sum(u.alone for u in found.updates) >= 1


def test_rate_of_plain_descent() -> None:
    """The rate is found in spite of rounding, and not in spite of a tenth of noise."""
    rng = np.random.default_rng(0)
    weights, slope = rng.standard_normal(1000), rng.standard_normal(1000)
    assert rate_of(Move(weights, slope, 0.1 * slope + 1e-6 * weights)) == pytest.approx(0.1, rel=1e-3)
    assert rate_of(Move(weights, slope, 0.1 * slope + 0.01 * weights)) is None
    assert momentum_of(Move(weights, slope, 0.1 * slope + 0.01 * weights), None) == 0


def test_moves_of_other_sizes_are_not_compared() -> None:
    """An update before that moved other weights explains nothing, and is no error."""
    rng = np.random.default_rng(0)
    now, before = (Move(*rng.standard_normal((3, size))) for size in (10, 5))
    assert momentum_of(now, before) is None


@pytest.mark.parametrize(("base", "kind"), [("SGD", "momentum"), ("Adam", "Adam")])
def test_class_that_extends_one_of_torch(base: str, kind: str) -> None:
    """An optimizer of the student's that extends one of torch's is done again as that one, whatever it is called."""
    trace = trace_after(OPTIMIZERS[kind], 2)
    claim = {**(trace.optimizer_description or {}), "class": "Mine", "module": "__main__", "bases": [base, "Optimizer"]}
    proof = prove_update(replace(trace, optimizer_description=claim))
    assert proof is not None
    assert (proof.follows, proof.kind) == (True, base)
    other = {**claim, "bases": ["RMSprop"]}
    proof = prove_update(replace(trace, optimizer_description=other))
    assert proof is not None
    assert proof.follows is not True
