"""The wiring: one function takes a submission through every part, and is the whole program."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader.assignment import (
    Assignment,
    Baseline,
    Dataset,
    Limits,
    Progress,
    cache_directory,
    find_baseline,
    find_dataset,
    install_dataset,
    load_assignment,
    silent,
    with_limits,
)
from grader.checks.catalogue import all_kinds, find_kind
from grader.checks.table import validate
from grader.errors import EvidenceError, SubmissionRejected
from grader.evidence import parse_evidence
from grader.pipeline.assemble import assemble, rejected
from grader.pipeline.collect import Collected, Listener, collect
from grader.pipeline.notebook import executed_notebook
from grader.pipeline.probes import make_probes
from grader.sandbox import APPARMOR_PROFILE, LEVELS, Isolation, available_isolation, examine
from grader.score import Grade, SubmissionInfo
from grader.store import EvidenceStore
from grader.submission import Candidate, find_candidates, load_submission
from grader.verify.result import Verification

if TYPE_CHECKING:
    import numpy as np

    from grader.verify.run import Setting

__all__ = [
    "APPARMOR_PROFILE",
    "LEVELS",
    "Candidate",
    "Graded",
    "Grader",
    "Options",
    "all_kinds",
    "available_isolation",
    "data_in_use",
    "download_data",
    "examine",
    "find_candidates",
    "find_kind",
    "install_data",
    "prepare",
]


@dataclass(frozen=True)
class Options:
    """What the command line may change; None leaves the assignment's own value.

    `limits` are by their names in a rubric, such as `{"disk_mb": 500}`.
    """

    assignment: Path | None = None
    data: Path | None = None
    quick: bool = False
    timeout: float | None = None
    memory_gb: float | None = None
    cache: bool = True
    allow_unsandboxed: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Graded:
    """A grade, and the executed notebook as JSON text where there is one."""

    grade: Grade
    notebook: str | None = None


@dataclass(frozen=True)
class Grader:
    """Everything that the submissions of one call share."""

    assignment: Assignment
    dataset: Dataset
    baseline: Baseline
    isolation: Isolation
    limits: Limits
    store: EvidenceStore | None
    setting: Future[Setting]

    def grade_one(
        self, candidate: Candidate, listener: Listener = lambda _: None, cancelled: threading.Event | None = None
    ) -> Graded:
        """submission -> staged workspace -> sandboxed run -> evidence -> verification -> checks -> score."""
        try:
            submission = load_submission(candidate)
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
        except SubmissionRejected as error:
            info = SubmissionInfo(candidate.id, str(candidate.path), _kind(candidate.path), "")
            return Graded(rejected(info, self.assignment, str(error)))
        listener("verifying")
        collected, verifications = self._verify(collected)
        listener("judging")
        grade = assemble(
            submission,
            collected,
            verifications,
            self.assignment,
            self.dataset,
            self.baseline,
            self._isolation_notes(),
        )
        return Graded(grade, executed_notebook(submission, collected.evidence))

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


def prepare(options: Options, progress: Progress = silent) -> Grader:
    """Finds the assignment, the data, the reference baseline and the isolation; starts torch meanwhile."""
    assignment = load_assignment(options.assignment)
    validate(assignment.rubric)
    isolation = available_isolation(options.allow_unsandboxed)
    dataset = find_dataset(options.data, assignment, options.quick, progress)
    baseline = find_baseline(assignment, dataset, progress)
    limits = with_limits(assignment.rubric.limits, options.limits)
    if options.timeout is not None:
        limits = replace(limits, wall_s=options.timeout)
    if options.memory_gb is not None:
        limits = replace(limits, memory_bytes=int(options.memory_gb * 2**30))
    store = EvidenceStore(cache_directory() / "evidence") if options.cache else None
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verifier")
    setting = pool.submit(_setting, dataset, assignment)
    pool.shutdown(wait=False)
    return Grader(assignment, dataset, baseline, isolation, limits, store, setting)


def _setting(dataset: Dataset, assignment: Assignment) -> Setting:
    """Imports torch and reads the trusted images while the student's program runs."""
    import torch

    from grader.recorder import dynamo
    from grader.verify.rows import Images, RowIndex
    from grader.verify.run import Setting

    torch.set_num_threads(1)
    dynamo.postpone()  # verification replays updates with torch's own optimizers
    arrays = dataset.load()
    index = RowIndex(Images(arrays.train_images, arrays.train_labels, arrays.test_images, arrays.test_labels))
    index.warm()
    return Setting(index, arrays.test_images[:0], int(assignment.rubric.parameters["classes"]))


def _kind(path: Path) -> str:
    kinds: Mapping[str, str] = {".ipynb": "notebook", ".py": "module", ".zip": "archive"}
    return "folder" if path.is_dir() else kinds.get(path.suffix, "notebook")


def data_in_use(assignment: Path | None, progress: Progress) -> Dataset:
    """The data set that a call without --data would use."""
    return find_dataset(None, load_assignment(assignment), False, progress)


def install_data(source: Path, assignment: Path | None, progress: Progress) -> Dataset:
    """Makes the data set in `source` this user's own."""
    return install_dataset(source, load_assignment(assignment), progress)


def download_data(assignment: Path | None, progress: Progress) -> Dataset:
    """Fetches MNIST, verifies and installs it."""
    from grader.assignment.download import download_dataset

    return download_dataset(load_assignment(assignment), progress)
