"""Optimizers work without torch's compiler, and as torch made them once it has been imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
import torch
from grader.recorder import dynamo
{postpone}

def weights(optimizer, **settings):
    torch.manual_seed(1)
    model = torch.nn.Linear(3, 2)
    chosen = optimizer(model.parameters(), lr=0.1, **settings)
    for _ in range(3):
        chosen.zero_grad()
        model(torch.ones(4, 3)).square().sum().backward()
        chosen.step()
    assert torch.is_grad_enabled()
    return [round(value, 6) for value in model.weight.flatten().tolist()]

print(weights(torch.optim.SGD, momentum=0.9), weights(torch.optim.Adam), weights(torch.optim.RMSprop))
print("compiler:", "torch._dynamo" in sys.modules)
import torch._dynamo
print(weights(torch.optim.SGD, momentum=0.9), weights(torch.optim.Adam), weights(torch.optim.RMSprop))
"""


def run(postpone: str) -> list[str]:
    """The lines that the program prints in a fresh interpreter."""
    command = [sys.executable, "-c", PROGRAM.format(postpone=postpone)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_optimizers_give_the_same_weights_without_the_compiler() -> None:
    """SGD, Adam and RMSprop move the weights as torch's own, do not import the compiler, and bear its later import."""
    plain, lean = run(""), run("dynamo.postpone()")

    assert lean[0] == plain[0]
    assert (plain[1], lean[1]) == ("compiler: True", "compiler: False")
    assert lean[2] == plain[2]
