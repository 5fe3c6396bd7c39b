"""`grade export`: stored grades in another system's form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from grader.cli.ci import code_quality
from grader.cli.grades import BOOK, database, has_gradebook, signed, stored_grades
from grader.cli.output import ANNOTATED, write_atomically
from grader.cli.parameters import GivenPath
from grader.errors import UsageError
from grader.pipeline import NOTEBOOK, Directory, read_roster
from grader.report.annotate import annotate
from grader.report.export import (
    TABLES,
    Person,
    Standing,
    junit_xml,
    results_json,
    standing_of,
)
from grader.score import Grade

PER_SUBMISSION: Mapping[str, str] = {"gradescope": "results.json", "notebook": ANNOTATED}


@click.command("export")
@click.argument("grades", type=GivenPath(file_okay=False), default=Path("grades"))
@click.option(
    "--to",
    "system",
    required=True,
    type=click.Choice([*TABLES, "junit", "code-quality", *PER_SUBMISSION]),
    help="The form that is wanted.",
)
@click.option(
    "--out",
    type=GivenPath(),
    help="The file, or with several results.json or notebooks the folder; default: the screen.",
)
@click.option(
    "--roster", type=GivenPath(), help="A CSV file of students, such as the one that Canvas or Moodle exports."
)
@click.option("--total", "total_only", is_flag=True, help="One column with the total instead of one a question.")
@BOOK
def export_command(
    grades: Path, system: str, out: Path | None, roster: Path | None, total_only: bool, url: str | None
) -> int:
    """Write stored grades for Canvas, Moodle, Gradescope, JUnit, GitLab, a spreadsheet, or into the notebooks."""
    found = stored_grades(grades)
    standings = _standings(found, url, grades)
    if system in PER_SUBMISSION:
        _write_each(
            {folder: text for folder, text in _texts(system, standings).items() if text is not None}, system, out
        )
        return 0
    text: str | Iterable[str]
    if system == "junit":
        text = junit_xml(standings.values)
    elif system == "code-quality":
        text = code_quality(found.values())
    else:
        people = _people([grade.submission.id for grade in found.values()], roster)
        text = TABLES[system](list(standings.values()), people, total_only)
    _write(text, out)
    return 0


def _standings(found: Mapping[Path, Grade], url: str | None, grades: Path) -> dict[Path, Standing]:
    """How the grades stand: by the gradebook, where there is one."""
    if not has_gradebook(url, grades):
        return {folder: standing_of(grade) for folder, grade in found.items()}
    from grader.gradebook import open_gradebook

    standings = {}
    with open_gradebook(database(url, grades), signed(None)) as book:
        for folder, grade in found.items():
            book.take_in(grade, book.lateness(grade))
            standings[folder] = book.standing(grade)
    for standing in standings.values():
        for mark in standing.marks:
            if mark.conflict:
                click.echo(f"grade: {standing.grade.submission.id}: conflict in {mark.conflict}", err=True)
    return standings


def _people(ids: list[str], roster: Path | None) -> dict[str, Person]:
    if roster is None:
        return {}
    claimed = Directory(read_roster(roster)).claimed(ids)
    people = {id_: Person(**student.fields) for id_, student in claimed.items()}
    for id_ in ids:
        if id_ not in people:
            click.echo(f"grade: {id_} fits no single student of the roster", err=True)
    return people


def _texts(system: str, standings: Mapping[Path, Standing]) -> dict[Path, str | None]:
    if system == "gradescope":
        return {folder: results_json(standing) for folder, standing in standings.items()}
    return {
        folder: annotate(standing.grade, (folder / NOTEBOOK).read_text(encoding="utf-8"))
        if (folder / NOTEBOOK).is_file()
        else None
        for folder, standing in standings.items()
    }


def _write_each(texts: Mapping[Path, str], system: str, out: Path | None) -> None:
    if not texts:
        raise UsageError("none of these submissions is a notebook that was run")
    if len(texts) == 1 and (out is None or out.suffix):
        _write(next(iter(texts.values())), out)
        return
    if out is None:
        raise UsageError("there are several submissions", remedy="Name a folder with --out")
    for folder, text in texts.items():
        _write(text, out / folder.name / PER_SUBMISSION[system])


def _write(text: str | Iterable[str], out: Path | None) -> None:
    if out is None:
        for part in [text] if isinstance(text, str) else text:
            click.echo(part, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, text)
    except OSError as error:
        raise UsageError(f"cannot write there ({error.strerror or error})", file=str(out)) from error
