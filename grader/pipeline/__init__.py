"""The wiring: a submission, or a whole class, through every part of the grader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.assignment import (
    Assignment,
    Dataset,
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
from grader.pipeline.classroom import NOTEBOOK, Folder, Result, enter_missing, grade_class, missing, now
from grader.pipeline.cluster import Cluster
from grader.pipeline.crew import Crew, fitting_jobs
from grader.pipeline.forks import by_forks
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.regrade import Regraded, regrade, waiting
from grader.pipeline.trusted import Trusted
from grader.pipeline.work import Cancelled, Done, Inline, Job, Workers
from grader.sandbox import APPARMOR_PROFILE, LEVELS, available_isolation, examine, examine_forks, who_holds_memory
from grader.store import Entry, EvidenceStore, Register, open_register
from grader.submission import RULES, Candidate, Directory, Student, find_candidates, read_roster

__all__ = [
    "APPARMOR_PROFILE",
    "LEVELS",
    "NOTEBOOK",
    "RULES",
    "Assignment",
    "Cancelled",
    "Candidate",
    "Cluster",
    "Crew",
    "Directory",
    "Done",
    "Entry",
    "Folder",
    "Graded",
    "Grader",
    "Inline",
    "Job",
    "Options",
    "Register",
    "Regraded",
    "Result",
    "Student",
    "Workers",
    "all_kinds",
    "available_isolation",
    "by_forks",
    "data_in_use",
    "download_data",
    "enter_missing",
    "evidence_store",
    "examine",
    "examine_forks",
    "find_candidates",
    "find_kind",
    "fitting_jobs",
    "grade_class",
    "install_data",
    "load_assignment",
    "missing",
    "now",
    "open_register",
    "prepare",
    "read_roster",
    "regrade",
    "waiting",
    "who_holds_memory",
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


def prepare(options: Options, progress: Progress = silent) -> Grader:
    """Finds the assignment, the data, the reference baseline and the isolation."""
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
    store = evidence_store() if options.cache else None
    trusted = Trusted(dataset, int(assignment.rubric.parameters["classes"]))
    return Grader(assignment, dataset, baseline, isolation, limits, store, trusted)


def evidence_store() -> EvidenceStore:
    """Where this user's runs are kept."""
    return EvidenceStore(cache_directory() / "evidence")


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
