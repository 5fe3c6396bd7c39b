"""What a path means: one submission or a class of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.errors import SubmissionRejected, UsageError
from grader.submission import find_candidates, load_submission
from tests.submission.uploads import notebook, write, write_folder, write_zip

NOTEBOOK = notebook("x = 1")


def ids(path: Path, **options: bool) -> list[str]:
    """The ids of the candidates that a path means."""
    return [candidate.id for candidate in find_candidates(path, **options)]


@pytest.mark.parametrize("name", ["hw.ipynb", "hw.py", "hw.zip", "hw.IPYNB"])
def test_a_file_is_one_submission_with_its_stem_as_id(tmp_path: Path, name: str) -> None:
    """A notebook, module or zip is one submission, whatever it holds."""
    path = write(tmp_path / name, b"")
    (candidate,) = find_candidates(path)
    assert (candidate.id, candidate.path, candidate.note) == ("hw", path, None)


@pytest.mark.parametrize(
    "files",
    [
        ["hw.ipynb"],
        ["hw.ipynb", "model.py", "utils.py", "data/train.npz"],
        ["submission.py"],
        ["main.py", "model.py"],
        ["hw.ipynb", ".hidden.ipynb", ".ipynb_checkpoints/hw-checkpoint.ipynb"],
    ],
)
def test_a_folder_with_one_entry_is_one_submission(tmp_path: Path, files: list[str]) -> None:
    """Exactly one notebook, or one of submission.py and main.py, makes a folder one submission named after it."""
    folder = write_folder(tmp_path / "ann", dict.fromkeys(files, ""))
    assert [(c.id, c.path, c.note) for c in find_candidates(folder)] == [("ann", folder, None)]


def test_any_other_folder_is_a_class(tmp_path: Path) -> None:
    """Subfolders, zips and loose files are submissions; junk, support files and other types are not."""
    folder = write_folder(
        tmp_path / "class",
        {
            "ann/hw.ipynb": NOTEBOOK,
            "bob.ipynb": NOTEBOOK,
            "carl.py": "",
            "dora.zip": b"",
            "eve.rar": b"Rar!",
            "fred/notes.txt": "nothing to run",
            "zoe.ipynb": NOTEBOOK,
            "helper_functions.py": "",
            "conftest.py": "",
            "README.md": "",
            "data/train.npz": b"",
            "grades/ann/report.json": "{}",
            "__MACOSX/._bob.ipynb": b"",
            ".git/HEAD": "",
            "__pycache__/carl.cpython-311.pyc": b"",
            ".DS_Store": b"",
        },
    )
    assert ids(folder) == ["ann", "bob", "carl", "dora", "eve", "fred", "zoe"]


def test_a_student_may_be_called_data(tmp_path: Path) -> None:
    """Subfolders named data or grades are left out only where they hold nothing to run."""
    folder = write_folder(tmp_path, {"ann/hw.ipynb": NOTEBOOK, "data/hw.ipynb": NOTEBOOK})
    assert ids(folder) == ["ann", "data"]


def test_several_notebooks_make_a_class_whatever_lies_beside_them(tmp_path: Path) -> None:
    """Modules named main.py and submission.py do not turn a class into one submission."""
    folder = write_folder(tmp_path, dict.fromkeys(["a.ipynb", "b.ipynb", "main.py", "submission.py"], ""))
    assert ids(folder) == ["a", "b", "main", "submission"]


@pytest.mark.parametrize("files", [["hw.ipynb", "main.py"], ["main.py", "submission.py"]])
def test_a_folder_that_could_be_either_is_refused_unless_forced(tmp_path: Path, files: list[str]) -> None:
    """An ambiguous folder is an error that lists the files; both readings can be forced."""
    folder = write_folder(tmp_path / "ann", dict.fromkeys(files, ""))
    with pytest.raises(UsageError, match="--each") as caught:
        find_candidates(folder)
    assert all(name in str(caught.value) for name in files)
    assert ids(folder, each=True) == [Path(name).stem for name in files]
    (candidate,) = find_candidates(folder, one=True)
    with pytest.raises(SubmissionRejected, match="several files could be the submission"):
        load_submission(candidate)


def test_one_and_each_force_either_reading(tmp_path: Path) -> None:
    """`one` makes a class folder one submission and `each` makes a student's folder a class."""
    folder = write_folder(tmp_path / "class", {"a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK})
    assert ids(folder) == ["a", "b"]
    assert ids(folder, one=True) == ["class"]
    single = write_folder(tmp_path / "ann", {"hw.ipynb": NOTEBOOK, "model.py": ""})
    assert ids(single) == ["ann"]
    assert ids(single, each=True) == ["hw", "model"]


def test_one_submission_beside_others_is_noted(tmp_path: Path) -> None:
    """A folder read as one submission tells which other work in it was not taken."""
    folder = write_folder(
        tmp_path / "class", {"ann.ipynb": NOTEBOOK, "bob/hw.ipynb": NOTEBOOK, "carl.zip": b"", "images/a.png": b""}
    )
    (candidate,) = find_candidates(folder)
    assert candidate.note == "read as one submission, without bob, carl.zip; --each grades each on its own"


def test_equal_ids_get_a_suffix_and_a_note(tmp_path: Path) -> None:
    """Ids stay unique, also where case is ignored and where the suffixed id is somebody's name; all twins say so."""
    files = {"Ann.py": "", "ann/hw.ipynb": NOTEBOOK, "ann.zip": b"", "ann-2.ipynb": NOTEBOOK, "zed.ipynb": NOTEBOOK}
    folder = write_folder(tmp_path / "class", files)
    found = {candidate.path.name: candidate for candidate in find_candidates(folder)}
    assert {name: candidate.id for name, candidate in found.items()} == {
        "Ann.py": "Ann",
        "ann": "ann-3",
        "ann-2.ipynb": "ann-2",
        "ann.zip": "ann-4",
        "zed.ipynb": "zed",
    }
    assert found["ann.zip"].note == "Ann.py, ann, ann.zip claim the same id; ann.zip is graded as 'ann-4'"
    assert found["Ann.py"].note
    assert not found["zed.ipynb"].note
    assert load_submission(found["ann"]).notes[0].startswith("Ann.py, ann")


def test_an_id_never_takes_the_place_of_a_gradebook(tmp_path: Path) -> None:
    """A student's folder named like a file of the gradebook gets another id."""
    folder = write_folder(tmp_path, {"index.html/hw.ipynb": NOTEBOOK, "grades.csv/hw.ipynb": NOTEBOOK})
    assert ids(folder) == ["grades.csv-2", "index.html-2"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("--x.ipynb", "--x"),
        ("a\nb.ipynb", "a_b"),
        ("=1+2.ipynb", "=1+2"),
        ("\u202eevil.ipynb", "_evil"),
        ("...ipynb", "_"),
        ("x" * 240 + ".ipynb", "x" * 150),
        (os.fsdecode(b"caf\xe9.ipynb"), "caf_"),
        ("a\\..\\b.ipynb", "a_.._b"),
    ],
)
def test_odd_names_are_only_names(tmp_path: Path, name: str, expected: str) -> None:
    """An id is printable, not hidden and safe as a folder's name."""
    path = write(tmp_path / name, NOTEBOOK)
    assert ids(path) == [expected]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=6
    )
)
def test_ids_are_unique_and_safe(tmp_path_factory: pytest.TempPathFactory, stems: list[str]) -> None:
    """Whatever the names, ids differ where case is ignored and each is one plain part of a path."""
    folder = write_folder(tmp_path_factory.mktemp("class"), {"a/hw.ipynb": NOTEBOOK, "A.ipynb": NOTEBOOK})
    for stem in stems:
        write(folder / f"{stem}.ipynb", NOTEBOOK)
    found = ids(folder, each=True)
    assert len({name.casefold() for name in found}) == len(found)
    for name in found:
        assert name.isprintable()
        assert "/" not in name
        assert not name.startswith(".")
        assert len(name.encode()) < 200


