"""Zip archives: what an honest one holds is read, what a hostile one tries is refused."""

from __future__ import annotations

import stat
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from grader.submission.values import MAX_ENTRIES, MAX_NOTEBOOK_BYTES, MAX_TOTAL_BYTES
from tests.submission.uploads import as_bytes, load, notebook, rejection, write, write_folder, write_zip

NOTEBOOK = notebook("x = 1")
FILES = {"hw.ipynb": NOTEBOOK, "net.py": "a = 1\n", "img/a.png": b"\x89PNG"}


def test_an_archive_a_folder_and_a_wrapped_folder_are_equal(tmp_path: Path) -> None:
    """The same files give the same submission in every packing, and platform junk changes nothing."""
    folder = load(write_folder(tmp_path / "folder", FILES))
    junk = {"__MACOSX/homework/._hw.ipynb": b"", "homework/.DS_Store": b"", "homework/.ipynb_checkpoints/hw.ipynb": b""}
    wrapped = {f"homework/{name}": content for name, content in FILES.items()}
    archives = [
        write_zip(tmp_path / "plain.zip", FILES),
        write_zip(tmp_path / "stored.zip", FILES, zipfile.ZIP_STORED),
        write_zip(tmp_path / "wrapped.zip", {"homework/": b""} | wrapped | junk),
        write_zip(tmp_path / "dotted.zip", {"./": b""} | {f"./{name}": content for name, content in FILES.items()}),
    ]
    for archive in archives:
        submission = load(archive)
        assert submission.kind == "archive"
        assert (submission.sha256, submission.files, submission.cells) == (folder.sha256, folder.files, folder.cells)


def test_a_folder_that_holds_only_an_archive_is_that_archive(tmp_path: Path) -> None:
    """Learning platforms put each upload into a folder of its own."""
    folder = write_folder(tmp_path / "Ann_123_assignsubmission_file_", {"comment.txt": "hello"})
    write_zip(folder / "hw.zip", FILES)
    submission = load(folder)
    assert (submission.kind, submission.entry) == ("folder", "hw.ipynb")
    assert "comment.txt" not in submission.files


def test_own_data_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    """The data set in an upload is left out and costs neither memory nor a rejection."""
    archive = write_zip(tmp_path / "hw.zip", FILES | {"data/train.npz": bytes(MAX_TOTAL_BYTES + 1)})
    assert load(archive).shadowed == ("data/train.npz",)


def test_names_written_by_macos_are_read(tmp_path: Path) -> None:
    """UTF-8 names without the flag that says so come out right."""
    name = "übung.ipynb"
    path = write_zip(tmp_path / "hw.zip", {name: NOTEBOOK})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(signature) + offset
        content[at : at + 2] = struct.pack("<H", struct.unpack("<H", content[at : at + 2])[0] & ~0x800)
    assert load(write(path, bytes(content))).entry == name


@pytest.mark.parametrize(
    "name",
    ["../evil.py", "a/../../evil.py", "/etc/cron.d/x", "C:/x.py", "c:x.py", "..\\evil.py", "dir\\hw.py", "x\0.py"],
)
def test_names_that_lead_elsewhere_are_rejected(tmp_path: Path, name: str) -> None:
    """Absolute names, parents, drives, backslashes and null characters are rejected, not cleaned."""
    placeholder = name.replace("\0", "!")
    path = write_zip(tmp_path / "hw.zip", FILES | {placeholder: b"evil"})
    write(path, path.read_bytes().replace(placeholder.encode(), name.encode()))
    error = rejection(path)
    assert "name" in error.message
    assert not (tmp_path / "evil.py").exists()


