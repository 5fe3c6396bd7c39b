"""The values that leave intake, what passes between its modules, and the caps that hold for all of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["notebook", "module", "folder", "archive"]
EntryKind = Literal["notebook", "module"]

MEBIBYTE = 1 << 20

MAX_TOTAL_BYTES = 50 * MEBIBYTE  # all files of a submission that are staged
MAX_FILE_BYTES = 30 * MEBIBYTE  # any one of them
MAX_NOTEBOOK_BYTES = 25 * MEBIBYTE  # with its stored outputs
MAX_SOURCE_BYTES = 2 * MEBIBYTE  # one module, or the code of all cells of one notebook
MAX_CELLS = 2_000
MAX_ENTRIES = 500  # files and folders in one submission
MAX_DEPTH = 10  # folders above a file
MAX_NAME_BYTES = 200  # one file's or folder's name, in UTF-8


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that a path means as one submission; it has not been read yet.

    `id` is unique among the candidates of one call and safe as the name of a folder. `note` is a
    sentence for the person who called, where the id or the reading of the path is not obvious.
    `parts` are the pieces of it that lie in the folder or zip at `path`, where that holds others' work too:
    (name as the student gave it, name in there); the first is empty where the piece is a folder of files.
    `name` is the student's, empty if unknown; `identifiers` are other ids that a platform gave; `attempt` counts from
    1, None where there is but one; `late` is what the platform says.
    """

    id: str
    location: str | Path  # kept as text: a class has many, and a Path is ten times its size and interns its parts
    note: str | None = None
    parts: tuple[tuple[str, str], ...] = ()
    name: str = ""
    identifiers: tuple[str, ...] = ()
    attempt: int | None = None
    late: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "location", os.fspath(self.location))

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.location)

    @property
    def called(self) -> str:
        """The name of the file or folder there."""
        return os.path.basename(self.location)


@dataclass(frozen=True)
class Submission:
    """One student's work, read once, held in memory, ready to be staged.

    The same content gives the same `sha256` as a loose file, a folder or an archive, and whatever
    outputs, execution counts and metadata were stored in the notebook.
    """

    id: str
    path: str  # where it was found, for reports
    kind: Kind
    sha256: str  # of the entry and `files` as staged: names and bytes, in canonical order
    entry: str  # relative name of the notebook or module that is run
    entry_kind: EntryKind
    cells: tuple[str, ...]  # the non-empty code cells of a notebook, or the one source of a module
    notebook: Mapping[str, Any] | None  # nbformat 4.5 without outputs, for the executed copy; None for a module
    files: Mapping[str, bytes]  # every other file to stage, by relative POSIX name
    notes: tuple[str, ...]  # sentences worth reporting
    shadowed: tuple[str, ...]  # the student's files that would take the place of staged or installed modules


@dataclass(frozen=True)
class Item:
    """A file that was listed but not read: `read(limit)` gives its bytes or rejects it above `limit`."""

    name: str
    size: int
    read: Callable[[int], bytes]
