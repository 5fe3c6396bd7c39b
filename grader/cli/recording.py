"""New grades into the gradebook, where there is one, by the commands that make them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from grader.cli.grades import database, has_gradebook, read_report, signed
from grader.errors import UsageError
from grader.report.text import clean


def record(url: str | None, grades: Path, names: Sequence[str]) -> None:
    """Takes the grades of these submissions into the gradebook that `url` names or that lies in the folder.

    Says how many are new and which marks by hand now conflict, or why they could not be recorded; the reports stay.
    """
    if not names or not has_gradebook(url, grades):
        return
    from grader.gradebook import open_gradebook

    new = 0
    try:
        with open_gradebook(database(url, grades), signed(None)) as book:
            for name in names:
                grade = read_report(grades / name)
                new += book.take_in(grade, book.lateness(grade))
                for mark in book.standing(grade).marks:
                    if mark.conflict:
                        click.echo(f"grade: {clean(name, 60)}: conflict in {clean(mark.conflict)}", err=True)
    except UsageError as error:
        remedy = f"`grade gradebook --grades {grades}` takes them in later"
        click.echo(f"grade: the gradebook does not have all of these grades: {error}. {remedy}", err=True)
    else:
        click.echo(f"grade: {new} new in the gradebook", err=True)
