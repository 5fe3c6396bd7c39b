"""`grade regrade`: today's rubric on stored evidence; says who would change, asks, and writes."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.grades import BOOK
from grader.cli.output import render_reports, report_folder
from grader.cli.parameters import GivenPath
from grader.cli.recording import record
from grader.cli.report import write_class
from grader.pipeline import (
    Assignment,
    Entry,
    Graded,
    Register,
    Regraded,
    by_forks,
    evidence_store,
    load_assignment,
    now,
    open_register,
    regrade,
    waiting,
)
from grader.report import html
from grader.score.spool import Spool


@click.command("regrade")
@click.argument("grades", type=GivenPath(file_okay=False), metavar="GRADES")
@click.option("--assignment", type=GivenPath(file_okay=False), help="The assignment's folder.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@BOOK
def regrade_command(grades: Path, assignment: Path | None, yes: bool, url: str | None) -> int:
    """Apply today's rubric to what was graded already, without running anything."""
    if not grades.is_dir():
        raise click.UsageError(f"{grades} is no folder of grades")
    with open_register(grades) as book, waiting() as outdated:
        loaded = load_assignment(assignment)
        _tell(book, loaded, outdated)
        if not outdated:
            return 0
        if not yes and not _agreed(f"Write {len(outdated)} reports anew?"):
            click.echo("Nothing was written.")
            return 0
        _write(book, outdated, grades)
        write_class(grades, book, loaded)
        record(url, grades, [found.before.row.id for found in outdated])
    return 0


def _agreed(question: str) -> bool:
    """What a person answers; where there is nobody to ask, no."""
    try:
        return click.confirm(question)
    except click.Abort as error:
        if not isinstance(error.__context__, EOFError):
            raise
        click.echo()
        return False


def _tell(book: Register, assignment: Assignment, outdated: Spool[Regraded]) -> None:
    """Says whose grade changes and by how much, and keeps those whose report would say something else today."""
    changed = total = earlier = 0
    for found in regrade(book, assignment, evidence_store()):
        total += 1
        changed += found.changed
        earlier += found.verified_before
        if found.problem:
            click.echo(f"grade: {found.before.row.id} stays as it is: {found.problem}", err=True)
        if found.changed:
            click.echo(_line(found))
        if found.outdated:
            outdated.add(found)
    if earlier:
        click.echo(
            f"grade: {earlier} of {total} are judged on what an earlier verification found, for the evidence of their "
            "runs is not in the cache any more",
            err=True,
        )
    click.echo(f"{changed} of {total} grades change")


def _write(book: Register, outdated: Spool[Regraded], grades: Path) -> None:
    """Puts the new reports in place and enters the grades; the register keeps what they were."""
    folder = report_folder(grades)

    def write(number: int) -> Entry:
        found = outdated[number]
        assert found.after is not None and found.grade is not None
        folder.write(found.after.row.id, render_reports(Graded(found.grade)), True)
        return found.after

    html.warm()  # for all forks
    with book.together():
        for after in by_forks(write, len(outdated)):
            book.record(after, now(), "regraded", None)


def _line(found: Regraded) -> str:
    """`ann    41.00 -> 43.50  (+2.50)`."""
    before, after = found.before.row, found.after.row if found.after else found.before.row
    old, new = before.score or 0.0, after.score or 0.0
    scale = "" if before.max_score == after.max_score else f" of {before.max_score:g} -> {after.max_score:g}"
    return f"{after.id:<32} {old:6.2f} -> {new:6.2f}  ({new - old:+.2f}){scale}"
