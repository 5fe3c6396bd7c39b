"""Usual calls are told in few functions: the events are those of the close look, for every kind of training loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.recorder.runs import DATA, MODEL, TESTING, record

# No call is ever usual: the recorder looks at each as closely as at the first.
ALL_CLOSE = """
import gc
gc.unfreeze()
watch = next(item for item in gc.get_objects() if type(item).__name__ == "Watch")
type(watch)._settle = lambda self: None
"""
COUNTED = """
import gc
gc.unfreeze()
watch = next(item for item in gc.get_objects() if type(item).__name__ == "Watch")
usual = []
passed = watch.journal.passed
watch.journal.passed = lambda *args: (usual.append(1), passed(*args))
"""
EPOCHS = "for epoch in range(5):\n    for x, y in zip(X.split(5), Y.split(5)):\n"
BODY = "        loss = F.cross_entropy(model(x), y)\n        loss.backward()\n"
STEP = BODY + "        optimizer.step()\n"
MANUAL = BODY + (
    "        with torch.no_grad():\n"
    "            for p in model.parameters():\n"
    "                p -= 0.05 * p.grad\n"
    "                p.grad = None\n"
)
IN_BETWEEN = "\n".join(f"    {line}" for line in TESTING.splitlines())
LOOPS = {
    "an optimizer": EPOCHS + "        optimizer.zero_grad()\n" + STEP,
    "gradients set to zero": EPOCHS + "        optimizer.zero_grad(set_to_none=False)\n" + STEP,
    "gradients never cleared": EPOCHS + STEP,
    "tests in every epoch": EPOCHS + "        optimizer.zero_grad()\n" + STEP + IN_BETWEEN,
    "a test after every step": EPOCHS + "        optimizer.zero_grad()\n" + STEP + "        model(X_test[:7])\n",
    "cleared before the step": EPOCHS + BODY + "        optimizer.zero_grad()\n        optimizer.step()\n",
    "two steps a batch": EPOCHS + "        optimizer.zero_grad()\n" + STEP + "        optimizer.step()\n",
    "weights that are clipped before the step": EPOCHS
    + "        optimizer.zero_grad()\n"
    + BODY
    + "        with torch.no_grad():\n            model.conv.weight.clamp_(-0.5, 0.5)\n        optimizer.step()\n",
    "an optimizer of other weights": "optimizer = torch.optim.SGD(CNN().parameters(), 0.1)\n"
    + EPOCHS
    + "        model.zero_grad()\n"
    + STEP,
    "an optimizer that clears": "class Clearing(torch.optim.SGD):\n    def step(self, closure=None):\n"
    "        super().step(closure)\n        self.zero_grad()\n"
    "optimizer = Clearing(model.parameters(), 0.1)\n" + EPOCHS + STEP,
    "gradients cleared by a hook": "optimizer.register_step_post_hook(lambda optimizer, *_: optimizer.zero_grad())\n"
    + EPOCHS
    + STEP,
    "a closure": EPOCHS + "        def closure():\n            optimizer.zero_grad()\n"
    "            loss = F.cross_entropy(model(x), y)\n            loss.backward()\n            return loss\n"
    "        optimizer.step(closure)\n",
    "no step": EPOCHS + BODY,
    "steps now and then": EPOCHS + BODY + "        if torch.rand(()) < 0.2:\n            optimizer.step()\n",
    "updates by hand": EPOCHS + MANUAL,
    "by hand after an optimizer": EPOCHS + "        optimizer.zero_grad()\n" + STEP + EPOCHS + MANUAL,
    "weights loaded in between": EPOCHS
    + "        optimizer.zero_grad()\n"
    + STEP
    + "    model.load_state_dict({k: v * 0.9 for k, v in model.state_dict().items()})\n",
    "image by image": EPOCHS + "        optimizer.zero_grad()\n        for one, target in zip(x, y):\n"
    "            F.cross_entropy(model(one), target[None]).backward()\n        optimizer.step()\n",
    "a loss summed over images": EPOCHS + "        optimizer.zero_grad()\n        loss = 0\n"
    "        for one, target in zip(x, y):\n            loss = loss + F.cross_entropy(model(one), target[None])\n"
    "        loss.backward()\n        optimizer.step()\n",
    "shuffled images": EPOCHS.replace("zip(", "zip(*(t[torch.randperm(len(X))].split(5) for t in (X, Y))) or zip(")
    + "        optimizer.zero_grad()\n"
    + STEP,
    "two optimizers": "other = torch.optim.Adam(model.parameters())\n"
    + EPOCHS
    + "        optimizer.zero_grad()\n"
    + STEP
    + "        other.step()\n",
    "two models": "first, second = model, CNN()\n"
    "both = torch.optim.SGD([*first.parameters(), *second.parameters()], 0.1)\n"
    + EPOCHS
    + "        both.zero_grad()\n        loss = F.cross_entropy(first(x) + second(x), y)\n"
    "        loss.backward()\n        both.step()\n",
    "weights by keyword": "def model(x):\n    z = F.conv2d(input=x.view(-1, 1, 28, 28), weight=net.conv.weight, "
    "bias=net.conv.bias, stride=2)\n    return F.linear(F.relu(z).flatten(1), net.dense.weight, bias=net.dense.bias)\n"
    + EPOCHS
    + "        optimizer.zero_grad()\n"
    + STEP,
    "an image without its batch": EPOCHS + "        optimizer.zero_grad()\n"
    "        z = model.conv(x[0].reshape(1, 28, 28))\n        scores = model.dense(F.relu(z).flatten())\n"
    "        loss = F.cross_entropy(scores, y[0])\n        loss.backward()\n        optimizer.step()\n",
}
NEVER_USUAL = {"updates by hand", "no step", "two models"}


@pytest.mark.parametrize("name", LOOPS)
def test_usual_calls_are_told_as_closely_watched_ones(name: str, tmp_path: Path) -> None:
    """Events, flags, sizes, names of images, predicted classes and losses are the same either way."""
    for folder in ("usual", "close"):
        (tmp_path / folder).mkdir()
    cells = DATA + MODEL + "net = model\n", f"{LOOPS[name]}\n{TESTING}"
    count = "open('usual', 'w').write(str(len(usual)))"
    usual = record(tmp_path / "usual", COUNTED + cells[0], cells[1] + count)
    close = record(tmp_path / "close", ALL_CLOSE + cells[0], cells[1])
    assert (int((usual.folder / "usual").read_text()) > 0) == (name not in NEVER_USUAL)
    assert usual.story == close.story
    for kind in ("kind", "flags", "who", "size", "start", "keys", "predicted"):
        seen, expected = getattr(usual.evidence.events, kind), getattr(close.evidence.events, kind)
        assert np.array_equal(seen, expected), kind
    assert np.array_equal(usual.evidence.events.value, close.evidence.events.value, equal_nan=True)
    assert [trace.index for trace in usual.evidence.traces] == [trace.index for trace in close.evidence.traces]
    assert [trace.events for trace in usual.evidence.traces] == [trace.events for trace in close.evidence.traces]
    assert [snapshot.event for snapshot in usual.evidence.snapshots] == [
        snapshot.event for snapshot in close.evidence.snapshots
    ]
