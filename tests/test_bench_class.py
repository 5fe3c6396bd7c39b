"""What the measurement of a class stands on: generated programs, and stored classes that are what they claim."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.pipeline import Options, prepare
from grader.pipeline.forks import FEW
from tests.bench_class.__main__ import BLOCK, markdown
from tests.bench_class.measures import Row
from tests.bench_class.stored import copies, dearer_assignment
from tests.bench_class.submissions import MISTAKES, make_class, notebook, script
from tests.bench_class.timing import run
from tests.cli.conftest import Grade, grade, here  # noqa: F401 - the fixtures
from tests.cli.samples import LOAD
from tests.submission.uploads import notebook as notebook_of
from tests.submission.uploads import write


def test_no_two_programs_are_alike_and_all_are_python(tmp_path: Path) -> None:
    """Every mistake can be made, half of a class has none, and each program is another one."""
    made = make_class(2 * len(MISTAKES), tmp_path)
    assert {mistake for _, mistake in made.values()} == {"", *MISTAKES}
    assert sum(not mistake for _, mistake in made.values()) == len(MISTAKES)
    programs = {script(notebook(number, mistake)) for number, mistake in made.values()}
    assert len(programs) == len(made)
    for program in programs:
        compile(program, "one.py", "exec")


def test_a_stored_class_of_copies_is_a_finished_class(
    grade: Grade,  # noqa: F811
    here: Path,  # noqa: F811
    quick_mnist: Path,
) -> None:
    """`grade` has nothing to do on it, `regrade` changes nobody, and by a dearer rubric everybody: each gets the
    reports of that rubric, though several processes write them."""
    for name, source in (("ann", LOAD), ("bob", "x = 1")):
        write(here / "class" / f"{name}.ipynb", notebook_of(LOAD, source))
    chosen = ("--data", quick_mnist, "--quick")
    assert grade("class", *chosen).code == 0
    grader = prepare(Options(data=quick_mnist, quick=True))
    count = 2 * FEW + 1
    works, grades = copies(here / "class", here / "grades", grader, count, here / "copies")
    assert f"0 graded now, {count} as before" in grade(works, *chosen, "--out", grades).err
    assert grade("regrade", grades).out == f"0 of {count} grades change\n"
    dearer = dearer_assignment(here / "dearer")
    (grades / "student-00000" / "report.html").unlink()
    assert f"{count} of {count} grades change" in grade("regrade", grades, "--assignment", dearer, "--yes").out
    written = [json.loads(path.read_bytes()) for path in sorted(grades.glob("*/report.json"))]
    assert [(one["submission"]["id"], one["max_score"]) for one in written] == [
        (f"student-{number:05d}", 51) for number in range(count)
    ]
    assert (grades / "student-00000" / "report.html").is_file()
    assert grade("regrade", grades, "--assignment", dearer).out == f"0 of {count} grades change\n"


def test_what_a_command_took_is_its_own(tmp_path: Path) -> None:
    """Neither the size of this process nor what it computed is in the figures; what the command left running is."""
    took = run(["sh", "-c", "true"], tmp_path)
    assert took.peak_mb < 30
    assert took.cpu < 0.5
    busy = "import time\nwhile time.process_time() < 1: pass"
    left = run(["sh", "-c", f"setsid python3 -c '{busy}' & exit 0"], tmp_path)
    assert left.wall < 0.9
    assert left.cpu > 0.9
    with pytest.raises(RuntimeError, match="gone wrong"):
        run(["sh", "-c", "echo gone wrong; exit 3"], tmp_path)


def test_the_table_says_what_is_met(tmp_path: Path) -> None:
    """A figure that is missed is called so, and the README has a place for the table."""
    text = markdown("head", "data", [Row("a", "under 3 s", "2 s", True), Row("b", "under 3 s", "4 s", False)])
    assert text.splitlines()[-2:] == ["| a | under 3 s | 2 s | met |", "| b | under 3 s | 4 s | MISSED |"]
    assert BLOCK.read()
