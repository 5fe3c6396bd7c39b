"""Folders: which file is run, what is staged beside it, and what is refused."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from grader.submission import Candidate, load_submission
from grader.submission.values import MAX_DEPTH, MAX_ENTRIES, MAX_FILE_BYTES, MAX_NAME_BYTES, MAX_TOTAL_BYTES
from tests.submission.uploads import load, notebook, rejection, write, write_folder

NOTEBOOK = notebook("x = 1")


def test_everything_useful_is_staged(tmp_path: Path) -> None:
    """Modules, tables, images and weights are staged by relative name, without the entry."""
    files = {
        "hw.ipynb": NOTEBOOK,
        "net.py": "class CNN: pass\n",
        "tools/__init__.py": "",
        "tools/plot.py": "y = 1\n",
        "figures/loss.png": b"\x89PNG\x00",
        "scores.csv": "a,b\n",
        "weights.pt": b"PK\x03\x04",
        "model.pth": b"PK\x03\x04weights",
    }
    submission = load(write_folder(tmp_path / "ann", files))
    assert (submission.kind, submission.entry, submission.id) == ("folder", "hw.ipynb", "ann")
    assert set(submission.files) == set(files) - {"hw.ipynb"}
    assert submission.files["figures/loss.png"] == b"\x89PNG\x00"
    assert submission.notes == ()
    assert submission.shadowed == ()


def test_what_would_shadow_is_left_out_and_told(tmp_path: Path) -> None:
    """The student's data, helper functions and namesakes of installed modules are neither staged nor silent."""
    files = {
        "hw.ipynb": NOTEBOOK,
        "helper_functions.py": "def read_npz(*_): return 1",
        "data/train.npz": b"own",
        "data/deep/more.csv": b"own",
        "torch.py": "",
        "random.py": "",
        "numpy/__init__.py": "",
        "numpy/linalg.py": "",
        "zmq.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
        "recorder.py": "",
    }
    submission = load(write_folder(tmp_path, files))
    assert submission.files == {}
    assert set(submission.shadowed) == set(files) - {"hw.ipynb"}
    told = " ".join(submission.notes)
    assert "own data folder" in told
    assert "own helper functions" in told
    assert "torch.py" in told


def test_what_shadows_nothing_is_kept(tmp_path: Path) -> None:
    """A folder without __init__ never takes precedence over a module, nor does a file inside a package."""
    files = {"hw.ipynb": NOTEBOOK, "random/a.csv": "", "pkg/__init__.py": "", "pkg/torch.py": "", "Data/x.csv": ""}
    submission = load(write_folder(tmp_path, files))
    assert set(submission.files) == set(files) - {"hw.ipynb"}
    assert submission.shadowed == ()


def test_an_entry_that_would_shadow_is_run_under_another_name(tmp_path: Path) -> None:
    """The only module is the student's work even where it is called random.py; it must not replace the real one."""
    alone = load(write(tmp_path / "a" / "random.py", "x = 1"))
    folder = load(write_folder(tmp_path / "b", {"random.py": "x = 1", "table.csv": ""}))
    for submission in (alone, folder):
        assert submission.entry == "submission.py"
        assert submission.cells == ("x = 1",)
        assert submission.shadowed == ("random.py",)
        assert any("random.py is run as submission.py" in note for note in submission.notes)


def test_files_that_act_by_their_name_are_left_out(tmp_path: Path) -> None:
    """Start-up, test and path files are dropped with a note, wherever they lie."""
    names = ["sitecustomize.py", "usercustomize.py", "conftest.py", "pytest.ini", "a/conftest.py", "jupyter_config.py"]
    files = dict.fromkeys(names, "import os") | {"hw.ipynb": NOTEBOOK, "evil.pth": "import os\n"}
    submission = load(write_folder(tmp_path, files))
    assert submission.files == {}
    assert len(submission.notes) == 2
    assert "conftest.py" in submission.notes[0]
    assert "evil.pth" in submission.notes[1]


