"""Stretches of many updates that nobody looks at are done again, and so are those of programs that clip gradients."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from grader.verify.result import Verification
from grader.verify.run import verify
from tests.recorder.runs import DATA, MODEL, TESTING, record
from tests.verify.test_verify_run import SETTING

LOOP = """
count = 0
for epoch in range(150):
    for x, y in zip(X.split(30), Y.split(30)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        CHANGE
        optimizer.step()
        count += 1
    SCHEDULE
"""
PLAIN = "pass"
# Another gradient, only where the recorder does not look and more than thirty updates lie around.
UNSEEN = "if 31 < count < 99 or 101 < count < 299 or 301 < count < 598: [p.grad.mul_(-0.5) for p in model.parameters()]"
CLIPPED = "nn.utils.clip_grad_norm_(model.parameters(), 0.05)"
CLIPPED_EACH = "[nn.utils.clip_grad_norm_([p], 0.02) for p in model.parameters()]"
CLIPPED_VALUE = "nn.utils.clip_grad_value_(model.parameters(), 0.002)"
ONCE = "if count == 9: [p.grad.mul_(0.5) for p in model.parameters()]"
DECAYING = "optimizer.param_groups[0]['lr'] *= 0.99"
BACK = (
    "best = best if epoch > 40 else {n: p.clone() for n, p in model.state_dict().items()}\n"
    "    if epoch == 60: model.load_state_dict(best)"
)
MOMENTUM = MODEL.replace("lr=0.05", "lr=0.01, momentum=0.9")


def verified(folder: Path, change: str, schedule: str = "pass", model: str = MODEL) -> Verification:
    """What is found of a program that does `change` before each update and `schedule` after each epoch."""
    loop = textwrap.dedent(LOOP).lstrip().replace("CHANGE", change).replace("SCHEDULE", schedule)
    return verify(record(folder, DATA + model, loop, TESTING).evidence, SETTING)[0]


@pytest.mark.parametrize("change", [PLAIN, CLIPPED, CLIPPED_EACH, CLIPPED_VALUE, ONCE], ids=str)
def test_honest_changes(tmp_path: Path, change: str) -> None:
    """Clipping of any kind, and a change of one update, leave no doubt."""
    assert "training" not in verified(tmp_path, change).consistency.contradictions


def test_momentum(tmp_path: Path) -> None:
    """Nor does an optimizer with a memory."""
    assert "training" not in verified(tmp_path, PLAIN, model=MOMENTUM).consistency.contradictions


@pytest.mark.parametrize("schedule", [DECAYING, BACK], ids=["learning rate", "best weights"])
def test_honest_schedules(tmp_path: Path, schedule: str) -> None:
    """Nor does a learning rate that falls, or a return to earlier weights."""
    assert "training" not in verified(tmp_path, PLAIN, schedule).consistency.contradictions


@pytest.mark.parametrize("model", [MODEL, MOMENTUM], ids=["plain", "momentum"])
@pytest.mark.parametrize("seen", [PLAIN, ONCE, CLIPPED], ids=["plain", "once", "clipped"])
def test_deceit_between_updates_far_apart(tmp_path: Path, model: str, seen: str) -> None:
    """A program that learns otherwise wherever it is not examined contradicts its journal, whatever optimizer it has,
    and also where it changes the gradients of one examined update, or clips those of all."""
    found = verified(tmp_path, f"{seen}\n        {UNSEEN}", model=model)
    assert "lead elsewhere" in found.consistency.contradictions.get("training", "")
