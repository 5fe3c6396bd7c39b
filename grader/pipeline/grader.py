"""One submission through every part: what the submissions of one call share, and the sentence that grades one."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from grader.assignment import Assignment, Baseline, Dataset, Limits
from grader.errors import EvidenceError, SubmissionRejected
from grader.evidence import parse_evidence
from grader.pipeline.assemble import assemble, rejected
from grader.pipeline.collect import Collected, Listener, collect, run_key
from grader.pipeline.facts import Facts, pack, unpack
from grader.pipeline.notebook import executed_notebook
from grader.pipeline.probes import make_probes
from grader.pipeline.trusted import Trusted
from grader.pipeline.versions import grader_version
from grader.pipeline.weights import weights_by_model
from grader.sandbox import Isolation
from grader.score import Grade, SubmissionInfo
from grader.store import EvidenceStore
from grader.submission import Candidate, Submission, load_submission
from grader.verify.result import Verification

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Graded:
    """A grade, the executed notebook as JSON text where there is one, and the packed facts that the grade was given
    on, with the key of their run; a rejected submission has none."""

    grade: Grade
    notebook: str | None = None
    facts: bytes | None = None
    evidence: str = ""


@dataclass(frozen=True)
class Grader:
    """Everything that the submissions of one call share; it can travel to another process."""

    assignment: Assignment
    dataset: Dataset
    baseline: Baseline
    isolation: Isolation
    limits: Limits
    store: EvidenceStore | None
    setting: Trusted

    def grade_one(
        self, candidate: Candidate, listener: Listener = lambda _: None, cancelled: threading.Event | None = None
    ) -> Graded:
        """submission -> staged workspace -> sandboxed run -> evidence -> verification -> checks -> score."""
        try:
            return self.grade(load_submission(candidate), listener, cancelled)
        except SubmissionRejected as error:
            return self.reject(candidate, str(error))

    def grade(
        self,
        submission: Submission,
        listener: Listener = lambda _: None,
        cancelled: threading.Event | None = None,
    ) -> Graded:
        """The same for a submission that was read already; raises SubmissionRejected where it cannot be staged."""
        self.setting.start()
        collected = collect(
            submission,
            self.assignment,
            self.dataset,
            self._probes,
            self.isolation,
            self.limits,
            self.store,
            listener,
            cancelled,
        )
        listener("verifying")
        collected, verifications = self._verify(collected)
        listener("judging")
        facts = pack(
            Facts(
                submission,
                collected,
                verifications,
                self.dataset,
                self._isolation_notes(),
                weights_by_model(collected.evidence, verifications),
            )
        )
        notebook = executed_notebook(submission, collected.evidence)
        return Graded(self.judge(submission, facts, fresh=True), notebook, facts, self.run_key(submission))

    def judge(self, submission: Submission, packed: bytes, *, fresh: bool = False) -> Grade:
        """The grade that today's rubric gives on stored facts; `fresh` says that they were made just now.

        Raises EvidenceError where the facts cannot be read.
        """
        facts = unpack(packed)
        collected = facts.collected if fresh else replace(facts.collected, cached=True)
        known = replace(facts.submission, id=submission.id, path=submission.path, kind=submission.kind)
        known = replace(known, notes=submission.notes, shadowed=submission.shadowed)
        return assemble(replace(facts, submission=known, collected=collected), self.assignment, self.baseline)

    def reject(self, candidate: Candidate, reason: str) -> Graded:
        """The grade of a submission that could not be taken in."""
        info = SubmissionInfo(candidate.id, str(candidate.path), _kind(candidate.path), "")
        return Graded(rejected(info, self.assignment, reason))

    def run_key(self, submission: Submission) -> str:
        """The name of this submission's run: the same content under the same conditions has the same."""
        return run_key(submission, self.assignment, self.dataset, self.isolation, self.limits)

    @cached_property
    def identity(self) -> str:
        """The hash of everything that a grade depends on besides the submission."""
        helpers = {name: hashlib.sha256(content).hexdigest() for name, content in self.assignment.helpers.items()}
        parts = [
            grader_version(),
            self.assignment.rubric.sha256,
            helpers,
            [self.dataset.name, self.dataset.sha256],
            asdict(self.baseline),
            asdict(self.limits),
            [self.isolation.level, *self._isolation_notes()],
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _verify(self, collected: Collected) -> tuple[Collected, tuple[Verification, ...]]:
        """The facts about each model; evidence that no verification can make sense of counts as malformed."""
        from grader.verify.run import verify

        setting = replace(self.setting.result(), probes=self._probes(collected.probe_seed))
        try:
            return collected, verify(collected.evidence, setting)
        except EvidenceError as error:
            empty = replace(collected, evidence=parse_evidence([]), flaw=str(error))
            return empty, verify(empty.evidence, setting)

    def _probes(self, seed: int) -> np.ndarray:
        return make_probes(self.setting.result().images.test, seed)

    def _isolation_notes(self) -> tuple[str, ...]:
        return (
            ()
            if self.isolation.level == "full"
            else tuple(f"isolation is {self.isolation.level}: {d}" for d in self.isolation.details[:3])
        )


def _kind(path: Path) -> str:
    kinds: Mapping[str, str] = {".ipynb": "notebook", ".py": "module", ".zip": "archive"}
    return "folder" if path.is_dir() else kinds.get(path.suffix, "notebook")
