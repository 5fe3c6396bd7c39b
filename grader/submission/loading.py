"""Reads one candidate into a Submission: lists it, selects its files, finds the entry, normalises and hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from grader.errors import SubmissionRejected
from grader.submission.archive import open_archive, open_archive_in
from grader.submission.entry import choose_entry
from grader.submission.files import kind_on_disk, list_folder, read_file
from grader.submission.names import (
    OTHER_ARCHIVE_SUFFIXES,
    importable_stem,
    is_archive,
    is_module,
    is_notebook,
    is_taken_module,
    listed,
    shown,
    suffix,
)
from grader.submission.notebook import read_notebook
from grader.submission.parts import parts_of
from grader.submission.selection import Selection, select
from grader.submission.sources import decode_module
from grader.submission.values import (
    MAX_FILE_BYTES,
    MAX_NOTEBOOK_BYTES,
    MAX_SOURCE_BYTES,
    MAX_TOTAL_BYTES,
    MEBIBYTE,
    Candidate,
    EntryKind,
    Item,
    Kind,
    Submission,
)

_SAFE_ENTRY = "submission.py"
_WEIGHTS_SIGNATURES = (b"PK", b"\x80")  # torch's zip and pickle formats, which share .pth with path files


@dataclass(frozen=True)
class _Entry:
    """The file that is run, normalised, under the name that it is staged with."""

    name: str
    kind: EntryKind
    document: dict[str, Any] | None
    cells: tuple[str, ...]
    notes: tuple[str, ...]

    def content(self) -> bytes:
        return self.cells[0].encode() if self.document is None else json.dumps(self.document, sort_keys=True).encode()


def load_submission(candidate: Candidate) -> Submission:
    """Read a candidate's files, at most `MAX_TOTAL_BYTES` of them, into memory.

    Raises:
        SubmissionRejected: it cannot be graded; file, place and remedy say why.
    """
    kind = _kind(candidate)
    with _selected(candidate, kind) as (selection, chosen):
        staged = _read_within_caps(selection.items, chosen)
    entry = _normalised_entry(chosen.name, staged.pop(chosen.name))
    files, file_notes = _normalised_files(staged)
    claim = (candidate.note,) if candidate.note else ()
    return Submission(
        id=candidate.id,
        path=str(candidate.path),
        kind=kind,
        sha256=_fingerprint(entry, files),
        entry=entry.name,
        entry_kind=entry.kind,
        cells=entry.cells,
        notebook=entry.document,
        files=files,
        notes=(*claim, *selection.notes, *entry.notes, *file_notes),
        shadowed=selection.shadowed if entry.name == chosen.name else (*selection.shadowed, chosen.name),
    )


def _kind(candidate: Candidate) -> Kind:
    name = candidate.called
    if kind_on_disk(candidate.location, name) == "folder":
        return "folder"
    if is_notebook(name):
        return "notebook"
    if is_module(name):
        return "module"
    if is_archive(name):
        return "archive"
    what = "an archive of another kind than zip" if suffix(name) in OTHER_ARCHIVE_SUFFIXES else "not of a known type"
    raise SubmissionRejected(
        f"is {what}", file=shown(name), remedy="Submit a notebook (.ipynb), a module (.py), a folder or a zip of them"
    )


def content_hash(candidate: Candidate) -> str:
    """SHA-256 of a candidate as it lies there, and of what it is called; of the reason where it cannot be read.

    Cheaper than loading, and finer: it changes with stored outputs, too.
    """
    digest = hashlib.sha256(repr((candidate.note, candidate.attempt, candidate.late)).encode())
    try:
        with _items(candidate, _kind(candidate)) as items:
            total = sum(item.size for item in items)
            for item in items:
                content = b"" if total > MAX_TOTAL_BYTES else item.read(MAX_FILE_BYTES)
                digest.update(f"{item.name}\0{item.size}\0".encode(errors="surrogateescape"))
                digest.update(hashlib.sha256(content).digest())
    except SubmissionRejected as error:
        digest.update(str(error).encode(errors="surrogateescape"))
    return digest.hexdigest()


@contextmanager
def _selected(candidate: Candidate, kind: Kind) -> Iterator[tuple[Selection, Item]]:
    """The files to stage and the entry among them; they can be read until the context ends."""
    with _items(candidate, kind) as items:
        if kind in ("notebook", "module"):
            yield Selection(tuple(items), (), ()), items[0]
            return
        selection = select(items)
        yield selection, choose_entry(selection.items)


@contextmanager
def _items(candidate: Candidate, kind: Kind) -> Iterator[list[Item]]:
    """Everything that a candidate is made of; it can be read until the context ends."""
    if kind in ("notebook", "module"):
        yield [Item(candidate.called, 0, partial(read_file, candidate.location, candidate.called))]
        return
    with parts_of(candidate) if candidate.parts else _whole(candidate.path, kind) as items:
        inner = _only_archive(items) if candidate.parts or kind == "folder" else None
        if inner is None:
            yield items
            return
        # How learning platforms hand out uploads: one zip, with nothing to run beside it.
        with open_archive_in(inner.read(MAX_TOTAL_BYTES), inner.name) as unpacked:
            yield unpacked


@contextmanager
def _whole(path: Path, kind: Kind) -> Iterator[list[Item]]:
    if kind == "folder":
        yield list_folder(path)
        return
    with open_archive(path, path.name) as items:
        yield items


def _only_archive(items: list[Item]) -> Item | None:
    """The one zip among files of which none can be run."""
    archives = [item for item in items if is_archive(item.name)]
    runnable = any(is_notebook(item.name) or is_module(item.name) for item in items)
    return archives[0] if len(archives) == 1 and not runnable else None


def _read_within_caps(items: tuple[Item, ...], entry: Item) -> dict[str, bytes]:
    """The content of every item; the declared sizes are checked first, the real ones while reading."""
    if sum(item.size for item in items) > MAX_TOTAL_BYTES:
        raise _too_large_together()
    contents: dict[str, bytes] = {}
    left = MAX_TOTAL_BYTES
    for item in items:
        content = item.read(_cap(item, entry))
        left -= len(content)
        if left < 0:
            raise _too_large_together()
        contents[item.name] = content
    return contents


def _cap(item: Item, entry: Item) -> int:
    if is_module(item.name):
        return MAX_SOURCE_BYTES
    return MAX_NOTEBOOK_BYTES if item is entry else MAX_FILE_BYTES


def _too_large_together() -> SubmissionRejected:
    return SubmissionRejected(
        f"its files are larger than {MAX_TOTAL_BYTES // MEBIBYTE} MiB together",
        remedy="Leave out data and weights, and submit again",
    )


def _normalised_entry(name: str, content: bytes) -> _Entry:
    if is_notebook(name):
        notebook = read_notebook(content, name)
        return _Entry(name, "notebook", notebook.document, notebook.cells, notebook.notes)
    source = decode_module(content, name)
    notes = list(source.notes)
    if is_taken_module(importable_stem(name) or ""):
        notes.append(f"{shown(name)} is run as {_SAFE_ENTRY}, because its name is another module's")
        name = _SAFE_ENTRY
    return _Entry(name, "module", None, (source.text,), tuple(notes))


def _normalised_files(staged: dict[str, bytes]) -> tuple[dict[str, bytes], list[str]]:
    """The files beside the entry as they are staged: modules as UTF-8, path files left out."""
    files: dict[str, bytes] = {}
    notes: list[str] = []
    path_files = []
    for name, content in staged.items():
        if suffix(name) == ".pth" and not content.startswith(_WEIGHTS_SIGNATURES):
            path_files.append(name)
        elif is_module(name):
            source = decode_module(content, name)
            files[name] = source.text.encode()
            notes += source.notes
        else:
            files[name] = content
    if path_files:
        notes.append(f"path configuration files were left out: {listed(path_files)}")
    return files, notes


def _fingerprint(entry: _Entry, files: dict[str, bytes]) -> str:
    """SHA-256 over names and bytes with their lengths, so that no two sets of files read alike."""
    digest = hashlib.sha256(b"grader.submission/1\n")
    for name, content in [(entry.name, entry.content()), *sorted(files.items())]:
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
