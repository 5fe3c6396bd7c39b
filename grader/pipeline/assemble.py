"""Verified facts and verdicts -> the `Grade` that every report shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from grader.assignment import Assignment, Baseline, Dataset, Rubric
from grader.checks.accuracy import band
from grader.checks.case import Case, stopped
from grader.checks.excused import excused
from grader.checks.gaps import Gap, find_gaps
from grader.checks.result import Finding
from grader.checks.run import run_findings
from grader.checks.table import run_checks
from grader.pipeline.collect import Collected
from grader.pipeline.facts import Facts
from grader.score import (
    Accuracy,
    AssignmentInfo,
    DatasetInfo,
    EpochMetrics,
    Grade,
    Reference,
    RunInfo,
    Stage,
    Status,
    SubmissionInfo,
    Training,
    collect_findings,
    review_reasons,
    score_questions,
)
from grader.submission import Submission
from grader.verify.result import TestPass

_STATUS: Mapping[str, Status] = {"timed_out": "timed_out", "out_of_memory": "out_of_memory", "crashed": "crashed"}


def sources_of(submission: Submission) -> dict[tuple[str, int | None], str]:
    """Every piece of the student's source by (file, cell)."""
    if submission.entry_kind == "module":
        found: dict[tuple[str, int | None], str] = {(submission.entry, None): submission.cells[0]}
    else:
        found = {(submission.entry, number): source for number, source in enumerate(submission.cells, 1)}
    for name, content in submission.files.items():
        if name.endswith(".py"):
            found[(name, None)] = content.decode("utf-8", "replace")
    return found


def assemble(facts: Facts, assignment: Assignment, baseline: Baseline | None) -> Grade:
    """The grade of the model that does best: what else was tried in the notebook costs nothing."""
    submission, collected, dataset = facts.submission, facts.collected, facts.dataset
    sources = sources_of(submission)
    ran_out = collected.outcome.message if collected.outcome.limit else ""
    if collected.flaw:
        ran_out = f"the evidence is malformed: {collected.flaw}"
    gaps = find_gaps(sources, collected.evidence)
    cases = [Case(collected.evidence, v, sources, baseline, ran_out, gaps) for v in facts.verifications]
    judged = [(case, run_checks(case, assignment.rubric)) for case in cases]
    case, verdicts = max(judged, key=lambda pair: sum(v.result.points or 0.0 for v in pair[1]))
    findings = collect_findings(verdicts, _about_the_run(submission, collected, sources, gaps))
    review = [*review_reasons(verdicts, findings), *_doubts(case, collected), *submission.notes, *facts.isolation_notes]
    if len(cases) > 1:
        review.append(f"{len(cases)} models were trained; the one with the most points is graded")
    questions = score_questions(assignment.rubric, verdicts)
    return Grade(
        assignment=AssignmentInfo(assignment.rubric.id, assignment.rubric.title, assignment.rubric.sha256),
        submission=SubmissionInfo(submission.id, submission.path, submission.kind, submission.sha256),
        status="invalid_evidence" if collected.flaw else _STATUS.get(collected.outcome.status, "graded"),
        score=round(sum(q.score for q in questions), 4),
        max_score=assignment.rubric.max_score,
        questions=questions,
        findings=findings,
        accuracy=_accuracy(case, assignment.rubric, baseline),
        training=_training(case, dataset, baseline),
        dataset=DatasetInfo(dataset.name, dataset.train, dataset.test, dataset.sha256),
        run=_run_info(submission, collected, int(assignment.rubric.parameters["seed"])),
        review=tuple(review),
        message=collected.flaw or (collected.outcome.message if collected.outcome.status in _STATUS else ""),
        stages=_stages(case, assignment.rubric.parameters),
        filters=case.verification.kernels,
        cells=_cells(submission),
        weights=facts.weights.get(-1 if case.verification.model is None else case.verification.model),
    )


def _run_info(submission: Submission, collected: Collected, seed: int) -> RunInfo:
    outcome, evidence = collected.outcome, collected.evidence
    in_cell = outcome.limit is not None and submission.entry_kind == "notebook"
    return RunInfo(
        isolation=outcome.isolation,
        wall_s=outcome.wall_s,
        cpu_s=outcome.cpu_s,
        peak_memory_mb=outcome.peak_memory_bytes / 2**20,
        seed=seed,
        cached=collected.cached,
        limit=outcome.limit,
        limit_cell=evidence.started_cell if in_cell else None,
        probes=outcome.probes,
        cut_cells=tuple(cell.cell for cell in evidence.cells if cell.cut),
    )


def _cells(submission: Submission) -> tuple[tuple[int, str], ...]:
    return tuple(enumerate(submission.cells, 1))


def _about_the_run(
    submission: Submission,
    collected: Collected,
    sources: Mapping[tuple[str, int | None], str],
    gaps: Sequence[Gap],
) -> tuple[Finding, ...]:
    outcome = collected.outcome
    killed = outcome.status == "crashed" or any(cell.died for cell in collected.evidence.cells)
    return run_findings(
        collected.evidence,
        sources,
        submission.entry,
        outcome.limit,
        outcome.message,
        killed,
        submission.shadowed,
        gaps,
    )


