"""What cannot be done is said in one line on stderr, with the file and the remedy, and by the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Grade, Start
from tests.cli.samples import is_one_line
from tests.submission.uploads import notebook, write, write_folder

USAGE = 2


def refused(grade: Grade, *arguments: str | Path, says: tuple[str, ...]) -> bool:
    """Whether this call ends as wrong usage: nothing on stdout, and one line that says all of `says`."""
    finished = grade(*arguments)
    assert (finished.code, finished.out) == (USAGE, "")
    return is_one_line(finished.err, *says)


def test_a_path_that_is_not_there(grade: Grade) -> None:
    """A wrong path is named, with what to do."""
    assert refused(grade, "nowhere.ipynb", says=("nowhere.ipynb", "no such file or folder", "Check the path"))


def test_a_file_of_another_kind(grade: Grade, here: Path) -> None:
    """A file that is no submission is refused with the kinds that are."""
    write(here / "essay.docx", "text")
    assert refused(grade, "essay.docx", says=("essay.docx", "not of a known type", ".ipynb", ".py", "zip"))


def test_a_folder_without_submissions(grade: Grade, here: Path) -> None:
    """An empty folder is no class."""
    (here / "class").mkdir()
    assert refused(grade, "class", says=("class", "holds no submission"))


@pytest.mark.parametrize("option", [(), ("--data",), ("--out",), ("--assignment",)])
def test_an_empty_path_is_not_the_current_folder(grade: Grade, loads: Path, option: tuple[str, ...]) -> None:
    """`grade "$UNSET"` does not grade whatever lies in the current folder; nor do its options take it."""
    arguments = (loads, *option, "") if option else ("",)
    assert refused(grade, *arguments, says=("The path is empty",))
    assert not Path("grades").exists()


def test_two_readings_at_once(grade: Grade, loads: Path) -> None:
    """--one and --each exclude each other."""
    assert refused(grade, loads, "--one", "--each", says=("--one and --each exclude each other",))


def test_a_folder_that_means_two_things(grade: Grade, here: Path) -> None:
    """A folder with a notebook and a module is not guessed at: the line names both files and the two options."""
    write_folder(here / "ann", {"cnn.ipynb": notebook("1"), "main.py": "1\n"})
    assert refused(grade, "ann", says=("cnn.ipynb", "main.py", "--each"))


def test_no_data_in_the_data_folder(grade: Grade, loads: Path, here: Path) -> None:
    """A data folder without files is refused before anything is run, with what it should hold."""
    (here / "data").mkdir()
    assert refused(grade, loads, "--data", "data", says=("data/train.npz", "No such file", "train.npz and test.npz"))


@pytest.mark.parametrize("content", ["", "not an archive", "PK\x03\x04"])
def test_data_that_is_no_data(grade: Grade, loads: Path, here: Path, content: str) -> None:
    """Files that merely have the right names are refused by name."""
    write_folder(here / "data", {"train.npz": content, "test.npz": content})
    assert refused(grade, loads, "--data", "data", says=("data/train.npz",))


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/grades"])
def test_an_output_folder_that_cannot_be_written(grade: Grade, loads: Path, here: Path, out: str) -> None:
    """That reports cannot be written is said at once and not after the run."""
    write(here / "file", "")
    assert refused(grade, loads, "--out", out, says=(out, "--out"))


def test_a_report_folder_that_cannot_be_written(
    grade: Grade, loads: Path, here: Path, on_quick_mnist: tuple[str, ...]
) -> None:
    """A file in the place of a report's folder is a line that names it, no failure of the grader."""
    write(here / "grades" / "loads", "in the way")
    assert refused(grade, loads, *on_quick_mnist, says=("grades/loads", "cannot write there", "--out"))


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_an_assignment_that_is_none(grade: Grade, loads: Path, here: Path, folder: str) -> None:
    """An assignment's folder without a rubric is named."""
    (here / "empty").mkdir()
    assert refused(grade, loads, "--assignment", folder, says=(folder, "rubric.toml"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--frobnicate",),
        ("run",),
        ("a.ipynb", "b.ipynb"),
        ("a.ipynb", "--format", "pdf"),
        ("a.ipynb", "--timeout", "0"),
        ("a.ipynb", "--timeout", "soon"),
        ("a.ipynb", "--timeout", "nan"),
        ("a.ipynb", "--timeout", "inf"),
        ("a.ipynb", "--memory", "nan"),
        ("a.ipynb", "--memory", "0.1"),
        ("a.ipynb", "--min-score", "nan"),
        ("a.ipynb", "--min-score", "101"),
        ("data", "--from", ".", "--download"),
    ],
    ids=" ".join,
)
def test_wrong_arguments(grade: Grade, arguments: tuple[str, ...]) -> None:
    """Unknown options and values out of range are named, and the line says where help is."""
    assert refused(grade, *arguments, says=(". Try 'grade ", "--help'."))


def test_nothing_at_all(grade: Grade) -> None:
    """`grade` alone shows the help, and is wrong usage."""
    finished = grade()
    assert finished.code == USAGE
    assert finished.err.startswith("Usage: grade")


def test_a_fault_of_the_graders_own(grade: Grade, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the grader did not foresee ends with 4 and one line that says how to get the traceback."""
    monkeypatch.setattr("grader.cli.run.find_candidates", lambda *_, **__: 1 / 0)
    finished = grade("a.ipynb")
    assert finished.code == 4
    assert is_one_line(finished.err, "the grader itself failed", "ZeroDivisionError", "GRADE_DEBUG=1")

    monkeypatch.setenv("GRADE_DEBUG", "1")
    assert "Traceback" in grade("a.ipynb").err


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_screen_that_lacks_characters(
    start: Start, here: Path, on_quick_mnist: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Where the screen's encoding (here a Cyrillic one) lacks a character, a question mark stands for it; the files
    keep it."""
    write(here / "café.ipynb", "{")
    monkeypatch.setenv("PYTHONIOENCODING", "iso8859-5")
    process = start("café.ipynb", *on_quick_mnist, "--format", form)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 3
    assert "caf?" in out
    assert "café" in (here / "grades" / "café" / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("change", ["disk_mb", "disk_mb=much", "disk_mb=nan", "disc_mb=5", "processes=0.5"])
def test_a_limit_that_is_none(grade: Grade, loads: Path, on_quick_mnist: tuple[str, ...], change: str) -> None:
    """An unknown limit and a value that it cannot have are wrong usage, in one line that says what would be right."""
    finished = grade(loads, *on_quick_mnist, "--limit", change)
    assert (finished.code, finished.out) == (2, "")
    assert is_one_line(finished.err)
