"""New grades go into the gradebook by the commands that make them; where they cannot, that is said."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Grade
from tests.cli.samples import LOAD
from tests.cli.test_cli_reports import report
from tests.submission.uploads import notebook, write

BOOK = "sqlite:///book.db"


def kinds(grade: Grade, student: str) -> list[str]:
    """What happened to a student's grade, in order."""
    return [line.split()[2] for line in grade("history", student, "--gradebook", BOOK).out.splitlines()]


def test_a_class_records_itself(grade: Grade, school: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """Every grade is in the gradebook that is named, also that of a submission which could not be graded; a second call
    adds nothing, a changed submission is one more attempt."""
    first = grade(school, *on_quick_mnist, "--gradebook", BOOK)
    assert "4 new in the gradebook" in first.err
    assert [kinds(grade, name) for name in ("ann", "dan")] == [["attempt", "grade"]] * 2
    assert "gradebook" not in grade(school, *on_quick_mnist, "--gradebook", BOOK).err

    write(school / "ann" / "cnn.ipynb", notebook("1"))
    assert "1 new in the gradebook" in grade(school, *on_quick_mnist, "--gradebook", BOOK).err
    assert kinds(grade, "ann") == ["attempt", "grade", "attempt", "grade"]
    assert kinds(grade, "bob") == ["attempt", "grade"]


def test_a_regrade_records_itself_and_tells_conflicts(
    grade: Grade, loads: Path, dearer: Path, on_quick_mnist: tuple[str, ...]
) -> None:
    """A mark by hand stands after a regrade, and the one whose grounds have changed is told at once."""
    grade(loads, *on_quick_mnist, "--gradebook", BOOK)
    grade("mark", "loads", "1", "3", "--because", "late", "--gradebook", BOOK)
    regraded = grade("regrade", "grades", "--assignment", dearer, "--yes", "--gradebook", BOOK)
    assert "1 new in the gradebook" in regraded.err
    assert "loads: conflict in 1: the mark was given when the grader gave 4; now it gives 5" in regraded.err
    assert kinds(grade, "loads") == ["attempt", "grade", "mark", "grade"]
    assert "3 / 51" in grade("gradebook", "--gradebook", BOOK).out


def test_the_gradebook_beside_the_grades_is_found(grade: Grade, loads: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """Without one nothing is made; once `grade gradebook` has made it, `grade` goes on with it."""
    assert "gradebook" not in grade(loads, *on_quick_mnist).err
    assert not Path("grades/gradebook.db").exists()
    grade("gradebook")
    write(loads, notebook(LOAD, "x = 1"))
    assert "1 new in the gradebook" in grade(loads, *on_quick_mnist).err


def test_a_gradebook_that_cannot_be_reached(grade: Grade, loads: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """The reports are written and the exit code is theirs; why nothing was recorded is said without the password, and
    `grade gradebook` takes the grades in later."""
    lost = "postgresql+psycopg://tea:secret@127.0.0.1:9/none"
    graded = grade(loads, *on_quick_mnist, "--gradebook", lost)
    assert graded.code == 0
    assert report(Path("grades/loads"))["score"] == 4
    assert "the gradebook does not have all of these grades" in graded.err
    assert "`grade gradebook --grades grades` takes them in later" in graded.err
    assert "secret" not in graded.err
    assert "loads" in grade("gradebook", "--gradebook", BOOK).out
    assert kinds(grade, "loads") == ["attempt", "grade"]
