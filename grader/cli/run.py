"""`grade run`: grades what a path means and shows the report."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from grader.cli.ci import announce
from grader.cli.classroom import NOT_GRADABLE, ClassProgress, Tally, print_row
from grader.cli.grades import BOOK, StoredGrades
from grader.cli.output import REPORT, check_writable, render_reports, report_folder, write_annotated
from grader.cli.parameters import FiniteRange, GivenPath, LimitChange
from grader.cli.progress import Progress
from grader.cli.recording import record
from grader.cli.report import write_class
from grader.pipeline import (
    RULES,
    Candidate,
    Cluster,
    Crew,
    Graded,
    Grader,
    Inline,
    Options,
    Register,
    Result,
    Student,
    Workers,
    enter_missing,
    find_candidates,
    fitting_jobs,
    grade_class,
    missing,
    open_register,
    prepare,
    read_roster,
)
from grader.report import FORMATS, html

EXIT_BELOW, EXIT_NOT_GRADABLE, EXIT_FAILED = 1, 3, 4
FOLDER = GivenPath(file_okay=False)


@click.command("run")
@click.argument("path", type=GivenPath())
@click.option(
    "--assignment", type=FOLDER, help="The assignment's folder; default: the practical that comes with the grader."
)
@click.option("--data", type=FOLDER, help="A folder with train.npz and test.npz.")
@click.option("--out", type=FOLDER, default=Path("grades"), show_default=True, help="Where reports are written.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Submissions at a time; default: one a core.")
@click.option("--scheduler", metavar="ADDRESS", help="Grade on a Dask cluster, such as tcp://host:8786.")
@click.option("--quick", is_flag=True, help="The first 6,000 and 1,000 images only, for a check on every push.")
@click.option("--timeout", type=FiniteRange(min=1), metavar="S", help="Seconds that a submission may run.")
@click.option("--memory", type=FiniteRange(min=0.5), metavar="GB", help="Memory that a submission may use.")
@click.option(
    "--limit", "limits", type=LimitChange(), multiple=True, metavar="NAME=NUMBER", help="Replace a limit of the rubric."
)
@click.option(
    "--min-score", type=FiniteRange(0, 100), metavar="PERCENT", help="Exit with 1 below this share of the points."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "markdown"]),
    default="terminal",
    show_default=True,
    help="What is shown on the screen.",
)
@click.option("--one", is_flag=True, help="Read a folder as one submission.")
@click.option("--each", is_flag=True, help="Read a folder as a class.")
@click.option(
    "--annotate", is_flag=True, help="Write annotated.ipynb too: the notebook with each finding below its cell."
)
@click.option(
    "--attempt",
    type=click.Choice(RULES),
    default="last",
    show_default=True,
    help="Which attempt counts, where a learning platform's download has several.",
)
@click.option("--roster", type=GivenPath(), metavar="CSV", help="The course's students: ids, names, who is missing.")
@BOOK
@click.option("--no-cache", is_flag=True, help="Run again what was run before.")
@click.option("--allow-unsandboxed", is_flag=True, help="Run without isolation where none can be had.")
def run_command(
    path: Path,
    assignment: Path | None,
    data: Path | None,
    out: Path,
    jobs: int | None,
    scheduler: str | None,
    quick: bool,
    timeout: float | None,
    memory: float | None,
    limits: tuple[tuple[str, float], ...],
    min_score: float | None,
    form: str,
    one: bool,
    each: bool,
    annotate: bool,
    attempt: str,
    roster: Path | None,
    url: str | None,
    no_cache: bool,
    allow_unsandboxed: bool,
) -> int:
    """Grade a notebook, module, folder or zip, or every submission in a folder."""
    students = read_roster(roster) if roster is not None else ()
    candidates = find_candidates(path, one=one, each=each, attempt=attempt, students=students)
    for candidate in candidates:
        if candidate.note:
            click.echo(f"grade: {candidate.note}", err=True)
    check_writable(out)
    options = Options(assignment, data, quick, timeout, memory, not no_cache, allow_unsandboxed, dict(limits))
    with Progress(Console(stderr=True)) as progress, _interruptible() as cancelled, open_register(out) as book:
        grader = prepare(options, progress.step)
        call = Call(grader, book, out, cancelled, no_cache, scheduler, url)
        if len(candidates) == 1 and not (each or candidates[0].parts or students or scheduler):
            tally = _grade_one(call, candidates[0], progress, form)
        else:
            progress.clear()
            tally = _grade_class(call, candidates, jobs, missing(candidates, students))
    _afterwards(out, candidates, annotate)
    return _exit_code(tally, min_score)


def _afterwards(out: Path, candidates: Sequence[Candidate], annotate: bool) -> None:
    """Annotated notebooks where they are wanted, and what a CI system is told."""
    if not annotate and not {"GITHUB_ACTIONS", "GITLAB_CI"} & set(os.environ):
        return
    grades = StoredGrades(out, [candidate.id for candidate in candidates if (out / candidate.id / REPORT).is_file()])
    if annotate:
        for grade in grades:
            write_annotated(out / grade.submission.id, grade)
    announce(grades, out)


@dataclass(frozen=True)
class Call:
    """What one call of the command works with."""

    grader: Grader
    book: Register
    out: Path
    cancelled: threading.Event
    again: bool
    scheduler: str | None
    gradebook: str | None

    def workers(self, jobs: int | None) -> Workers:
        """The processes of this machine, or the cluster."""
        if self.scheduler is not None:
            return Cluster(self.grader, self.scheduler, _warn)
        slots, why = fitting_jobs(jobs, self.grader.limits.memory_bytes)
        if why is not None:
            _warn(why)
        return Crew(self.grader, slots)

    def results(
        self,
        candidates: Sequence[Candidate],
        workers: Callable[[], Workers],
        running: Callable[[Sequence[str]], None] = lambda _: None,
        *,
        alone: bool = False,
    ) -> Iterator[Result]:
        """The results as they come; KeyboardInterrupt where the call was cancelled."""
        yield from grade_class(
            candidates, self.grader, self.book, workers, render_reports, report_folder(self.out), self.cancelled,
            running, again=self.again, alone=alone,
        )  # fmt: skip
        if self.cancelled.is_set():
            raise KeyboardInterrupt


def _grade_one(call: Call, candidate: Candidate, progress: Progress, form: str) -> Tally:
    """Grades one in this process and shows its report."""
    tally = Tally()
    warming = threading.Thread(target=html.warm, daemon=True)

    def stage(submission: str, text: str) -> None:
        progress.stage(submission, text)
        if not warming.ident:  # the student's program has begun, and this process would only wait for it
            warming.start()

    inline = Inline(call.grader, stage, call.cancelled)
    for result in call.results([candidate], lambda: inline, alone=True):
        progress.clear()
        tally.add(result)
        if result.row.status in NOT_GRADABLE:
            message = " ".join(result.row.message.split())
            click.echo(f"grade: {result.row.id} could not be graded: {message}", err=True)
        if result.graded is not None:
            show(result.graded, form)
            if form == "terminal":
                folder = call.out / result.row.id
                click.echo(f"\nReports: {folder}/report.html, report.md, report.json", err=True)
    record(call.gradebook, call.out, tally.graded_ids)
    return tally


def _grade_class(call: Call, candidates: Sequence[Candidate], jobs: int | None, absent: Sequence[Student]) -> Tally:
    """Grades a class, a line for each and a summary at the end."""
    tally = Tally()
    before = _listed(call)
    try:
        with ClassProgress(Console(stderr=True), len(candidates)) as bar:
            for result in call.results(candidates, lambda: call.workers(jobs), bar.running):
                tally.add(result)
                bar.finished(result)
                if result.how != "kept":
                    print_row(result)
        enter_missing(call.book, absent, call.grader)
    finally:
        if tally.graded or tally.own_failures or _listed(call) != before:
            write_class(call.out, call.book, call.grader.assignment)
        record(call.gradebook, call.out, tally.graded_ids)
    for line in tally.lines(absent):
        click.echo(f"grade: {line}", err=True)
    click.echo(f"grade: {call.out}/index.html, grades.csv", err=True)
    return tally


def show(graded: Graded, form: str) -> None:
    """Prints one report."""
    rendered = FORMATS[form](graded.grade)
    if form == "terminal":
        Console().print(rendered)
    else:
        click.echo(rendered, nl=False)


def _listed(call: Call) -> str | None:
    """What the class's files show, as a hash; None where they are not there."""
    if not all((call.out / name).is_file() for name in ("grades.csv", "index.html")):
        return None
    digest = hashlib.sha256()
    for row in call.book.rows():
        digest.update(repr(row).encode())
    return digest.hexdigest()


def _warn(text: str) -> None:
    click.echo(f"grade: {text}", err=True)


def _exit_code(tally: Tally, min_score: float | None) -> int:
    if tally.own_failures:
        return EXIT_FAILED
    if tally.refusals:
        return EXIT_NOT_GRADABLE
    if min_score is not None and tally.lowest_share < min_score / 100:
        return EXIT_BELOW
    return 0


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Ctrl-C ends the run under way in order; a second one ends the grader at once."""
    cancelled = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt
        cancelled.set()

    previous = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancelled
        if cancelled.is_set():
            raise KeyboardInterrupt
    finally:
        for name, handler in previous.items():
            signal.signal(name, handler)
