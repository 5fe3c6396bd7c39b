"""Programs that patch torch, the recorder's hooks or the recorder itself, graded for real in the sandbox.

Each has a mistake that it wants to hide; the same program without the deceit is what its score is held against.
"""

from __future__ import annotations

import pytest

from tests.tamper.attacks import ATTACKS, Attack
from tests.tamper.conftest import Grading
from tests.tamper.programs import program


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
