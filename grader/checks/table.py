"""Which function is which check of the rubric: an explicit table, one module a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from grader.assignment import CheckSpec, Rubric
from grader.checks import accuracy, data, forward, layers, objective, plots, testing, training, update
from grader.checks.case import Answer, Case, Verdict
from grader.checks.crash import charge_crashes
from grader.checks.excused import excuse
from grader.errors import AssignmentError
from grader.verify.agreement import Topic

Check = Callable[[Case, CheckSpec], Verdict]

CHECKS: Mapping[str, Check] = {
    "data.loaded": data.loaded,
    "data.shapes_shown": data.shapes_shown,
    "layers.convolution": layers.convolution,
    "layers.activation": layers.activation,
    "layers.dense": layers.dense,
    "forward.image": forward.image,
    "forward.convolution_output": forward.convolution_output,
    "forward.activation_applied": forward.activation_applied,
    "forward.flattened": forward.flattened,
    "forward.logits": forward.logits,
    "objective.loss": objective.loss,
    "objective.optimizer": objective.optimizer,
    "objective.parameters": objective.parameters,
    "training.targets": training.targets,
    "training.gradient": training.gradient,
    "training.batches": training.batches,
    "training.epochs": training.epochs,
    "update.step": update.step,
    "update.zero_grad": update.zero_grad,
    "testing.phase": testing.phase,
    "testing.no_learning": testing.no_learning,
    "testing.reported": testing.reported,
    "filters.plotted": plots.plotted,
    "filters.trained": plots.trained,
    "accuracy.reference": accuracy.reference,
}


def validate(rubric: Rubric) -> None:
    """Raises AssignmentError for a check that nobody has written."""
    for question in rubric.questions:
        for spec in question.checks:
            if spec.id not in CHECKS:
                raise AssignmentError(
                    f"there is no check {spec.id!r}",
                    file="rubric.toml",
                    place=f"question {question.id}",
                    remedy=f"The checks are {', '.join(sorted(CHECKS))}",
                )


def run_checks(case: Case, rubric: Rubric) -> tuple[Verdict, ...]:
    """Every check of the rubric, in its order."""
    specs = [spec for question in rubric.questions for spec in question.checks]
    found = [_as_confirmed(case, spec, CHECKS[spec.id](case, spec)) for spec in specs]
    return charge_crashes(case, excuse(case, found))


# What each kind of disagreement leaves as the process's own word.
_OPERATIONS = frozenset(
    [c for c in CHECKS if c.startswith(("layers.", "forward."))]
    + ["objective.loss", "training.targets", "training.gradient"]
)
_IMAGES = frozenset(
    ["data.loaded", "forward.image", "training.batches", "training.epochs", "testing.phase", "testing.no_learning"]
)
_GRADIENTS = frozenset(["training.gradient", "update.zero_grad", "objective.optimizer"])
_TESTS = frozenset(["training.epochs", "training.batches", "testing.phase", "testing.no_learning"])
# What a contradiction leaves open.
_OPEN: Mapping[Topic, frozenset[str]] = {
    "operations": _OPERATIONS | {"accuracy.reference"},
    "images": _IMAGES,
    "tests": _TESTS,
    "added": frozenset(["training.gradient"]),
    "weights": frozenset(["accuracy.reference", "filters.trained"]),
    "gradients": frozenset(["update.zero_grad"]),
    "updates": frozenset(["update.step", "update.zero_grad"]),
    "optimizer": frozenset(["objective.optimizer"]),
    "training": frozenset(["objective.loss", "training.targets", "training.batches", "testing.no_learning"]),
}


def _as_confirmed(case: Case, spec: CheckSpec, verdict: Verdict) -> Verdict:
    """The verdict as far as the evidence that it rests on agrees with itself: nothing is earned by a contradiction."""
    result, found = verdict.result, case.verification.consistency
    for topic, reason in found.contradictions.items():
        if result.id in _OPEN[topic] and result.points:
            return Answer(case, spec, result.expected).not_assessed(f"the evidence contradicts itself: {reason}")
    doubted = (
        (frozenset() if found.operations else _OPERATIONS | _IMAGES)
        | (frozenset() if found.images else _IMAGES)
        | (frozenset() if found.gradients else _GRADIENTS)
        | (frozenset() if found.tests else _TESTS)
        | (frozenset() if found.weights else _OPEN["weights"])
    )
    if result.id not in doubted or result.confidence == "observed":
        return verdict
    findings = tuple(replace(finding, confidence="observed") for finding in verdict.findings)
    return Verdict(replace(result, confidence="observed"), findings)