def test_compiled_code_is_left_out(tmp_path: Path) -> None:
    """A .pyc, which may differ from its source, is never staged."""
    files = {"hw.ipynb": NOTEBOOK, "net.py": "", "net.pyc": b"", "__pycache__/net.cpython-311.pyc": b"", "a/b.PYO": b""}
    submission = load(write_folder(tmp_path, files))
    assert set(submission.files) == {"net.py"}
    assert "compiled" in submission.notes[0]


@pytest.mark.parametrize(
    "files",
    [
        ["model.py", "model/__init__.py"],
        ["model.py", "model.so"],
        ["model.py", "model.cpython-311-x86_64-linux-gnu.so"],
        ["model/__init__.py", "model.pyd"],
        ["pkg/net.py", "pkg/net/__init__.py"],
        ["pkg/sub/net.py", "pkg/sub/net.so"],
        ["model.py", "model/__init__.so"],
    ],
)
def test_two_providers_of_a_module_are_rejected(tmp_path: Path, files: list[str]) -> None:
    """Python would take the package or the compiled module, whatever the source says; so neither is taken."""
    error = rejection(write_folder(tmp_path, dict.fromkeys(files, b"") | {"hw.ipynb": NOTEBOOK}))
    assert "could mean any of" in error.message


def test_a_folder_of_files_beside_a_module_is_fine(tmp_path: Path) -> None:
    """`model/` with weights beside `model.py` is no package, and a notebook may have a module's name."""
    files = {"model.ipynb": NOTEBOOK, "model.py": "", "model/weights.pt": b"x"}
    assert set(load(write_folder(tmp_path, files)).files) == {"model.py", "model/weights.pt"}


def test_junk_is_ignored_silently(tmp_path: Path) -> None:
    """What operating systems, editors and learning platforms leave behind is not part of a submission."""
    junk = [".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r", "._hw.ipynb", ".ipynb_checkpoints/hw.ipynb"]
    junk += ["__MACOSX/x.ipynb", ".git/config", ".venv/bin/python", "~$report.docx"]
    plain = load(write_folder(tmp_path / "a", {"hw.ipynb": NOTEBOOK}))
    full = load(write_folder(tmp_path / "b", dict.fromkeys(junk, b"") | {"hw.ipynb": NOTEBOOK}))
    assert full.files == {}
    assert full.notes == ()
    assert full.sha256 == plain.sha256


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        (["a.ipynb", "submission.ipynb"], "submission.ipynb"),
        (["a.ipynb", "main.ipynb", "b.py"], "main.ipynb"),
        (["a.ipynb", "b.py", "c.py"], "a.ipynb"),
        (["submission.py", "other.py"], "submission.py"),
        (["only.py", "helper_functions.py", "conftest.py", "setup.py"], "only.py"),
        (["a.ipynb", "old/b.ipynb"], "a.ipynb"),
        (["wrapper/inner/a.ipynb", "wrapper/inner/b.py"], "a.ipynb"),
    ],
)
def test_the_entry_is_found(tmp_path: Path, files: list[str], entry: str) -> None:
    """The stated rule finds the file that is run, also inside a folder that wraps everything."""
    contents = {name: NOTEBOOK if name.endswith(".ipynb") else "x = 1" for name in files}
    assert load(write_folder(tmp_path, contents)).entry == entry


def test_the_module_that_no_other_imports_is_the_entry(tmp_path: Path) -> None:
    """Of several modules, the one that only imports and is not imported is run."""
    files = {"train.py": "import os, net\nfrom plots import show", "net.py": "import torch as t", "plots.py": "x = 'ü'"}
    assert load(write_folder(tmp_path, files)).entry == "train.py"


