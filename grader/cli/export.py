"""`grade export`: stored grades in another system's form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click

from grader.cli.ci import code_quality
from grader.cli.grades import BOOK, StoredGrades, database, has_gradebook, signed, stored_grades
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
    table_csv,
)
from grader.score import Grade
from grader.score.spool import spooling

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
@click.option(
    "--assignment",
    type=GivenPath(file_okay=False),
    help="The assignment's folder, whose rubric says what students on Gradescope may see.",
)
@BOOK
def export_command(
    grades: Path,
    system: str,
    out: Path | None,
    roster: Path | None,
    total_only: bool,
    assignment: Path | None,
    url: str | None,
) -> int:
    """Write stored grades for Canvas, Moodle, Gradescope, JUnit, GitLab, a spreadsheet, or into the notebooks."""
    found = stored_grades(grades)
    if system in PER_SUBMISSION:
        _write_each(found, _standings(found, url, grades), _renderer(system, assignment), system, out)
        return 0
    # What a class's file begins with depends on all of it, so it is gone through more than once.
    with spooling(Standing) as standings:
        for standing in _standings(found, url, grades):
            standings.add(standing)
        if system == "junit":
            text = junit_xml(lambda: standings)
        elif system == "code-quality":
            text = code_quality(standing.grade for standing in standings)
        else:
            text = table_csv(system, standings, _people(found, roster), total_only)
        _write(text, out)
    return 0


def _standings(found: Iterable[Grade], url: str | None, grades: Path) -> Iterator[Standing]:
    """How the grades stand, one after the other: by the gradebook, where there is one."""
    if not has_gradebook(url, grades):
        yield from map(standing_of, found)
        return
    from grader.gradebook import open_gradebook

    with open_gradebook(database(url, grades), signed(None)) as book:
        for grade in found:
            book.take_in(grade, book.lateness(grade))
            standing = book.standing(grade)
            for mark in standing.marks:
                if mark.conflict:
                    click.echo(f"grade: {grade.submission.id}: conflict in {mark.conflict}", err=True)
            yield standing


def _people(found: Iterable[Grade], roster: Path | None) -> dict[str, Person]:
    if roster is None:
        return {}
    ids = [grade.submission.id for grade in found]
    claimed = Directory(read_roster(roster)).claimed(ids)
    people = {id_: Person(**student.fields) for id_, student in claimed.items()}
    for id_ in ids:
        if id_ not in people:
            click.echo(f"grade: {id_} fits no single student of the roster", err=True)
    return people


def _renderer(system: str, assignment: Path | None) -> Callable[[Path, Standing], str]:
    """What gives the file of a submission, by its folder and how its grade stands."""
    if system == "notebook":
        return lambda folder, standing: annotate(standing.grade, (folder / NOTEBOOK).read_text(encoding="utf-8"))
    from grader.pipeline.publish import visibilities

    seen = visibilities(assignment)
    return lambda _, standing: results_json(standing, seen)


def _write_each(
    found: StoredGrades,
    standings: Iterable[Standing],
    render: Callable[[Path, Standing], str],
    system: str,
    out: Path | None,
) -> None:
    """A file for each submission that can have one; of a single one to the screen or the file that is named."""
    wanted = sum(map(_has_notebook, found.folders())) if system == "notebook" else len(found)
    if not wanted:
        raise UsageError("none of these submissions is a notebook that was run")
    if out is None and wanted > 1:
        raise UsageError("there are several submissions", remedy="Name a folder with --out")
    is_file = wanted == 1 and out is not None and out.suffix
    for folder, standing in zip(found.folders(), standings, strict=True):
        if system == "notebook" and not _has_notebook(folder):
            continue
        target = out if out is None or is_file else out / folder.name / PER_SUBMISSION[system]
        _write([render(folder, standing)], target)


def _has_notebook(folder: Path) -> bool:
    return (folder / NOTEBOOK).is_file()


def _write(text: Iterable[str], out: Path | None) -> None:
    if out is None:
        for part in text:
            click.echo(part, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, text)
    except OSError as error:
        raise UsageError(f"cannot write there ({error.strerror or error})", file=str(out)) from error