def test_the_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.` and `..` take the id from the folder that they lead to."""
    folder = write_folder(tmp_path / "ann", {"hw.ipynb": NOTEBOOK, "images/a.png": b""})
    monkeypatch.chdir(folder)
    assert ids(Path()) == ["ann"]
    monkeypatch.chdir(folder / "images")
    assert ids(Path("..")) == ["ann"]


def test_a_link_is_followed_only_where_the_caller_named_it(tmp_path: Path) -> None:
    """The caller may name a link; a link inside a class is listed and rejected when loaded."""
    real = write(tmp_path / "real.ipynb", NOTEBOOK)
    folder = write_folder(tmp_path / "class", {"bob.ipynb": NOTEBOOK, "carl.ipynb": NOTEBOOK})
    link = folder / "ann.ipynb"
    link.symlink_to(real)
    (named,) = find_candidates(link)
    assert named.id == "ann"
    assert load_submission(named).cells == ("x = 1",)
    inside = find_candidates(folder)[0]
    assert inside.id == "ann"
    with pytest.raises(SubmissionRejected, match="symbolic link"):
        load_submission(inside)


@pytest.mark.parametrize("name", ["hw.txt", "hw.html", "hw.pdf", "hw.tar.gz", "ipynb"])
def test_an_unknown_type_is_wrong_usage(tmp_path: Path, name: str) -> None:
    """A file of another type is refused in one line that says what to name."""
    with pytest.raises(UsageError, match="not of a known type") as caught:
        find_candidates(write(tmp_path / name, b""))
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_wrong_path_is_wrong_usage(tmp_path: Path) -> None:
    """A path that does not exist, loops or goes through a file is refused in one line."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    file = write(tmp_path / "hw.ipynb", NOTEBOOK)
    for path in (tmp_path / "missing.ipynb", loop, file / "inner", tmp_path / "a\nb", Path("nul\0byte")):
        with pytest.raises(UsageError) as caught:
            find_candidates(path)
        assert "\n" not in str(caught.value)
        assert caught.value.remedy


def test_an_empty_folder_is_wrong_usage(tmp_path: Path) -> None:
    """A class without a submission is refused."""
    write_folder(tmp_path, {"README.md": "", ".hidden.ipynb": NOTEBOOK})
    with pytest.raises(UsageError, match="holds no submission"):
        find_candidates(tmp_path)


def test_contradicting_readings_are_wrong_usage(tmp_path: Path) -> None:
    """--one with --each, and --each with a file, are refused."""
    with pytest.raises(UsageError, match="exclude"):
        find_candidates(tmp_path, one=True, each=True)
    with pytest.raises(UsageError, match="folder"):
        find_candidates(write_zip(tmp_path / "all.zip", {}), each=True)


def test_a_folder_without_permission_is_wrong_usage(forbidden_folder: Path) -> None:
    """A folder that may not be read is refused with the reason."""
    with pytest.raises(UsageError, match="Permission denied"):
        find_candidates(forbidden_folder)
    with pytest.raises(UsageError, match="Permission denied"):
        find_candidates(forbidden_folder / "hw.ipynb")
