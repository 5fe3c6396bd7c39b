"""torch's labels for its profiler: spared while none runs, written while one does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import torch
from torch.profiler import profile, record_function
from grader.recorder import profiler
profiler.spare_labels()

weight = torch.ones(2, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=0.1)

def step():
    with record_function("mine") as label:
        optimizer.zero_grad()
        weight.sum().backward()
        optimizer.step()
    return label

print("entered:", step().record is not None)
with profile() as seen:
    print("entered:", step().record is not None)
names = {event.key for event in seen.key_averages()}
print(sorted(name for name in names if "mine" in name or "SGD" in name))
print("entered:", step().record is not None)
outer = record_function("outer")
with outer:
    running = profile()
    running.start()
running.stop()
print([round(value, 4) for value in weight.tolist()])
"""


def test_labels_are_written_only_while_a_profiler_runs() -> None:
    """A profiler sees the student's labels and the optimizer's; without one none is entered; training is the same."""
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "entered: False",
        "entered: True",
        "['Optimizer.step#SGD.step', 'Optimizer.zero_grad#SGD.zero_grad', 'mine']",
        "entered: False",
        "[0.7, 0.7]",
    ]
