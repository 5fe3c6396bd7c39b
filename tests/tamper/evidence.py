"""Recorded evidence of whole programs, and its grade as the pipeline gives it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from grader.assignment import Assignment, Baseline, Dataset, load_assignment
from grader.checks.result import CheckResult
from grader.errors import EvidenceError
from grader.evidence import Evidence, parse_evidence
from grader.evidence.values import CellRun
from grader.pipeline.assemble import assemble
from grader.pipeline.collect import Collected
from grader.pipeline.facts import Facts
from grader.pipeline.weights import weights_by_model
from grader.sandbox import Outcome
from grader.score import Grade
from grader.submission import Submission
from grader.verify.run import Setting, verify
from tests.recorder.images import TEST, TRAIN
from tests.recorder.runs import PROBES, record
from tests.tamper.programs import program
from tests.verify.traces import IMAGES, INDEX

SETTING = Setting(INDEX, IMAGES.test[np.arange(PROBES) % TEST], 10)
# What the right program reaches on these images (measured: 86.7%); the program that hardly learns stays at 13%.
BASELINE = Baseline(mean=0.87, std=0.005, runs=5, epochs=())
DATASET = Dataset("small", "0" * 64, Path("data"), TRAIN, TEST)
OUTCOME = Outcome("stopped", "", None, None, 1.0, 1.0, 0, "full")
ENTRY = "student.ipynb"
# How the lines begin that the programs print; what else stands in their output are warnings of the process.
PRINTED = ("torch.Size", "epoch")


@cache
def assignment() -> Assignment:
    """The practical's own, with its rubric."""
    return load_assignment(None)


@cache
def recorded(fault: str = "") -> Evidence:
    """The evidence of the right program, or of the one with this mistake; with the text that it really printed."""
    text = program([fault] if fault else [])
    with tempfile.TemporaryDirectory() as folder:
        run = record(Path(folder), text)
        lines = (Path(folder) / "trouble").read_text(encoding="utf-8").splitlines()
    return with_output(run.evidence, "\n".join(line for line in lines if line.startswith(PRINTED)))


def with_output(evidence: Evidence, text: str) -> Evidence:
    """The evidence of a program that printed `text`."""
    output = {"output_type": "stream", "name": "stdout", "text": text}
    return replace(evidence, cells=(CellRun(1, 0, (output,), bool(evidence.errors), False, 1.0),))


def grade_of(evidence: Evidence, fault: str = "") -> Grade:
    """The grade that verification, checks and score give; evidence that makes no sense counts as none."""
    return assemble(facts_of(evidence, fault), assignment(), BASELINE)


def facts_of(evidence: Evidence, fault: str = "") -> Facts:
    """What is verified of the evidence of a program with this mistake."""
    source = program([fault] if fault else [])
    submission = Submission(
        "tampered", ENTRY, "notebook", "0" * 64, ENTRY, "notebook", (source,), None, {}, notes=(), shadowed=()
    )
    flaw = ""
    try:
        found = verify(evidence, SETTING)
    except EvidenceError as error:
        flaw, evidence = str(error), parse_evidence([])
        found = verify(evidence, SETTING)
    collected = Collected(OUTCOME, evidence, False, 0, flaw)
    return Facts(submission, collected, found, DATASET, (), weights_by_model(collected.evidence, found))


def checks_of(grade: Grade) -> Mapping[str, CheckResult]:
    """The results by check."""
    return {check.id: check for question in grade.questions for check in question.checks}


def is_proved(result: CheckResult) -> bool:
    """Whether all points are given, as proved."""
    return result.outcome == "met" and result.confidence == "proved"
