"""What a path means: one submission, or a class of them.

- A notebook, module or zip is one submission; its id is the file's stem.
- A folder that directly holds exactly one notebook, or exactly one of `submission.py` and `main.py`,
  is one submission; its id is the folder's name.
- A folder that directly holds one notebook and `submission.py` or `main.py`, or both of the modules,
  could mean either: an error lists them and asks for `--one` or `--each`.
- Any other folder is a class: each immediate subfolder (id: its name), zip, notebook and module (id: its
  stem) is a submission. Archives of other kinds are listed too, so that loading says why they are rejected.

Junk (hidden files, `__MACOSX`, caches) does not count, nor do loose support modules such as
`helper_functions.py`, nor subfolders named `data`, `grades` or `hostile` that hold nothing to run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from grader.errors import UsageError
from grader.submission.downloads import find_download
from grader.submission.names import (
    OTHER_ARCHIVE_SUFFIXES,
    folded,
    is_archive,
    is_entry_module,
    is_junk,
    is_main_module,
    is_module,
    is_notebook,
    listed,
    safe_id,
    shown,
    stem,
    suffix,
)
from grader.submission.roster import Student, joined, match
from grader.submission.values import Candidate

_KINDS = "a notebook (.ipynb), a module (.py), a zip archive or a folder of them"
_SUPPORT_FOLDERS = frozenset({"data", "grades", "hostile", "__pycache__"})
# Files that stand beside the submissions' own folders where grades are written.
_RESERVED_IDS = ("index.html", "grades.csv")


def find_candidates(
    path: Path, *, one: bool = False, each: bool = False, attempt: str = "last", students: Sequence[Student] = ()
) -> tuple[Candidate, ...]:
    """The submissions that a path means, in the order of their names; `one` and `each` force either reading.
    Of a learning platform's download, `attempt` (one of RULES) says which of a student's attempts count; the roster's
    `students` give ids and names.

    Ids are unique also where case is ignored. A candidate's `note` says where an id got a suffix, or
    where other things in the folder were not taken for submissions.

    Raises:
        UsageError: no such path, not of a known type, nothing in it, or ambiguous.
    """
    if one and each:
        raise UsageError("--one and --each exclude each other", remedy="Give one of them")
    target = _target(path)
    download = None if one else find_download(target, attempt)
    if download is not None:
        return _with_unique_ids(match(download, students)[0] if students else download)
    found = _find(path, target, one, each)
    return _with_unique_ids(match(found, students)[0] if students else found)


def _find(path: Path, target: Path, one: bool, each: bool) -> tuple[Candidate, ...]:
    name = path.name if path.name not in ("", "..") else Path(os.path.realpath(path)).name
    if not target.is_dir():
        _check_file(path, target, each)
        return (Candidate(safe_id(stem(name)), target),)
    if one or (not each and _is_one(target)):
        return (Candidate(safe_id(name), target, None if one else _not_taken(target)),)
    found = _class(target)
    if not found:
        raise UsageError("holds no submission", file=shown(str(path)), remedy=f"Name {_KINDS}")
    return found


def _target(path: Path) -> Path:
    """What the path leads to: a link that the caller names is theirs to follow, links inside are not."""
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        target.stat()
    except FileNotFoundError:
        raise UsageError("no such file or folder", file=shown(str(path)), remedy="Check the path") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    return target


def _unreadable(path: Path, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or str(error)
    return UsageError(f"cannot be read ({reason})", file=shown(str(path)), remedy="Check the path and its permissions")


def _check_file(path: Path, target: Path, each: bool) -> None:
    if not (is_notebook(target.name) or is_module(target.name) or is_archive(target.name)):
        raise UsageError("is not of a known type", file=shown(str(path)), remedy=f"Name {_KINDS}")
    if each:
        raise UsageError("--each needs a folder", file=shown(str(path)), remedy="Unpack an archive of several first")


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What a folder holds, in no order."""
    try:
        with os.scandir(folder) as scan:
            yield from (entry for entry in scan if not is_junk(entry.name))
    except OSError as error:
        raise _unreadable(folder, error) from None


def _is_one(folder: Path) -> bool:
    names = sorted(entry.name for entry in _entries(folder) if not entry.is_dir())
    notebooks = [name for name in names if is_notebook(name)]
    modules = [name for name in names if is_main_module(name)]
    if len(notebooks) > 1:
        return False
    if modules and len(notebooks + modules) > 1:
        raise UsageError(
            f"could be one submission or several: {listed(notebooks + modules)}",
            file=shown(str(folder)),
            remedy="Keep one of them, or give --each to grade each on its own",
        )
    return len(notebooks + modules) == 1


def _not_taken(folder: Path) -> str | None:
    """A note where a folder that is read as one submission looks like a class too."""
    others = sorted(
        entry.name
        for entry in _entries(folder)
        if is_archive(entry.name) or (entry.is_dir(follow_symlinks=False) and any(map(is_notebook, _names(entry))))
    )
    return f"read as one submission, without {listed(others)}; --each grades each on its own" if others else None


def _names(folder: os.DirEntry[str]) -> list[str]:
    try:
        return os.listdir(folder.path)
    except OSError:
        return []


def _is_submission(entry: os.DirEntry[str]) -> bool:
    if entry.is_dir():
        inside = _names(entry) if entry.name in _SUPPORT_FOLDERS else []
        return entry.name not in _SUPPORT_FOLDERS or any(is_notebook(name) or is_module(name) for name in inside)
    name = entry.name
    return is_entry_module(name) or is_notebook(name) or is_archive(name) or suffix(name) in OTHER_ARCHIVE_SUFFIXES


def _class(folder: Path) -> tuple[Candidate, ...]:
    found = []
    for entry in _entries(folder):
        if _is_submission(entry):
            found.append(Candidate(safe_id(entry.name if entry.is_dir() else stem(entry.name)), entry.path))
    return tuple(sorted(found, key=lambda candidate: candidate.called))


def _with_unique_ids(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Give every further candidate of an id a number that no other id has, and tell all of them."""
    counts = Counter(folded(candidate.id) for candidate in found)
    if len(counts) == len(found) and not counts.keys() & set(_RESERVED_IDS):
        return tuple(found)
    taken = set(counts) | set(_RESERVED_IDS)
    seen = set(_RESERVED_IDS)
    result = []
    for candidate in found:
        key = folded(candidate.id)
        new_id = candidate.id
        number = 2
        while key in seen and folded(new_id) in taken:
            new_id = f"{candidate.id}-{number}"
            number += 1
        seen.add(key)
        taken.add(folded(new_id))
        note = candidate.note
        if counts[key] > 1:
            twins = [_called(other) for other in found if folded(other.id) == key]
            claim = f"{listed(twins)} claim the same id; {shown(_called(candidate))} is graded as '{new_id}'"
            note = joined(note, claim)
        result.append(replace(candidate, id=new_id, note=note))
    return tuple(result)


def _called(candidate: Candidate) -> str:
    return candidate.parts[0][1] if candidate.parts else candidate.called