def special_entry(name: str, mode: int) -> zipfile.ZipInfo:
    """An entry with a Unix file type."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o666, stat.S_IFCHR | 0o666])
def test_links_and_special_entries_are_rejected(tmp_path: Path, mode: int) -> None:
    """An entry that says it is a link or a device is rejected."""
    path = write_zip(tmp_path / "hw.zip", {**FILES, special_entry("evil", mode): b"/etc/passwd"})
    error = rejection(path)
    assert error.file == "evil"
    assert "link" in error.message


@pytest.mark.parametrize("names", [("Net.py", "net.PY"), ("a/x", "A/y"), ("e\u0301", "\u00e9"), ("dir", "dir/x")])
def test_names_that_collide_are_rejected(tmp_path: Path, names: tuple[str, str]) -> None:
    """Names that are one on another system, or a file that is a folder as well, are rejected."""
    assert (
        "take the two for one" in rejection(write_zip(tmp_path / "hw.zip", FILES | dict.fromkeys(names, b""))).message
    )


def test_a_name_that_occurs_twice_is_rejected(tmp_path: Path) -> None:
    """Readers differ in which of two entries they show, so neither is taken."""
    path = tmp_path / "hw.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hw.py", "x = 1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("hw.py", "x = 2")
    assert "take the two for one" in rejection(path).message


def test_an_encrypted_entry_is_rejected(tmp_path: Path) -> None:
    """A password nobody has is told as such."""
    path = write_zip(tmp_path / "hw.zip", {"hw.py": "x = 1"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in rejection(write(path, bytes(content))).message


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_rejected(tmp_path: Path, method: int) -> None:
    """LZMA lets the archive choose how much memory is reserved; only stored and deflated entries are read."""
    assert "Deflate" in rejection(write_zip(tmp_path / "hw.zip", FILES, method)).message


def test_a_nested_archive_is_rejected(tmp_path: Path) -> None:
    """An archive of archives is not followed, however deep it goes."""
    inner = write_zip(tmp_path / "inner.zip", FILES).read_bytes()
    assert "only archives: inner.zip" in rejection(write_zip(tmp_path / "hw.zip", {"inner.zip": inner})).message


def test_a_bomb_is_rejected_in_bounded_memory_and_time(tmp_path: Path) -> None:
    """An archive that unpacks to far more than the cap is refused before it is unpacked."""
    path = write_zip(tmp_path / "hw.zip", {"hw.ipynb": b" " * (4 * MAX_TOTAL_BYTES)})
    tracemalloc.start()
    start = time.monotonic()
    try:
        assert "MiB" in rejection(path).message
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("declared", [10, 0xFFFF_FFF0])
def test_a_lying_size_is_not_believed(tmp_path: Path, declared: int) -> None:
    """An entry that declares less or more than it unpacks to is refused, and not unpacked beyond the cap."""
    size = MAX_NOTEBOOK_BYTES + 1
    path = write_zip(tmp_path / "hw.zip", {"hw.ipynb": b" " * size})
    content = path.read_bytes().replace(struct.pack("<I", size), struct.pack("<I", declared))
    tracemalloc.start()
    try:
        rejection(write(path, content))
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    finally:
        tracemalloc.stop()


def test_the_real_size_counts(tmp_path: Path) -> None:
    """Reading stops at the cap even where the declared sizes stay below it."""
    size = MAX_NOTEBOOK_BYTES + 1
    path = write_zip(tmp_path / "hw.zip", {"hw.ipynb": b" " * size})
    assert "larger than 25 MiB" in rejection(path).message


def test_too_many_entries_are_rejected(tmp_path: Path) -> None:
    """The number of files is bounded; junk is not counted."""
    junk = {f"__MACOSX/{number}": b"" for number in range(MAX_ENTRIES)}
    assert load(write_zip(tmp_path / "junk.zip", FILES | junk)).entry == "hw.ipynb"
    many = {f"f/{number}": b"" for number in range(MAX_ENTRIES)}
    assert "more than 500" in rejection(write_zip(tmp_path / "many.zip", FILES | many)).message


def test_a_huge_list_of_contents_is_rejected(tmp_path: Path) -> None:
    """An archive of a million names is refused before the names are parsed."""
    path = tmp_path / "hw.zip"
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    listing = entry * 200_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(listing), 0, 0)
    tracemalloc.start()
    try:
        assert "list of contents is too long" in rejection(write(path, listing + end)).message
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content", [b"", b"Rar!\x1a\x07", b"\x1f\x8b\x08", b"not a zip", b"PK\x05\x06", b"PK\x03\x04" + bytes(200)]
)
def test_what_is_no_archive_is_rejected(tmp_path: Path, content: bytes) -> None:
    """Other files named .zip are told as such."""
    assert "not a readable zip archive" in rejection(write(tmp_path / "hw.zip", content)).message


def test_an_archive_is_rejected_for_what_rejects_a_folder(tmp_path: Path) -> None:
    """The rules on names and entries are the same in every packing."""
    two = rejection(write_zip(tmp_path / "two.zip", {"a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK}))
    assert "several files could be the submission" in two.message
    pair = rejection(write_zip(tmp_path / "pair.zip", FILES | {"net/__init__.py": b""}))
    assert "could mean any of" in pair.message
    assert "holds no files" in rejection(write_zip(tmp_path / "empty.zip", {})).message


def test_a_damaged_entry_is_rejected_by_name(tmp_path: Path) -> None:
    """A flipped byte in the content is found by its checksum."""
    path = write_zip(tmp_path / "hw.zip", {"hw.py": "x = 'abcdefgh'"}, zipfile.ZIP_STORED)
    content = path.read_bytes().replace(b"abcdefgh", b"abcdefgX", 1)
    error = rejection(write(path, content))
    assert error.file == "hw.py"
    assert "cannot be unpacked" in error.message


def test_a_truncated_archive_is_rejected(tmp_path: Path) -> None:
    """An upload that was cut off anywhere is rejected."""
    content = write_zip(tmp_path / "hw.zip", FILES).read_bytes()
    for length in range(0, len(content) - 1, 37):
        rejection(write(tmp_path / "cut.zip", content[:length]))
    assert as_bytes(NOTEBOOK) not in content
