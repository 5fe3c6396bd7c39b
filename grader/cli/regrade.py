"""`grade regrade`: today's rubric on stored evidence; says who would change, asks, and writes."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.output import render_reports, report_folder
from grader.cli.parameters import GivenPath
from grader.cli.report import write_class
from grader.pipeline import (
    Assignment,
    Graded,
    Register,
    Regraded,
    evidence_store,
    load_assignment,
    now,
    open_register,
    regrade,
)


@click.command("regrade")
@click.argument("grades", type=GivenPath(file_okay=False), metavar="GRADES")
@click.option("--assignment", type=GivenPath(file_okay=False), help="The assignment's folder.")
@click.option("--yes", is_flag=True, help="Write without asking.")
def regrade_command(grades: Path, assignment: Path | None, yes: bool) -> int:
    """Apply today's rubric to what was graded already, without running anything."""
    if not grades.is_dir():
        raise click.UsageError(f"{grades} is no folder of grades")
    with open_register(grades) as book:
        loaded = load_assignment(assignment)
        waiting = _tell(book, loaded)
        if not waiting:
            return 0
        if not yes and not click.confirm(f"Write {waiting} reports anew?"):
            click.echo("Nothing was written.")
            return 0
        _write(book, loaded, grades)
    return 0


def _tell(book: Register, assignment: Assignment) -> int:
    """Says whose grade changes and by how much; returns how many reports say something else than they would today."""
    changed = outdated = total = 0
    for found in regrade(book, assignment, evidence_store()):
        total += 1
        changed += found.changed
        outdated += found.outdated
        if found.problem:
            click.echo(f"grade: {found.before.row.id} stays as it is: {found.problem}", err=True)
        if found.changed:
            click.echo(_line(found))
    click.echo(f"{changed} of {total} grades change")
    return outdated


def _write(book: Register, assignment: Assignment, grades: Path) -> None:
    """Puts the new reports in place and enters the grades; the register keeps what they were."""
    folder = report_folder(grades)
    with book.together():
        for found in regrade(book, assignment, evidence_store()):
            if found.outdated and found.after is not None and found.grade is not None:
                folder.write(found.after.row.id, render_reports(Graded(found.grade)), True)
                book.record(found.after, now(), "regraded", found.facts)
    write_class(grades, book, assignment)


def _line(found: Regraded) -> str:
    """`ann    41.00 -> 43.50  (+2.50)`."""
    before, after = found.before.row, found.after.row if found.after else found.before.row
    old, new = before.score or 0.0, after.score or 0.0
    scale = "" if before.max_score == after.max_score else f" of {before.max_score:g} -> {after.max_score:g}"
    return f"{after.id:<32} {old:6.2f} -> {new:6.2f}  ({new - old:+.2f}){scale}"
