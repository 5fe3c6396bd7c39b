"""Downloads of learning platforms: who handed in what, which attempt counts, and who is in the roster."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.submission import Candidate, find_candidates, load_submission, match, read_roster
from tests.submission.uploads import notebook, write, write_folder, write_zip

NOTEBOOK = notebook("x = 1")
CANVAS = {
    "doejane_4711_90210_cnn.ipynb": NOTEBOOK,
    "roejohn_LATE_4712_90211_cnn-1.ipynb": NOTEBOOK,
    "roejohn_LATE_4712_90212_utils-1.py": "y = 1\n",
}
MOODLE = {
    "Jane Doe_1234567_assignsubmission_file_/cnn.ipynb": NOTEBOOK,
    "Jane Doe_1234567_assignsubmission_file_/data/notes.txt": "n",
    "Jane Doe_1234567_assignsubmission_onlinetext_/onlinetext.html": "<p>",
    "John Roe_1234568_assignsubmission_file_/hw.zip": b"",
}
MOODLE_FILES = {"Jane Doe_1234567_assignsubmission_file_cnn.ipynb": NOTEBOOK}
BLACKBOARD = {
    "Practical 5_jdoe_attempt_2026-03-01-12-00-00.txt": "Name: Jane Doe (jdoe)",
    "Practical 5_jdoe_attempt_2026-03-01-12-00-00_cnn.ipynb": notebook("first = 1"),
    "Practical 5_jdoe_attempt_2026-03-02-12-00-00_cnn.ipynb": notebook("second = 2"),
    "Practical 5_jroe_attempt_2026-03-01-12-00-01_cnn.ipynb": NOTEBOOK,
}
METADATA = """\
---
submission_98:
  :submitters:
  - :name: Jane Doe
    :sid: '4711'
    :email: jane@example.org
  :created_at: 2026-03-01 12:00:00.000000000 Z
submission_99:
  :submitters:
  - :name: John Roe
    :sid:
    :email: john@example.org
"""
GRADESCOPE = {
    "submission_metadata.yml": METADATA,
    "submission_98/cnn.ipynb": NOTEBOOK,
    "submission_99/main.py": "x = 1\n",
}
DOWNLOADS = {
    "canvas": (CANVAS, ["doejane_4711", "roejohn_4712"]),
    "moodle": (MOODLE_FILES, ["Jane Doe_1234567"]),
    "blackboard": (BLACKBOARD, ["jdoe", "jroe"]),
    "gradescope": (GRADESCOPE, ["4711", "john@example.org"]),
}


def download(tmp_path: Path, files: dict[str, object], form: str) -> Path:
    """The files as a platform's zip, or unpacked, with or without a folder around them."""
    if form == "folder":
        return write_folder(tmp_path / "download", files)
    wrapper = "assignment_1_export/" if form == "wrapped" else ""
    return write_zip(tmp_path / "download.zip", {f"{wrapper}{name}": content for name, content in files.items()})


@pytest.mark.parametrize("form", ["folder", "zip", "wrapped"])
@pytest.mark.parametrize("platform", DOWNLOADS)
def test_a_download_is_a_class(tmp_path: Path, platform: str, form: str) -> None:
    """Each platform's names give one candidate a student, as a zip and unpacked, and all of them can be loaded."""
    files, ids = DOWNLOADS[platform]
    found = find_candidates(download(tmp_path, files, form))
    assert [candidate.id for candidate in found] == ids
    assert all(load_submission(candidate).cells for candidate in found)


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_files_have_the_students_own_names(tmp_path: Path, form: str) -> None:
    """Canvas's prefixes and resubmission numbers are gone, so that `import utils` works; the late mark is kept."""
    jane, john = find_candidates(download(tmp_path, CANVAS, form))
    loaded = load_submission(john)
    assert (loaded.entry, sorted(loaded.files)) == ("cnn.ipynb", ["utils.py"])
    assert (jane.late, john.late, john.attempt) == (False, True, None)
    assert "late" in (john.note or "")


def test_moodle_folders_and_online_texts(tmp_path: Path) -> None:
    """A student's folder is the submission; a text typed online is none; a zip in it is unpacked."""
    write_zip(tmp_path / "hw.zip", {"cnn.ipynb": NOTEBOOK, "utils.py": ""})
    files = {**MOODLE, "John Roe_1234568_assignsubmission_file_/hw.zip": (tmp_path / "hw.zip").read_bytes()}
    jane, john = find_candidates(download(tmp_path, files, "zip"))
    assert (jane.name, jane.identifiers) == ("Jane Doe", ("1234567",))
    assert load_submission(jane).entry == "cnn.ipynb"
    assert sorted(load_submission(john).files) == ["utils.py"]


