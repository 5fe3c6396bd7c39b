"""The class that is graded: notebooks of the practical, correct and faulty ones, no two alike.

Each is the reference solution with the edits of one mistake or of none, with another seed and another learning rate.
All train for the same 10 epochs, so that every grader has the same work to wait for.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.edits import edited

REPOSITORY = Path(__file__).resolve().parents[2]
SOLUTION = REPOSITORY / "reference" / "solution.ipynb"
HELPERS = REPOSITORY / "reference" / "helper_functions.py"

MISTAKES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "a smaller kernel": (("kernel_size=8", "kernel_size=6"), ("11 * 11 * 10", "12 * 12 * 10")),
    "no activation": (("v_1 = self.activation(z_1)", "v_1 = z_1"),),
    "softmax before the loss": (("return y_hat, z_1, v_1", "return F.softmax(y_hat, dim=1), z_1, v_1"),),
    "gradients never cleared": (("        optimizer.zero_grad()\n", ""), ("lr=0.01", "lr=0.001")),
    "another loss": (("nn.CrossEntropyLoss()", "nn.MSELoss()"),),
    "another optimizer": (("torch.optim.SGD(", "torch.optim.Adam("), ("lr=0.01", "lr=0.001")),
}
"""Edits of the solution's cells by what is wrong with it then."""


def make_class(count: int, folder: Path) -> dict[str, tuple[int, str]]:
    """Writes `count` notebooks into `folder`, every second one with a mistake; returns id -> (number, mistake), the
    mistake empty where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    mistakes = list(MISTAKES)
    made = {}
    for number in range(count):
        mistake = mistakes[number // 2 % len(mistakes)] if number % 2 else ""
        id_ = f"student-{number:03d}"
        (folder / f"{id_}.ipynb").write_text(json.dumps(notebook(number, mistake), indent=1), encoding="utf-8")
        made[id_] = number, mistake
    return made


def notebook(number: int, mistake: str) -> Any:
    """The notebook of one student."""
    document = copy.deepcopy(json.loads(SOLUTION.read_text(encoding="utf-8")))
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    texts = ["".join(cell["source"]) for cell in code]
    rate = f"lr={0.01 + number * 1e-5:.5f}"
    whole = edited("\0".join(texts), (*MISTAKES.get(mistake, ()), ("manual_seed(5)", f"manual_seed({number})")))
    for cell, text in zip(code, whole.replace("lr=0.01)", f"{rate})").split("\0"), strict=True):
        cell["source"] = text.splitlines(keepends=True)
    return document


def script(document: Any) -> str:
    """The notebook's code cells as one program."""
    cells = ("".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code")
    return "\n\n".join(cells) + "\n"
