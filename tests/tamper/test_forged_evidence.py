"""Evidence that a student's process may have forged, field by field: no check gives its marks as proved for it.

Real programs are recorded as the sandbox records them; one field of what they sent is then made to say what the check
would like to hear, and verification, checks and score are the pipeline's own.
"""

from __future__ import annotations

import pytest

from grader.checks.table import CHECKS
from tests.tamper import forged_traces as traced
from tests.tamper import forgeries as forge
from tests.tamper.cases import BACKING, CASES, Case
from tests.tamper.evidence import assignment, checks_of, grade_of, is_proved, recorded, with_output
from tests.tamper.forged_traces import Forge


def test_table_is_complete() -> None:
    """Every check of the rubric has its backing fields, and every such field at least one forgery."""
    assert list(BACKING) == [spec.id for question in assignment().rubric.questions for spec in question.checks]
    assert set(BACKING) == set(CHECKS)
    assert {(case.check, case.field) for case in CASES} == {
        (c, field) for c, fields in BACKING.items() for field in fields
    }


def test_right_program_is_proved() -> None:
    """The control: without a fault and a forgery every check is met, as proved."""
    grade = grade_of(recorded())
    assert [name for name, result in checks_of(grade).items() if not is_proved(result)] == []
    assert (grade.score, grade.review) == (50.0, ())


@pytest.mark.parametrize("fault", [*dict.fromkeys(case.fault for case in CASES), "batch mixed, with bias"])
def test_faulty_program_loses_its_mark(fault: str) -> None:
    """The control: the checks that a case forges evidence for are not met, as proved, without the forgery, and the
    honest evidence is well-formed."""
    grade = grade_of(recorded(fault), fault)
    assert grade.status == "graded"
    proved = [name for name, result in checks_of(grade).items() if is_proved(result)]
    assert not {case.check for case in CASES if case.fault == fault} & set(proved)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_forged_field_proves_nothing(case: Case) -> None:
    """A field that was forged to look right does not make its check `met` with confidence `proved`."""
    forged = grade_of(case.forge(recorded(case.fault)), case.fault)
    assert not is_proved(checks_of(forged)[case.check])


# That a file was opened is only ever the process's word, and opening it is no more work than saying so.
NO_HARDER = {("data.loaded", "loads"), ("data.loaded", "state.variable_arrays")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_forged_field_earns_nothing(case: Case) -> None:
    """A forgery gets no more points than the truth; where it tells of what one line of code would have done, no more
    than that line."""
    truth = grade_of(recorded(case.fault), case.fault).score
    if (case.check, case.field) in NO_HARDER:
        truth = grade_of(recorded("test set opened alone"), "test set opened alone").score
    assert grade_of(case.forge(recorded(case.fault)), case.fault).score <= truth


WRONG: dict[str, tuple[Forge, tuple[str, ...]]] = {
    "traces.nodes": (traced.argument("convolution", 3, [1, 1]), ("layers.convolution", "training.gradient")),
    "traces.parameter": (traced.noise_in("parameter/"), ("training.gradient",)),
    "traces.added": (traced.noise_in("added/"), ("training.gradient",)),
    "traces.gradient": (traced.noise_in("gradient/"), ("objective.optimizer",)),
    "traces.after": (traced.noise_in("after/"), ("objective.optimizer",)),
    "traces.constant": (traced.arrays("constant/", traced.rolled), ("training.targets", "training.gradient")),
    "traces.data": (traced.noise_in("data/"), ("training.gradient",)),
    "traces.optimizer_description": (traced.described(traced.faster), ("objective.optimizer",)),
    "events.keys": (
        forge.journal(lambda e: {"keys": e.keys ^ e.keys.dtype.type(1)}),
        ("forward.image", "training.batches", "training.epochs", "testing.phase", "testing.no_learning"),
    ),
    "events.flags": (forge.flagged(True), ("update.zero_grad",)),
    "state.optimizers": (
        forge.state(lambda s: {"optimizers": tuple(map(traced.of_others, s.optimizers))}),
        ("objective.parameters",),
    ),
    "state.final": (
        forge.state(lambda s: {"final": {n: traced.noisy(a, 5.0) for n, a in s.final.items()}}),
        ("filters.trained", "accuracy.reference"),
    ),
    "pictures": (forge.noisy_pictures, ("filters.plotted", "filters.trained")),
    "cells": (lambda e: with_output(e, ""), ("data.shapes_shown", "testing.reported")),
}


@pytest.mark.parametrize("field", WRONG)
def test_wrong_numbers_cost_their_check(field: str) -> None:
    """Wrong numbers of the right shape in a right program's evidence: the checks that this field backs are not met, as
    proved. So it is these numbers that decide, and not what stands beside them."""
    change, checks = WRONG[field]
    results = checks_of(grade_of(change(recorded())))
    assert [name for name in checks if is_proved(results[name])] == []


DOUBTED: dict[str, tuple[Forge, str]] = {
    "traces.value": (traced.noise_in("value/"), "recorded updates could not be reproduced"),
    "probes": (forge.noisy_probes, "the model answers fresh images otherwise"),
    "state.final": (
        forge.state(lambda s: {"final": {n: traced.noisy(a) for n, a in s.final.items()}}),
        "the model answers fresh images otherwise",
    ),
}


@pytest.mark.parametrize("field", DOUBTED)
def test_wrong_numbers_are_reviewed(field: str) -> None:
    """Numbers that no check reads and that contradict the trusted side's own are listed for a person."""
    change, doubt = DOUBTED[field]
    assert any(doubt in reason for reason in grade_of(change(recorded())).review)


UNUSED: dict[str, Forge] = {
    "events.predicted": forge.journal(forge.all_right),
    "events.value": forge.losses(0.001),
    "probes": forge.from_right("probes"),
    "snapshots": forge.from_right("snapshots"),
    "state.first": forge.state_from_right("first"),
    "state.layers": forge.state_from_right("layers"),
    "state.alive_optimizers": forge.state_from_right("alive_optimizers"),
    "state.names": forge.state_from_right("names"),
}


@pytest.mark.parametrize("fault", ["hardly learns", "double softmax", "no step", "stride 1"])
@pytest.mark.parametrize("field", UNUSED)
def test_field_of_a_right_program_earns_nothing(field: str, fault: str) -> None:
    """What a right program would have sent, in one field of a faulty program's evidence, adds no point."""
    evidence = recorded(fault)
    assert grade_of(UNUSED[field](evidence), fault).score <= grade_of(evidence, fault).score
