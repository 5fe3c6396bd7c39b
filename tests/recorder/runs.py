"""Runs small student programs under the recorder, each in a process of its own, and parses what they send.

The recorder patches torch, so it may not run in the tests' own process. One server process imports torch once; every
program runs in a fork of it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from grader.evidence import Evidence, FrameReader, parse_evidence
from grader.evidence.values import Flag, Kind
from tests.recorder.images import small_set

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["torch", "torch._dynamo", "IPython.core.interactiveshell"])
SECONDS = 60
PROBES = 60

DATA = """\
import numpy as np, torch
import torch.nn.functional as F
from torch import nn
train, test = np.load("data/train.npz"), np.load("data/test.npz")
X, Y = torch.from_numpy(train["X"]), torch.from_numpy(train["Y"]).float()
X_test, Y_test = torch.from_numpy(test["X"]), torch.from_numpy(test["Y"]).float()
"""
MODEL = """\
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, 2)
        self.dense = nn.Linear(1210, 10)

    def forward(self, x):
        return self.dense(F.relu(self.conv(x.reshape(-1, 1, 28, 28))).flatten(1))

model = CNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
"""
UNFOLDED = """\
torch.manual_seed(0)
W_1 = (torch.rand(64, 10) / 10).requires_grad_()
W_2 = (torch.rand(1210, 10) / 100).requires_grad_()

def model(x):
    patches = F.unfold(x.reshape(-1, 1, 28, 28), 8, stride=2).transpose(1, 2)
    return (patches @ W_1).transpose(1, 2).relu().flatten(1) @ W_2

optimizer = torch.optim.SGD([W_1, W_2], lr=0.05)
"""
TRAINING = """\
for epoch in range(2):
    for x, y in zip(X.split(30), Y.split(30)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
"""
TESTING = """\
with torch.no_grad():
    for x, y in zip(X_test.split(30), Y_test.split(30)):
        F.cross_entropy(model(x), y)
"""


@dataclass(frozen=True)
class Run:
    """One program: its cells, what it sent, and the folder in which it ran."""

    cells: tuple[str, ...]
    evidence: Evidence
    folder: Path

    def count(self, kind: Kind) -> int:
        return int((self.evidence.events.kind == kind).sum())

    def flagged(self, kind: Kind, flag: Flag) -> list[bool]:
        """For each event of `kind`, whether it has `flag`."""
        events = self.evidence.events
        return [bool(flags & flag) for flags in events.flags[events.kind == kind].tolist()]

    @property
    def story(self) -> str:
        """The events as letters: Forward, Loss, Backward, Step, Update; cells and pictures are left out."""
        letters: dict[int, str] = {
            Kind.FORWARD: "F",
            Kind.LOSS: "L",
            Kind.BACKWARD: "B",
            Kind.STEP: "S",
            Kind.UPDATE: "U",
        }
        return "".join(letters.get(kind, "") for kind in self.evidence.events.kind.tolist())


def record(folder: Path, *cells: str, module: bool = False, watched: bool = True) -> Run:
    """Runs `cells` as IPython does, or one `module` as a script; fails where the program's process fails."""
    (folder / "data").mkdir()
    images = small_set()
    one_hot = np.eye(10, dtype=np.float32)
    np.savez(folder / "data" / "train.npz", X=images.train, Y=one_hot[images.train_labels])
    np.savez(folder / "data" / "test.npz", X=images.test, Y=one_hot[images.test_labels])
    images.test[np.arange(PROBES) % len(images.test)].tofile(folder / "probes")
    (folder / "student.py").write_text(cells[0] if module else "", encoding="utf-8")
    process = SERVER.Process(target=_run, args=(str(folder), cells, module, watched))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
    assert process.exitcode == 0, (folder / "trouble").read_text() if (folder / "trouble").exists() else "timed out"
    frames = FrameReader().feed((folder / "evidence").read_bytes()) if watched else []
    return Run(cells, parse_evidence(frames), folder)


def _run(folder: str, cells: tuple[str, ...], module: bool, watched: bool) -> None:
    """In the program's own process."""
    os.chdir(folder)
    for stream in (1, 2):
        os.dup2(os.open("trouble", os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    sys.modules["__main__"] = main = ModuleType("__main__")
    os.environ["MPLBACKEND"] = "agg"
    if watched:
        _run_watched(folder, cells, module)
        return
    import torch

    torch.manual_seed(0)
    for cell in cells:
        exec(cell, main.__dict__)  # noqa: S102 - the tests' own programs


def _run_watched(folder: str, cells: tuple[str, ...], module: bool) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    from grader.recorder.kernel import Recording

    config = {
        "workspace": folder,
        "entry": "student.py" if module else "student.ipynb",
        "entry_kind": "module" if module else "notebook",
        "classes": 10,
        "seed": 0,
        "reference_loop": {"epochs": 2, "batch_size": 30, "learning_rate": 0.05},
    }
    recording = Recording(config, os.open("evidence", os.O_WRONLY | os.O_CREAT))
    recording.start()
    if module:
        recording.run_script()
    else:
        InteractiveShell.history_length = 0
        shell = InteractiveShell.instance(user_module=sys.modules["__main__"])
        shell.history_manager.enabled = False
        shell.InteractiveTB.set_mode(mode="Minimal")
        recording.attach(shell)
        for cell in cells:
            shell.run_cell(cell, store_history=True)
    recording.finish()
    recording.answer(os.path.join(folder, "probes"))
