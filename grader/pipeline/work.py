"""One piece of work, the same wherever it is done: in this process, in another one, on another machine."""

from __future__ import annotations

import faulthandler
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Protocol

from grader.errors import SubmissionRejected
from grader.pipeline.collect import Listener
from grader.pipeline.grader import Graded, Grader
from grader.store import Stored
from grader.submission import Candidate, Submission

Render = Callable[[Graded], Mapping[str, str]]
"""Makes a submission's files (name -> text) of its grade; a function of a module, so that it can travel."""

# How much longer than the student's program all of the grader's own work on it may take before it counts as hung.
MARGIN_S = 600.0


@dataclass(frozen=True)
class Job:
    """A submission to be run, verified, judged and reported."""

    candidate: Candidate
    submission: Submission
    render: Render


@dataclass(frozen=True)
class Done:
    """What became of a job: the grade (its notebook is among the files), the texts of its files, and the run itself
    where it was kept on another machine."""

    graded: Graded
    files: Mapping[str, str]
    stored: Stored | None = None


class Cancelled(Exception):
    """The run was ended because its grade is not wanted any more."""


class Workers(Protocol):
    """Whoever does jobs; `slots` of them at a time."""

    @property
    def slots(self) -> int: ...

    def submit(self, job: Job) -> Future[Done]:
        """Begins a job."""

    def check(self) -> None:
        """Raises a GraderError where nobody can do jobs any more."""

    def close(self) -> None:
        """Ends whatever still runs."""


def perform(grader: Grader, job: Job, listener: Listener, cancelled: threading.Event | None) -> Done:
    """Does a job.

    Raises Cancelled where `cancelled` was set meanwhile. A process in which the grader's own work hangs ends itself,
    for nobody else could end it.
    """
    hung = grader.limits.wall_s + MARGIN_S
    if threading.current_thread() is not threading.main_thread() or not hasattr(sys.stderr, "fileno"):
        return _perform(grader, job, listener, cancelled)
    faulthandler.dump_traceback_later(hung, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        return _perform(grader, job, listener, cancelled)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _perform(grader: Grader, job: Job, listener: Listener, cancelled: threading.Event | None) -> Done:
    try:
        graded = grader.grade(job.submission, listener, cancelled)
    except SubmissionRejected as error:
        graded = grader.reject(job.candidate, str(error))
    if cancelled is not None and cancelled.is_set():
        raise Cancelled
    return finished(graded, job.render)


def finished(graded: Graded, render: Render) -> Done:
    """A grade with its files."""
    return Done(replace(graded, notebook=None), render(graded))


class Inline:
    """Does one job at a time, in this process, and tells `listener` (id, stage) about it."""

    slots = 1

    def __init__(self, grader: Grader, listener: Callable[[str, str], None], cancelled: threading.Event):
        self._grader = grader
        self._listener = listener
        self._cancelled = cancelled

    def submit(self, job: Job) -> Future[Done]:
        """Does the job before it returns."""
        future: Future[Done] = Future()

        def listen(stage: str) -> None:
            # The run has ended when verifying would begin: nobody waits for a grade that is not wanted.
            if self._cancelled.is_set():
                raise Cancelled
            self._listener(job.submission.id, stage)

        try:
            future.set_result(_perform(self._grader, job, listen, self._cancelled))
        except Exception as error:  # noqa: BLE001 - a future carries whatever was raised
            future.set_exception(error)
        return future

    def check(self) -> None:
        """This process is there."""

    def close(self) -> None:
        """Nothing runs."""
