"""What stops for want of shared memory is the sandbox's doing, and costs nothing."""

from __future__ import annotations

from dataclasses import replace

from grader.checks.case import Case
from grader.checks.run import run_findings
from grader.checks.table import run_checks
from grader.evidence.values import Place, RunError
from tests.checks.cases import BLANK, CONVOLUTION, FILE, RIGHT, SOURCES, rubric, with_evidence, with_facts

WANTING = RunError(3, "PermissionError", "[Errno 13] Permission denied", Place(FILE, 3, 1), no_shared_memory=True)
ECHO = RunError(4, "NameError", "name 'pool' is not defined", Place(FILE, 4, 1))
UNREADABLE = RunError(4, "SyntaxError", "invalid syntax", Place(FILE, 4, 1))
SHORT = with_facts(training={"epochs": 3.0}, data={"loaded": ("train.npz",), "test_variable": False})
DENIED = replace(WANTING, no_shared_memory=False)


def outcomes(case: Case) -> dict[str, str]:
    return {verdict.result.id: verdict.result.outcome for verdict in run_checks(case, rubric())}


def lost(case: Case) -> set[str]:
    return {check for check, outcome in outcomes(case).items() if outcome in ("unmet", "partly")}


def findings(*errors: RunError) -> list[str]:
    evidence = replace(BLANK.evidence, errors=errors)
    return [found.id for found in run_findings(evidence, SOURCES, FILE, None, "", False, (), ())]


def test_what_is_missing_is_left_open() -> None:
    """Checks that a shorter run loses are not assessed, raise no finding and say why; those that were met stay so."""
    assert lost(SHORT) == {"data.loaded", "training.epochs"}
    case = with_evidence(SHORT, errors=(WANTING,))
    verdicts = {verdict.result.id: verdict for verdict in run_checks(case, rubric())}
    assert lost(case) == set()
    for check in ("data.loaded", "training.epochs"):
        result = verdicts[check].result
        assert (result.outcome, result.points, result.finding) == ("not_assessed", None, None)
        assert "no shared memory" in result.message and verdicts[check].findings == ()
    within = replace(WANTING, cell=2, place=Place(FILE, 2, 3))
    (epochs,) = [v.result for v in run_checks(with_evidence(SHORT, errors=(within,)), rubric()) if v.result.id == check]
    assert epochs.message.startswith("3 epochs, then the loop stops") and "no shared memory" in epochs.message
    assert outcomes(case)["layers.convolution"] == outcomes(RIGHT)["layers.convolution"] == "met"


def test_the_question_that_stops_loses_nothing() -> None:
    """The same error costs its question where shared memory was there to be had."""
    at_layers = replace(WANTING, place=CONVOLUTION)
    blank = replace(BLANK, sources={(FILE, 1): "import torch\nself.conv = nn.Conv2d(1, 10, 8)"})
    assert lost(with_evidence(blank, errors=(replace(at_layers, no_shared_memory=False),))) != set()
    assert lost(with_evidence(blank, errors=(at_layers,))) == set()


def test_an_earlier_mistake_is_charged() -> None:
    """What stopped before is the program's own: it costs what it costs without the later error."""
    own = RunError(1, "AttributeError", "'SGD' object has no attribute 'stop'", Place(FILE, 1, 2))
    case = with_evidence(BLANK, errors=(own,))
    assert lost(case) == lost(with_evidence(case, errors=(own, WANTING))) == {"update.step"}


def test_no_error_is_a_fault_that_may_be_its_echo() -> None:
    """The error and those after it are no findings of the run, but for what does not parse in any case."""
    assert findings(DENIED, ECHO, UNREADABLE) == ["run.cell-error", "run.undefined-name", "run.syntax-error"]
    assert findings(ECHO, WANTING, ECHO, UNREADABLE) == ["run.undefined-name", "run.syntax-error"]
