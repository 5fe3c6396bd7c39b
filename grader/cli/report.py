"""`grade report`: pages made from stored grades; nothing of a student's is run."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from grader.cli.grades import read_grade, report_folders
from grader.cli.output import check_writable, write_atomically, write_table
from grader.cli.parameters import GivenPath
from grader.errors import UsageError
from grader.pipeline import Assignment, Register
from grader.pipeline.publish import anonymise, codes, find_alike, release, withheld_checks, work_of
from grader.report import Grade, classroom, html

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
    folders = report_folders(grades)
    target = out or (Path("released") if for_students else Path("anonymous") if anonymous else grades)
    check_writable(target)
    if for_students:
        withheld = withheld_checks(assignment, datetime.now(UTC))
        for folder in folders:
            _write_page(target, release(read_grade(folder), withheld))
        click.echo(f"grade: {len(folders)} reports in {target}, {len(withheld)} checks withheld", err=True)
    elif anonymous:
        _write_anonymous(grades, folders, target, assignment)
    else:
        click.echo(f"grade: {write_index(grades, target, assignment)}", err=True)
    return 0


def write_index(grades: Path, target: Path, assignment: Path | None, skip_unreadable: bool = False) -> Path:
    """Writes the class's page of the grades stored in `grades` to `target`/index.html, and returns its path.

    Raises UsageError for a report that cannot be read, or with `skip_unreadable` says so and leaves it out.
    """
    entries, works = [], []
    title = ""
    for folder in report_folders(grades):
        try:
            grade = read_grade(folder)
        except UsageError as error:
            if not skip_unreadable:
                raise
            click.echo(f"grade: left out of the class's page: {error}", err=True)
            continue
        title = grade.assignment.title
        entries.append(classroom.entry(grade))
        works.append(work_of(grade))
    page = target / "index.html"
    write_atomically(page, classroom.render(classroom.Classroom(title, tuple(entries), find_alike(works, assignment))))
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


def _write_anonymous(grades: Path, folders: list[Path], target: Path, assignment: Path | None) -> None:
    """The page and the reports under codes; which code is whose goes into the folder of the grades, not with them."""
    known = [read_grade(folder).submission for folder in folders]
    code_of = codes([(submission.id, submission.sha256) for submission in known])
    entries, works = [], []
    title = ""
    for folder, submission in zip(folders, known, strict=True):
        stored_grade = read_grade(folder)
        works.append(replace(work_of(stored_grade), id=code_of[submission.id]))
        grade = anonymise(stored_grade, code_of[submission.id])
        _write_page(target, grade)
        title = grade.assignment.title
        entries.append(classroom.entry(grade))
    entries.sort(key=lambda entry: entry.id)
    # Code that is shown may name its author; which submissions are alike is told without it.
    alike = tuple(
        replace(group, pairs=tuple(replace(pair, excerpt=()) for pair in group.pairs))
        for group in find_alike(works, assignment)
    )
    page = classroom.render(classroom.Classroom(title, tuple(entries), alike, anonymous=True))
    write_atomically(target / "index.html", page)
    table = io.StringIO()
    csv.writer(table).writerows([("code", "submission"), *sorted((code, id_) for id_, code in code_of.items())])
    write_atomically(grades / "anonymous.csv", table.getvalue())
    click.echo(f"grade: {target / 'index.html'}; which code is whose: {grades / 'anonymous.csv'}", err=True)