def _doubts(case: Case, collected: Collected) -> list[str]:
    """What the trusted side could not confirm, and a person may want to look at."""
    doubts = []
    if case.verification.probe.agrees is False:
        difference = case.verification.probe.largest_difference
        known = difference is not None and math.isfinite(difference)
        by = f"by up to {difference:.2g} of the largest score" if known else "with scores that are no numbers"
        doubts.append(f"the model answers fresh images otherwise than its recorded operations and weights do ({by})")
    closed = excused(collected.evidence)
    if closed is not None:
        doubts.append(
            f"{stopped(closed)}, so nothing that is missing is charged: grade it again where isolation is full, which "
            "grade doctor says how to get"
        )
    wrong = [s for s in case.steps if s.equivalent is False]
    if wrong:
        doubts.append(
            f"{len(wrong)} of {len(case.steps)} recorded updates could not be reproduced from their own operations"
        )
    if collected.evidence.repeated:
        doubts.append(f"{collected.evidence.repeated} parts of the journal do not follow those before them: left out")
    agreed = case.verification.consistency
    if not (agreed.images and agreed.gradients and agreed.tests):
        doubts.append("parts of the evidence do not agree: the recorded images, gradients or test phases")
    if collected.evidence.state is not None and collected.evidence.state.faults:
        doubts.append(f"the recorder met {sum(collected.evidence.state.faults.values())} things that it could not note")
    cut = [str(cell.cell) for cell in collected.evidence.cells if cell.cut]
    if cut:
        doubts.append(f"the output limit struck in cell {', '.join(cut)}: the middle of what it printed is left out")
    if collected.flaw:
        doubts.append(f"the evidence is malformed: {collected.flaw}")
    return doubts


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _accuracy(case: Case, rubric: Rubric, baseline: Baseline | None) -> Accuracy:
    facts = case.verification.accuracy
    judge = next((c for q in rubric.questions for c in q.checks if c.id == "accuracy.reference"), None)
    examples = sum(map(sum, facts.confusion)) if facts.confusion else None
    return Accuracy(
        measured=_finite(facts.measured),
        reported=_finite(case.verification.reported.accuracy),
        reference=Reference(baseline.mean, baseline.std, baseline.runs) if baseline else None,
        examples=examples,
        interval=facts.interval,
        confusion=facts.confusion,
        band=band(case, judge) if judge is not None else None,
    )


def _training(case: Case, dataset: Dataset, baseline: Baseline | None) -> Training:
    facts = case.verification.training
    passes = case.verification.passes
    return Training(
        epochs=tuple(_epoch(case, i, len(facts.losses), passes) for i in range(len(facts.losses))),
        reference_epochs=tuple(
            EpochMetrics(e.train_loss, e.train_accuracy, e.test_loss, e.test_accuracy)
            for e in (baseline.epochs if baseline else ())
        ),
        train_examples_seen=facts.distinct if case.trained else None,
        train_examples=dataset.train,
        test_examples_seen=max([p.distinct for p in passes], default=None),
        test_examples=dataset.test,
    )


def _epoch(case: Case, index: int, epochs: int, passes: Sequence[TestPass]) -> EpochMetrics:
    facts = case.verification.training
    share = facts.updates / epochs if epochs else 0
    after = [p for p in passes if share and round(p.updates_before / share) == index + 1]
    return EpochMetrics(
        _finite(facts.losses[index]),
        facts.accuracies[index],
        _finite(after[-1].loss) if after else None,
        after[-1].accuracy if after else None,
    )


def _stages(case: Case, parameters: Mapping[str, object]) -> tuple[Stage, ...]:
    found = case.verification.architecture
    (side,) = {int(parameters["image"][0])}  # type: ignore[index]
    kernel, stride, channels = (int(parameters[k]) for k in ("kernel", "stride", "out_channels"))  # type: ignore[call-overload]
    out = (side - kernel) // stride + 1
    asked = f"convolution {kernel}x{kernel}, stride {stride}"
    conv = found.convolution if found else None
    seen_conv = f"convolution {conv.kernel[0]}x{conv.kernel[1]}, stride {conv.stride[0]}" if conv else None
    if conv and conv.padding != (0, 0):
        seen_conv = f"{seen_conv}, padding {conv.padding[0]}"
    shape = found.convolution_shape if found else None
    z = (*shape[1:], shape[0]) if shape and len(shape) == 3 else None
    activation = found.activation if found else None
    features, classes = int(parameters["features"]), int(parameters["classes"])  # type: ignore[call-overload]
    return (
        Stage("x", "image", (side, side, 1), (side, side, 1) if conv else None),
        Stage("z_1", asked, (out, out, channels), z, None if seen_conv == asked else seen_conv),
        Stage(
            "v_1",
            "ReLU",
            (out, out, channels),
            z if activation else None,
            None if activation in ("ReLU", None) else ("no activation" if activation == "none" else activation),
        ),
        Stage("u_2", "flatten", (features,), (found.dense_in,) if found and found.dense_in else None),
        Stage("y_hat", "dense", (classes,), (found.dense_out,) if found and found.dense_out else None),
    )


def rejected(submission: SubmissionInfo, assignment: Assignment, message: str) -> Grade:
    """The grade of a submission that could not be taken in at all."""
    return Grade(
        assignment=AssignmentInfo(assignment.rubric.id, assignment.rubric.title, assignment.rubric.sha256),
        submission=submission,
        status="rejected",
        score=0.0,
        max_score=assignment.rubric.max_score,
        questions=(),
        findings=(),
        accuracy=Accuracy(),
        training=Training(),
        dataset=None,
        run=None,
        message=message,
    )
