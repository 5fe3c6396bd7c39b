"""Every known program is judged as it was: nobody is charged, and no mistake is passed over, unnoticed."""

from __future__ import annotations

import pytest

from tests.guard import archive, verdicts
from tests.guard.programs import GROUPS

STORED = verdicts.read()


def test_every_program_is_stored() -> None:
    """The corpus, the examples and the tamper suite are all there, each with a verdict."""
    expected = {f"{group}: {name}" for group, (names, _) in GROUPS.items() for name in names()}
    found = {f"{group}: {program.name}" for group in archive.groups() for program in archive.read(group)}
    assert expected == found == set(STORED)


@pytest.mark.parametrize("group", GROUPS)
def test_verdicts_are_the_stored_ones(group: str) -> None:
    """Today's checks make of the stored facts what is written down, finding by finding."""
    changed = []
    for program in archive.read(group):
        name = f"{group}: {program.name}"
        changed += verdicts.differences(name, STORED[name], verdicts.judge(program))
    assert not changed, "\n".join(["if this is meant, run: python -m tests.guard --judge", *changed])


def test_a_changed_verdict_is_told() -> None:
    """The control: another outcome, another finding or another confidence of one check is a difference."""
    (name, verdict), *_ = STORED.items()
    for changed in (
        {**verdict, "score": "0"},
        {**verdict, "checks": {**verdict["checks"], "layers.dense": "unmet 0 layer.dense-size proved"}},
        {**verdict, "findings": [*verdict["findings"], "layer.dense-size 2.1 fault proved"]},
    ):
        assert list(verdicts.differences(name, verdict, changed))
    assert not list(verdicts.differences(name, verdict, verdict))