@pytest.mark.parametrize(("rule", "cells"), [("last", ["second = 2"]), ("first", ["first = 1"]), ("all", None)])
def test_which_attempt_counts(tmp_path: Path, rule: str, cells: list[str] | None) -> None:
    """The last attempt by default; the first or each on request, with a note that tells it."""
    found = find_candidates(download(tmp_path, BLACKBOARD, "zip"), attempt=rule)
    jane = [candidate for candidate in found if candidate.id.startswith("jdoe")]
    if cells is None:
        assert [candidate.id for candidate in jane] == ["jdoe-attempt-1", "jdoe-attempt-2"]
        assert [load_submission(candidate).cells[0] for candidate in jane] == ["first = 1", "second = 2"]
    else:
        assert [list(load_submission(candidate).cells) for candidate in jane] == [cells]
        assert "of 2 counts" in (jane[0].note or "")


def test_on_time_prefers_what_is_not_late(tmp_path: Path) -> None:
    """With `on-time` a late second attempt does not take the place of the first; with `last` it does."""
    files = {"doejane_1_2_cnn.ipynb": notebook("a"), "doejane_LATE_1_3_cnn-1.ipynb": notebook("b")}
    path = download(tmp_path, files, "zip")
    (first,) = find_candidates(path, attempt="on-time")
    (last,) = find_candidates(path, attempt="last")
    assert (load_submission(first).cells, load_submission(last).cells) == (("a",), ("b",))


def test_an_ordinary_zip_is_one_submission(tmp_path: Path) -> None:
    """A student's zip is no class, and --one reads a download as one submission too."""
    (plain,) = find_candidates(write_zip(tmp_path / "ann.zip", {"cnn.ipynb": NOTEBOOK, "my_model_2_3_x.py": ""}))
    (forced,) = find_candidates(download(tmp_path, CANVAS, "zip"), one=True)
    assert (plain.parts, forced.parts) == ((), ())


ROSTERS = {
    "canvas": (
        'Student,ID,SIS User ID,SIS Login ID\n"Doe, Jane",4711,s01,jdoe\n"Roe, John",4712,s02,jroe\n"Poe, E",9,s03,ep\n'
    ),
    "moodle": "First name;Last name;ID number;Email address\nJane;Doe;s01;j@x\nJohn;Roe;s02;r@x\nEd;Poe;s03;e@x\n",
}


@pytest.mark.parametrize("roster", ROSTERS)
def test_a_roster_gives_ids_and_names(tmp_path: Path, roster: str) -> None:
    """Ids and names come from the roster, by id or by name; who is missing and who is unknown is told."""
    students = read_roster(write(tmp_path / "roster.csv", ROSTERS[roster]))
    files = {**CANVAS, "moeann_77_1_cnn.ipynb": NOTEBOOK}
    found = find_candidates(download(tmp_path, files, "zip"), students=students)
    assert [(c.id, c.name) for c in found] == [("s01", "Jane Doe"), ("moeann_77", "moeann"), ("s02", "John Roe")]
    assert [c.id for c in found if "not in the roster" in (c.note or "")] == ["moeann_77"]
    assert [student.id for student in match(found, students)[1]] == ["s03"]


def test_two_claims_to_one_student(tmp_path: Path) -> None:
    """Two submissions that the roster gives to one student are both kept, and each says so."""
    students = read_roster(write(tmp_path / "roster.csv", ROSTERS["canvas"]))
    folder = write_folder(tmp_path / "class", {"jdoe/cnn.ipynb": NOTEBOOK, "Jane Doe/cnn.ipynb": NOTEBOOK})
    found = find_candidates(folder, students=students)
    assert sorted(candidate.id for candidate in found) == ["s01", "s01-2"]
    assert all("claim the same id" in (candidate.note or "") for candidate in found)


def test_names_that_two_students_share_decide_nothing(tmp_path: Path) -> None:
    """Where two have one name, a submission with that name alone is not given to either."""
    text = "id,name\n1,Jane Doe\n2,Jane Doe\n"
    students = read_roster(write(tmp_path / "roster.csv", text))
    (found,), absent = match([Candidate("jane doe", tmp_path)], students)
    assert (found.id, len(absent)) == ("jane doe", 2)


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "", b"\xff\xfe\x00"])
def test_a_roster_that_is_none(tmp_path: Path, content: str | bytes) -> None:
    """A file without a column of ids is refused with what is wanted."""
    with pytest.raises(UsageError, match=r"roster"):
        read_roster(write(tmp_path / "roster.csv", content))
