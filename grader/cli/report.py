"""`grade report`: pages made from stored grades; nothing of a student's is run."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from grader.cli.grades import read_grade, read_report, report_names
from grader.cli.output import check_writable, write_atomically, write_table
from grader.cli.parameters import GivenPath
from grader.errors import UsageError
from grader.pipeline import Assignment, Register
from grader.pipeline.publish import Source, anonymise, codes, comparison, release, source_of, withheld_checks
from grader.report import Grade, classroom, html
from grader.score.spool import spooling

FOLDER = GivenPath(file_okay=False)


@click.command("report")
@click.argument("grades", type=FOLDER)
@click.option("--release", "for_students", is_flag=True, help="Students' reports, with what the rubric lets them see.")
@click.option("--anonymous", is_flag=True, help="The class's page and its reports, without names.")
@click.option("--out", type=FOLDER, help="Where they are written; default: released/ or anonymous/, else GRADES.")
@click.option(
    "--assignment", type=FOLDER, help="The assignment's folder; default: the practical that comes with the grader."
)
def report_command(grades: Path, for_students: bool, anonymous: bool, out: Path | None, assignment: Path | None) -> int:
    """Make the class's page anew, or reports for students, from stored grades."""
    if for_students and anonymous:
        raise UsageError("--release and --anonymous exclude each other", remedy="Give one of them")
    names = report_names(grades)
    target = out or (Path("released") if for_students else Path("anonymous") if anonymous else grades)
    check_writable(target)
    if for_students:
        withheld = withheld_checks(assignment, datetime.now(UTC))
        for name in names:
            _write_page(target, release(read_grade(grades / name), withheld))
        click.echo(f"grade: {len(names)} reports in {target}, {len(withheld)} checks withheld", err=True)
    elif anonymous:
        _write_anonymous(grades, names, target, assignment)
    else:
        click.echo(f"grade: {write_index(grades, target, assignment)}", err=True)
    return 0


def write_index(grades: Path, target: Path, assignment: Path | None, skip_unreadable: bool = False) -> Path:
    """Writes the class's page of the grades stored in `grades` to `target`/index.html, and returns its path.

    Raises UsageError for a report that cannot be read, or with `skip_unreadable` says so and leaves it out.
    """
    title = ""
    with spooling(classroom.Entry) as entries, comparison(assignment) as compared:
        for name in report_names(grades):
            try:
                grade = read_report(grades / name)
            except UsageError as error:
                if not skip_unreadable:
                    raise
                click.echo(f"grade: left out of the class's page: {error}", err=True)
                continue
            title = grade.assignment.title
            entries.add(classroom.entry(grade))
            compared.add(name, grade.submission.sha256, grade.weights, partial(_source, grades / name))
        alike = compared.groups(lambda name: _source(grades / name))
        return _write_index(target, classroom.Classroom(title, entries, alike))


def _source(folder: Path) -> Source:
    return source_of(read_grade(folder))


def _write_index(target: Path, room: classroom.Classroom) -> Path:
    page = target / "index.html"
    write_atomically(page, classroom.stream(room))
    return page


def write_class(grades: Path, book: Register, assignment: Assignment) -> None:
    """Writes grades.csv and, where there is any report, the class's page."""
    write_table(grades, book, assignment)
    if any(grades.glob("*/report.json")):
        write_index(grades, grades, assignment.directory, skip_unreadable=True)


def _write_page(target: Path, grade: Grade) -> None:
    folder = target / grade.submission.id
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "report.html", html.render(grade))


def _write_anonymous(grades: Path, names: Sequence[str], target: Path, assignment: Path | None) -> None:
    """The page and the reports under codes; which code is whose goes into the folder of the grades, not with them."""
    code_of = codes([(name, read_report(grades / name).submission.sha256) for name in names])
    ranked = sorted(names, key=code_of.__getitem__)
    title = ""
    with spooling(classroom.Entry) as entries, comparison(assignment) as compared:
        for name in ranked:
            stored_grade = read_grade(grades / name)
            compared.add(
                code_of[name], stored_grade.submission.sha256, stored_grade.weights, partial(source_of, stored_grade)
            )
            grade = anonymise(stored_grade, code_of[name])
            _write_page(target, grade)
            title = grade.assignment.title
            entries.add(classroom.entry(grade))
        # Code that is shown may name its author; which submissions are alike is told without it.
        page = _write_index(target, classroom.Classroom(title, entries, compared.groups(), anonymous=True))
    table = io.StringIO()
    csv.writer(table).writerows([("code", "submission"), *((code_of[name], name) for name in ranked)])
    write_atomically(grades / "anonymous.csv", table.getvalue())
    click.echo(f"grade: {page}; which code is whose: {grades / 'anonymous.csv'}", err=True)
