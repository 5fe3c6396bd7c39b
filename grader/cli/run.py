"""`grade run`: grades what a path means and shows the report."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from grader.cli.ci import announce
from grader.cli.output import check_writable, write_annotated, write_reports
from grader.cli.parameters import FiniteRange, GivenPath, LimitChange
from grader.cli.progress import Progress
from grader.cli.report import write_index
from grader.pipeline import Candidate, Graded, Grader, Options, find_candidates, prepare
from grader.report import FORMATS

EXIT_BELOW, EXIT_NOT_GRADABLE = 1, 3
NOT_GRADABLE = ("rejected", "invalid_evidence")
FOLDER = GivenPath(file_okay=False)


@click.command("run")
@click.argument("path", type=GivenPath())
@click.option(
    "--assignment", type=FOLDER, help="The assignment's folder; default: the practical that comes with the grader."
)
@click.option("--data", type=FOLDER, help="A folder with train.npz and test.npz.")
@click.option("--out", type=FOLDER, default=Path("grades"), show_default=True, help="Where reports are written.")
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
@click.option("--no-cache", is_flag=True, help="Run again what was run before.")
@click.option("--allow-unsandboxed", is_flag=True, help="Run without isolation where none can be had.")
def run_command(
    path: Path,
    assignment: Path | None,
    data: Path | None,
    out: Path,
    quick: bool,
    timeout: float | None,
    memory: float | None,
    limits: tuple[tuple[str, float], ...],
    min_score: float | None,
    form: str,
    one: bool,
    each: bool,
    annotate: bool,
    no_cache: bool,
    allow_unsandboxed: bool,
) -> int:
    """Grade a notebook, module, folder or zip, or every submission in a folder."""
    candidates = find_candidates(path, one=one, each=each)
    for candidate in candidates:
        if candidate.note:
            click.echo(f"grade: {candidate.note}", err=True)
    check_writable(out)
    options = Options(assignment, data, quick, timeout, memory, not no_cache, allow_unsandboxed, dict(limits))
    screen = Console(stderr=True)
    count = len(candidates)
    with Progress(screen) as progress:
        grader = prepare(options, progress.step)
        with _interruptible() as cancelled:
            done = [_grade(grader, candidate, out, progress, cancelled, form, count) for candidate in candidates]
    if count > 1:
        click.echo(f"\nThe class: {write_index(out, out, assignment, skip_unreadable=True)}", err=True)
    if annotate:
        for graded in done:
            write_annotated(out, graded)
    announce([graded.grade for graded in done], out)
    return _exit_code(done, min_score)


def _grade(
    grader: Grader,
    candidate: Candidate,
    out: Path,
    progress: Progress,
    cancelled: threading.Event,
    form: str,
    count: int,
) -> Graded:
    def listen(stage: str) -> None:
        # The run has ended when verifying would begin: nobody waits for a grade that is not wanted.
        if cancelled.is_set():
            raise KeyboardInterrupt
        progress.stage(candidate.id, stage)

    graded = grader.grade_one(candidate, listen, cancelled)
    if cancelled.is_set():
        raise KeyboardInterrupt
    folder = write_reports(out, graded)
    progress.clear()
    grade = graded.grade
    if grade.status in NOT_GRADABLE:
        click.echo(f"grade: {grade.submission.id} could not be graded: {' '.join(grade.message.split())}", err=True)
    if count == 1:
        show(graded, form)
        if form == "terminal":
            click.echo(f"\nReports: {folder}/report.html, report.md, report.json", err=True)
    else:
        click.echo(f"{grade.submission.id:<32} {grade.score:6.2f} / {grade.max_score:g}  {grade.status}")
    return graded


def show(graded: Graded, form: str) -> None:
    """Prints one report."""
    rendered = FORMATS[form](graded.grade)
    if form == "terminal":
        Console().print(rendered)
    else:
        click.echo(rendered, nl=False)


def _exit_code(done: list[Graded], min_score: float | None) -> int:
    if any(g.grade.status in NOT_GRADABLE for g in done):
        return EXIT_NOT_GRADABLE
    if min_score is not None and any(g.grade.score < min_score / 100 * g.grade.max_score for g in done):
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
