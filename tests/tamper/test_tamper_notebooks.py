"""Notebooks that turn IPython against the recorder, graded for real in the sandbox.

Each has a mistake that it wants to hide; the same notebook without the deceit is what its score is held against.
"""

from __future__ import annotations

import pytest

from tests.tamper.conftest import Grading
from tests.tamper.notebooks import CASES, NotebookAttack, as_notebook
from tests.tamper.programs import program

NAMES = [f"{attack.name}-{fault}".replace(" ", "_") for attack, fault in CASES]


def test_right_notebook_gets_full_marks(grading: Grading) -> None:
    """The control: without a fault and a deceit the notebook gets every point."""
    assert grading(as_notebook(program())).score == 50


@pytest.mark.parametrize("fault", sorted({fault for _, fault in CASES}))
def test_faulty_notebook_loses_marks(grading: Grading, fault: str) -> None:
    """The control: there is something to gain by a deceit."""
    found = grading(as_notebook(program([fault])))
    assert found.status == "graded"
    assert found.score < 50


@pytest.mark.parametrize(("attack", "fault"), CASES, ids=NAMES)
def test_deceit_earns_nothing(grading: Grading, weights: str, attack: NotebookAttack, fault: str) -> None:
    """The notebook gets no more points with the deceit than without it; one whose errors IPython passes over no more
    than one that passes over them itself."""
    found = grading(attack.text(fault).replace("WEIGHTS", weights))
    assert found.status == "graded"
    assert found.score <= grading(as_notebook(program([fault]), swallowing=attack.swallowing)).score
