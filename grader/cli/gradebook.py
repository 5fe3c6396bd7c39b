"""`grade gradebook`, `mark`, `comment` and `history`: what people decide about grades, and how they came to be."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.grades import BOOK, GRADES, by_option, database, grade_of, read_times, signed, stored_grades
from grader.cli.parameters import FiniteRange, GivenPath
from grader.gradebook import open_gradebook
from grader.report.text import clean, number
from grader.score import Standing


@click.command("gradebook")
@GRADES
@BOOK
@click.option("--times", type=GivenPath(), help="A CSV file with the columns id and submitted_at, for late penalties.")
@click.option(
    "--assignment",
    type=GivenPath(file_okay=False),
    help="The assignment's folder, whose rubric says what lateness costs.",
)
@by_option
def gradebook_command(
    grades: Path, url: str | None, times: Path | None, assignment: Path | None, by: str | None
) -> int:
    """Take new grades into the gradebook and show how everyone stands."""
    found = stored_grades(grades)
    penalty = None
    if times is not None:
        from grader.pipeline.late import late_penalties

        penalty = late_penalties(assignment, read_times(times))
    with open_gradebook(database(url, grades), signed(by)) as book:
        for grade in found:
            late = penalty(grade) if penalty is not None else None
            book.take_in(grade, late or book.lateness(grade))
            show(book.standing(grade))
    return 0


def show(standing: Standing) -> None:
    """One line of the gradebook, and one for each conflict."""
    maximum = sum(mark.max_points for mark in standing.marks) or standing.grade.max_score
    total = number(standing.total) if standing.scored else "–"
    notes = [
        f"attempt {standing.attempt}" if standing.attempt > 1 else "",
        f"late -{number(standing.late_points)}" if standing.late_points else "",
        *(f"{mark.question} by hand: {number(mark.points)}" for mark in standing.marks if mark.manual),
        standing.grade.status if standing.grade.status != "graded" else "",
    ]
    line = f"{clean(standing.grade.submission.id, 60):<40} {total:>6} / {number(maximum)}"
    click.echo("  ".join([line, ", ".join(note for note in notes if note)]).rstrip())
    for mark in standing.marks:
        if mark.conflict:
            click.echo(f"    conflict: {clean(mark.conflict)}. Confirm it with `grade mark ... --replace`")


@click.command("mark")
@click.argument("student")
@click.argument("question")
@click.argument("points", required=False, type=FiniteRange(min=0))
@click.option("--because", required=True, metavar="TEXT", help="Why; the student sees it.")
@click.option("--replace", is_flag=True, help="Take the place of a manual mark that stands already.")
@click.option("--withdraw", is_flag=True, help="Let the automatic points count again.")
@GRADES
@BOOK
@by_option
def mark_command(
    student: str,
    question: str,
    points: float | None,
    because: str,
    replace: bool,
    withdraw: bool,
    grades: Path,
    url: str | None,
    by: str | None,
) -> int:
    """Give a question of a student other points than the grader did."""
    if withdraw == (points is not None):
        raise click.UsageError("give either POINTS or --withdraw")
    if not because.strip():
        raise click.UsageError("--because is empty")
    grade = grade_of(grades, student)
    with open_gradebook(database(url, grades), signed(by)) as book:
        book.take_in(grade, book.lateness(grade))
        mark = book.mark(grade.assignment.id, student, question, points, because.strip(), replace)
        total = book.standing(grade).total
    click.echo(
        f"{student}, question {question}: {number(mark.points)} of {number(mark.max_points)} "
        f"(the grader gave {number(mark.automatic)}); total {number(total)}"
    )
    return 0


@click.command("comment")
@click.argument("student")
@click.argument("text")
@click.option("--question", metavar="ID", help="The question that it is about.")
@GRADES
@BOOK
@by_option
def comment_command(
    student: str, text: str, question: str | None, grades: Path, url: str | None, by: str | None
) -> int:
    """Add a comment to a student's grade."""
    if not text.strip():
        raise click.UsageError("the comment is empty")
    grade = grade_of(grades, student)
    with open_gradebook(database(url, grades), signed(by)) as book:
        book.take_in(grade, book.lateness(grade))
        book.comment(grade.assignment.id, student, text.strip(), question)
    return 0


@click.command("history")
@click.argument("student")
@GRADES
@BOOK
def history_command(student: str, grades: Path, url: str | None) -> int:
    """Show every attempt, grade, mark and comment of a student, with who and when."""
    grade = grade_of(grades, student)
    with open_gradebook(database(url, grades), signed(None)) as book:
        for event in book.history(grade.assignment.id, student):
            click.echo(f"{event.at[:19]}Z  {clean(event.by, 40):<16} {event.kind:<9} {clean(event.text)}")
    return 0
