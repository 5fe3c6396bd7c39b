"""Programs that patch torch, the recorder's hooks or the recorder itself, graded for real in the sandbox.

Each has a mistake that it wants to hide; the same program without the deceit is what its score is held against.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from grader.pipeline import Graded, Grader, find_candidates
from grader.score import Grade
from tests.submission.uploads import write
from tests.tamper.attacks import ATTACKS, Attack
from tests.tamper.programs import program

Grading = Callable[[str], Grade]


@pytest.fixture(scope="session")
def grading(small_grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> Grading:
    """Grades a program's text, each text once a session."""
    folder, known = tmp_path_factory.mktemp("programs"), {}

    def grade(text: str) -> Grade:
        if text not in known:
            path = write(folder / f"program-{len(known)}.py", text)
            (candidate,) = find_candidates(path)
            graded: Graded = small_grader.grade_one(candidate)
            known[text] = graded.grade
        return known[text]

    return grade


@pytest.fixture(scope="session")
def weights(small_data: Path) -> str:
    """Good weights of the practical's model, memorised from training and test images, as a literal for a program."""
    parts = [np.load(small_data / name) for name in ("train.npz", "test.npz")]
    X, Y = (torch.from_numpy(np.concatenate([part[name] for part in parts])) for name in ("X", "Y"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conv, dense = torch.nn.Conv2d(1, 10, 8, 2), torch.nn.Linear(1210, 10)
        optimizer = torch.optim.SGD([*conv.parameters(), *dense.parameters()], lr=0.05)
        for _ in range(15):
            for x, y in zip(X.split(30), Y.split(30), strict=True):
                optimizer.zero_grad()
                F.cross_entropy(dense(conv(x.reshape(-1, 1, 28, 28)).relu().flatten(1)), y).backward()
                optimizer.step()
    named = {f"conv.{n}": p for n, p in conv.named_parameters()} | {
        f"dense.{n}": p for n, p in dense.named_parameters()
    }
    file = io.BytesIO()
    np.savez_compressed(file, **{name: p.detach().numpy() for name, p in named.items()})
    return base64.b64encode(file.getvalue()).decode()


def test_right_program_gets_full_marks(grading: Grading) -> None:
    """The control: without a fault and a deceit the program gets every point."""
    assert grading(program()).score == 50


@pytest.mark.parametrize("faults", sorted({attack.faults for attack in ATTACKS}), ids=", ".join)
def test_faulty_program_loses_marks(grading: Grading, faults: tuple[str, ...]) -> None:
    """The control: there is something to gain by a deceit."""
    found = grading(program(faults))
    assert found.status == "graded"
    assert found.score < 50


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_deceit_is_carried_out(grading: Grading, weights: str, attack: Attack) -> None:
    """The control: the program with the deceit runs to its end, so that it is the deceit that earns nothing."""
    found = grading(attack.text.replace("WEIGHTS", weights))
    errors = [f"{each.id}: {each.message}" for each in found.findings if each.id.startswith("run.")]
    assert errors == (["run.cell-error: SystemExit: 0"] if "sys.exit" in attack.text else [])
    assert found.status == ("invalid_evidence" if attack.name == "forged-frames-on-the-wire" else "graded")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_deceit_earns_nothing(grading: Grading, weights: str, attack: Attack) -> None:
    """The program gets no more points with the deceit than without it."""
    assert grading(attack.text.replace("WEIGHTS", weights)).score <= grading(program(attack.faults)).score