@pytest.mark.parametrize(
    "files",
    [
        ["a.ipynb", "b.ipynb"],
        ["a.ipynb", "main.py"],
        ["submission.ipynb", "main.ipynb"],
        ["submission.ipynb", "submission.py"],
        ["submission.py", "main.py"],
        ["one.py", "two.py"],
    ],
)
def test_several_possible_entries_are_rejected_and_listed(tmp_path: Path, files: list[str]) -> None:
    """No guess is made where two files could be the work."""
    contents = {name: NOTEBOOK if name.endswith(".ipynb") else "x = 1" for name in files}
    error = rejection(write_folder(tmp_path, contents))
    assert "several files could be the submission" in error.message
    assert all(name in error.message for name in files)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ([], "holds no files"),
        ([".hidden.ipynb"], "holds no files"),
        (["report.pdf", "notes.txt"], "only notes.txt, report.pdf"),
        (["ann/hw.ipynb", "bob/hw.ipynb"], "only deeper: ann/hw.ipynb, bob/hw.ipynb"),
        (["a.zip", "b.zip"], "only archives"),
        (["helper_functions.py"], "holds no"),
    ],
)
def test_a_folder_with_nothing_to_run_is_rejected(tmp_path: Path, files: list[str], reason: str) -> None:
    """The rejection says what is there instead."""
    assert reason in rejection(write_folder(tmp_path / "ann", dict.fromkeys(files, b""))).message


def test_links_and_special_files_are_rejected(tmp_path: Path) -> None:
    """Symbolic links, hard links, FIFOs and sockets are rejected without being followed, opened or waited for."""
    secret = write(tmp_path / "secret.txt", "canary")
    makers = {
        "link": lambda path: path.symlink_to(secret),
        "folder link": lambda path: path.symlink_to(tmp_path),
        "hard": lambda path: os.link(secret, path),
        "fifo": os.mkfifo,
        "broken": lambda path: path.symlink_to("nowhere"),
    }
    for name, make in makers.items():
        folder = write_folder(tmp_path / name, {"hw.ipynb": NOTEBOOK})
        make(folder / "extra.csv")
        error = rejection(folder)
        assert error.file == "extra.csv"
        assert "link" in error.message or "FIFO" in error.message
        assert "canary" not in str(error)
        entry = tmp_path / f"{name}.ipynb"
        make(entry)
        assert rejection(entry).file == entry.name


