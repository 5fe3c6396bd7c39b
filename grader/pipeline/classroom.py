"""A class: what is up to date stays, what was run is only judged, the rest is run, as much at a time as there are
workers. Every result is in place, reports and register, before the next one is looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from grader.errors import EvidenceError, GraderError, SubmissionRejected
from grader.pipeline.facts import judgement
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.versions import verifier_version
from grader.pipeline.work import Cancelled, Done, Job, Render, Workers, finished
from grader.score.rows import ClassRow, class_row
from grader.store import Entry, Register
from grader.submission import Candidate, Student, Submission, content_hash, load_submission, match

POLL_S = 0.2
NOTEBOOK = "executed.ipynb"
TRIES = 2

How = Literal["kept", "graded", "failed"]


@dataclass(frozen=True)
class Result:
    """One submission of the class: `kept` as it was graded before, `graded` now, or `failed`, which is the grader's
    own failure and tried again at the next call. `graded` is None for the other two."""

    row: ClassRow
    how: How
    graded: Graded | None = None


@dataclass(frozen=True)
class Folder:
    """Where reports go: `write` puts a submission's files (name -> text) in place, and leaves an executed notebook of
    an earlier report there where its third argument says so; `has` says whether reports are in place."""

    write: Callable[[str, Mapping[str, str], bool], None]
    has: Callable[[str], bool]


@dataclass
class _Task:
    """A submission on its way; `content` is the hash of what was handed in, `key` names its run."""

    candidate: Candidate
    submission: Submission
    content: str
    key: str
    tries: int = 1


def grade_class(
    candidates: Sequence[Candidate],
    grader: Grader,
    book: Register,
    workers: Callable[[], Workers],
    render: Render,
    folder: Folder,
    cancelled: threading.Event,
    on_running: Callable[[Sequence[str]], None] = lambda _: None,
    *,
    again: bool = False,
    alone: bool = False,
) -> Iterator[Result]:
    """The results in the order in which they come.

    `workers` is called when the first submission has to be run; `again` runs all. `alone` says that this is no class:
    the register's class stays what it is, and the grade is given again where it is there already. Setting `cancelled`
    ends the runs under way and the iteration; what was yielded until then is in place.
    """
    room = _Room(grader, book, render, folder, on_running, again)
    room.keeps = not (again or alone)
    ids = [] if alone else [candidate.id for candidate in candidates]
    if ids:
        book.arrange(ids)
    try:
        for candidate in candidates:
            if cancelled.is_set():
                return
            yield from room.take(candidate, workers, cancelled)
        while room.busy and not cancelled.is_set():
            yield from room.collect(cancelled)
    finally:
        room.close()
        if ids:
            book.arrange(ids)


class _Room:
    def __init__(
        self,
        grader: Grader,
        book: Register,
        render: Render,
        folder: Folder,
        on_running: Callable[[Sequence[str]], None],
        again: bool,
    ):
        self._grader = grader
        self._book = book
        self._render = render
        self._folder = folder
        self._on_running = on_running
        self._again = again
        self.keeps = True
        self._workers: Workers | None = None
        self._running: dict[Future[Done], _Task] = {}
        # Submissions of a content that is being run: its facts will do for them.
        self._twins: dict[str, list[_Task]] = {}

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def close(self) -> None:
        if self._workers is not None:
            self._workers.close()

    def take(
        self, candidate: Candidate, workers: Callable[[], Workers], cancelled: threading.Event
    ) -> Iterator[Result]:
        """Whatever can be said of this one at once; else it is given to a worker, as soon as one is free."""
        content = content_hash(candidate)
        entry = self._book.find(candidate.id)
        if self.keeps and entry is not None and self._is_current(entry, content):
            yield Result(entry.row, "kept")
            return
        try:
            submission = load_submission(candidate)
        except SubmissionRejected as error:
            yield self._finish(candidate, content, finished(self._grader.reject(candidate, str(error)), self._render))
            return
        task = _Task(candidate, submission, content, self._grader.run_key(submission))
        if task.key in self._twins:
            self._twins[task.key].append(task)
            return
        if not self._again and entry is not None and entry.evidence == task.key and self._folder.has(candidate.id):
            judged = self._judge(task, keep=True)
            if judged is not None:
                yield judged
                return
        self._workers = self._workers or workers()
        while len(self._running) >= self._workers.slots and not cancelled.is_set():
            yield from self.collect(cancelled)
        if not cancelled.is_set():
            self._begin(task)
            self._twins[task.key] = []

    def collect(self, cancelled: threading.Event) -> Iterator[Result]:
        """The results that have come meanwhile; waits a moment for one."""
        if self._workers is not None:
            self._workers.check()
        done, _ = wait(self._running, timeout=POLL_S, return_when=FIRST_COMPLETED)
        for future in done:
            task = self._running.pop(future)
            error = _error(future)
            if cancelled.is_set() or isinstance(error, Cancelled):
                continue
            if isinstance(error, BrokenExecutor) and task.tries < TRIES:
                task.tries += 1
                self._begin(task)
                continue
            twins = self._twins.pop(task.key, [])
            if error is not None:
                yield from (self._fail(each, error) for each in (task, *twins))
                continue
            done_now = future.result()
            yield self._finish(task.candidate, task.content, done_now)
            for twin in twins:
                yield self._as(twin, done_now)
        self._tell()

    def _begin(self, task: _Task) -> None:
        assert self._workers is not None
        self._running[self._workers.submit(Job(task.candidate, task.submission, self._render))] = task
        self._tell()

    def _tell(self) -> None:
        self._on_running([task.candidate.id for task in self._running.values()])

    def _is_current(self, entry: Entry, content: str) -> bool:
        same = (entry.content, entry.setting) == (content, self._grader.identity)
        return same and self._folder.has(entry.row.id)

    def _judge(self, task: _Task, *, keep: bool = False, notebook: str | None = None) -> Result | None:
        """The grade on stored facts, where there are any; `keep` leaves the executed notebook that is there."""
        packed = self._book.facts(task.key, verifier_version())
        if packed is None:
            return None
        try:
            grade = self._grader.judge(task.submission, packed)
        except EvidenceError:
            return None
        graded = Graded(grade, notebook, packed, task.key)
        return self._finish(task.candidate, task.content, finished(graded, self._render), keep=keep)

    def _as(self, twin: _Task, done: Done) -> Result:
        """The grade of a submission with the content of one that was just run."""
        judged = self._judge(twin, notebook=done.files.get(NOTEBOOK))
        return judged or self._fail(twin, EvidenceError("the facts of the same content could not be read"))

    def _finish(self, candidate: Candidate, content: str, done: Done, *, keep: bool = False) -> Result:
        graded = done.graded
        if done.stored is not None and self._grader.store is not None and not self._grader.store.has(graded.evidence):
            self._grader.store.save(graded.evidence, done.stored)
        row = class_row(graded.grade, candidate.name, candidate.attempt, candidate.late)
        self._folder.write(row.id, done.files, keep)
        entry = Entry(
            row, content, self._grader.identity, graded.evidence, self._grader.assignment.rubric.sha256,
            verifier_version(), judgement(graded.grade),
        )  # fmt: skip
        self._book.record(entry, now(), "graded", graded.facts)
        return Result(row, "graded", graded)

    def _fail(self, task: _Task, error: BaseException) -> Result:
        """The grader's own failure: told, entered without what would keep it, and no other submission's affair."""
        text = str(error) if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
        if isinstance(error, BrokenExecutor):
            text = f"the process that graded it died, {task.tries} times"
        row = ClassRow(
            task.candidate.id, task.candidate.name, str(task.candidate.path), "failed", None,
            self._grader.assignment.rubric.max_score, message=f"the grader itself failed: {text}",
            attempt=task.candidate.attempt, late=task.candidate.late,
        )  # fmt: skip
        self._book.record(Entry(row, "", "", "", "", "", ""), now(), "failed", None)
        return Result(row, "failed")


def _error(future: Future[Done]) -> BaseException | None:
    """What a finished future raised; one that its workers gave up is as good as one whose process died."""
    return BrokenExecutor("its workers have gone") if future.cancelled() else future.exception()


def missing(candidates: Sequence[Candidate], students: Sequence[Student]) -> tuple[Student, ...]:
    """The students of the roster of whom there is no submission."""
    return match(candidates, students)[1] if students else ()


def enter_missing(book: Register, students: Sequence[Student], grader: Grader) -> None:
    """Enters them in the register, without a score."""
    with book.together():
        for student in students:
            row = ClassRow(student.id, student.name, "", "missing", None, grader.assignment.rubric.max_score)
            book.record(Entry(row, "", "", "", "", "", ""), now(), "missing", None)


def now() -> str:
    """The present time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