def test_a_socket_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's name is relative here, for its length is limited."""
    monkeypatch.chdir(write_folder(tmp_path / "ann", {"hw.ipynb": NOTEBOOK}))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("extra")
        assert rejection(tmp_path / "ann").message == "is a socket"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_rejected(tmp_path: Path) -> None:
    """/dev/zero under another name would never end."""
    device = tmp_path / "hw.ipynb"
    try:
        os.mknod(device, 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this machine makes no devices")
    assert rejection(device).message == "is a device"


def test_a_sparse_file_is_rejected(tmp_path: Path) -> None:
    """A file that occupies less than it claims is rejected, where the file system can tell."""
    sparse = write(tmp_path / "hw.ipynb", b"")
    with sparse.open("r+b") as file:
        file.truncate(1 << 20)
    if sparse.stat().st_blocks:
        pytest.skip("this file system has no sparse files")
    assert "sparse" in rejection(sparse).message


def test_sizes_are_bounded_before_reading(tmp_path: Path) -> None:
    """One huge file, and many large ones together, are rejected."""
    huge = write_folder(tmp_path / "huge", {"hw.ipynb": NOTEBOOK, "w.pt": bytes(MAX_FILE_BYTES + 1)})
    assert rejection(huge).file == "w.pt"
    part = bytes(MAX_TOTAL_BYTES // 3)
    many = write_folder(tmp_path / "many", {"hw.ipynb": NOTEBOOK, "a": part, "b": part, "c": part, "d": b"..."})
    assert "50 MiB together" in rejection(many).message


def test_data_that_is_left_out_is_not_counted(tmp_path: Path) -> None:
    """A student who uploads the data set with the work is not rejected for its size."""
    folder = write_folder(tmp_path, {"hw.ipynb": NOTEBOOK, "data/train.npz": bytes(MAX_TOTAL_BYTES + 1)})
    assert load(folder).shadowed == ("data/train.npz",)


def test_numbers_and_names_are_bounded(tmp_path: Path) -> None:
    """Too many entries, too deep folders and too long names are rejected."""
    many = write_folder(tmp_path / "many", {"hw.ipynb": NOTEBOOK})
    for number in range(MAX_ENTRIES):
        (many / f"{number}").mkdir()
    assert "more than 500" in rejection(many).message
    deep = write_folder(tmp_path / "deep", {"hw.ipynb": NOTEBOOK, "/".join("d" * MAX_DEPTH) + "/x": b""})
    assert "folders deep" in rejection(deep).message
    long = write_folder(tmp_path / "long", {"hw.ipynb": NOTEBOOK, "x" * (MAX_NAME_BYTES + 1): b""})
    assert "longer than" in rejection(long).message


def test_names_that_collide_or_cannot_be_stored_are_rejected(tmp_path: Path) -> None:
    """Names that are one where case is ignored, and names that are not UTF-8, are rejected."""
    case = write_folder(tmp_path / "case", {"hw.ipynb": NOTEBOOK, "Net.py": "", "net.py": ""})
    if len(os.listdir(case)) == 3:
        assert "take the two for one" in rejection(case).message
    broken = write_folder(tmp_path / "broken", {"hw.ipynb": NOTEBOOK, os.fsdecode(b"caf\xe9"): b""})
    assert "not valid UTF-8" in rejection(broken).message


def test_odd_names_are_only_names(tmp_path: Path) -> None:
    """Names like options, with line ends or terminal codes are staged as they are and shown escaped."""
    files = {"--x.ipynb": NOTEBOOK, "a\nb.csv": b"1", "\x1b[2J.py": "\u202e"}
    submission = load(write_folder(tmp_path, files))
    assert submission.entry == "--x.ipynb"
    assert set(submission.files) == set(files) - {"--x.ipynb"}
    assert all(note.isprintable() for note in submission.notes)
    assert submission.notes


def test_what_may_not_be_read_is_rejected(forbidden_folder: Path) -> None:
    """A missing permission is a rejection that names the file."""
    assert "Permission denied" in rejection(forbidden_folder).message
    assert "Permission denied" in rejection(forbidden_folder / "hw.ipynb").message


def test_a_file_of_another_type_is_rejected(tmp_path: Path) -> None:
    """A class may list an archive of another kind; loading says why it is not graded."""
    assert "another kind than zip" in rejection(write(tmp_path / "ann.rar", b"Rar!")).message
    assert "not of a known type" in rejection(write(tmp_path / "ann.txt", b"x")).message
    assert "No such file" in rejection(tmp_path / "gone.ipynb").message


def test_the_hash_is_of_what_is_staged(tmp_path: Path) -> None:
    """Stored outputs, line ends and left-out files do not change it; code, file names and contents do."""

    def digest(name: str, files: dict[str, object]) -> str:
        return load_submission(Candidate("x", write_folder(tmp_path / name, files))).sha256

    base = {"hw.ipynb": NOTEBOOK, "net.py": "a\n"}
    other_outputs = notebook("x = 1", minor=0)
    other_outputs["cells"][0] |= {"outputs": [], "execution_count": None}
    same = digest("a", base)
    assert digest("b", base | {"hw.ipynb": other_outputs, "net.py": "a\r\n", "data/x": b"", ".git/x": b""}) == same
    different = [
        digest("c", base | {"hw.ipynb": notebook("x = 2")}),
        digest("d", base | {"net.py": "b\n"}),
        digest("e", base | {"more.csv": b""}),
        digest("f", {"hw2.ipynb": NOTEBOOK, "net.py": "a\n"}),
        digest("g", {"hw.ipynb": NOTEBOOK, "nets.py": "a\n"}),
    ]
    assert len({same, *different}) == 6
