"""Reads a student's folders and files from disk: only ordinary ones, and never more than was allowed."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from typing import BinaryIO

from grader.errors import SubmissionRejected
from grader.submission.names import check_name, is_junk, shown
from grader.submission.values import MAX_ENTRIES, MEBIBYTE, Item

# O_NONBLOCK, because opening a FIFO that nobody writes to would wait for ever.
_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_SPECIAL = (
    (stat.S_ISLNK, "is a symbolic link"),
    (stat.S_ISFIFO, "is a FIFO"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
)


def list_folder(root: Path) -> list[Item]:
    """Every file below `root` in the order of names, with junk left out and nothing read.

    Raises:
        SubmissionRejected: links and special files, too many entries, too deep, or no permission.
    """
    items: list[Item] = []
    pending = [(root, "")]
    visited = 0
    while pending:
        folder, prefix = pending.pop()
        for entry in _entries(folder, prefix, MAX_ENTRIES - visited):
            visited += 1
            if is_junk(entry.name):
                continue
            name = prefix + entry.name
            check_name(name)
            status = _status(entry.path, name)
            if stat.S_ISDIR(status.st_mode):
                pending.append((Path(entry.path), f"{name}/"))
            else:
                _refuse_special(status, name)
                items.append(Item(name, status.st_size, partial(read_file, entry.path, name)))
    return sorted(items, key=lambda item: item.name)


def read_file(path: str | Path, name: str, limit: int) -> bytes:
    """The bytes of an ordinary file; `name` is what messages call it.

    Raises:
        SubmissionRejected: not an ordinary file, above `limit` bytes, or not readable.
    """
    with open_file(path, name) as file:
        try:
            content = file.read(limit + 1)
        except OSError as error:
            raise _unreadable(error, name) from None
    if len(content) > limit:
        raise too_large(name, limit)
    return content


def open_file(path: str | Path, name: str) -> BinaryIO:
    """Open an ordinary file for reading, without following a link or waiting for a writer.

    Raises:
        SubmissionRejected: a link, special or sparse file, or not readable.
    """
    _refuse_special(_status(path, name), name)  # before opening: a device may act on being opened
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError as error:
        raise _unreadable(error, name) from None
    file = os.fdopen(descriptor, "rb")
    try:
        status = os.fstat(descriptor)
        _refuse_special(status, name)  # again, for what was really opened
        if status.st_size and _first_hole(descriptor) < status.st_size:
            raise SubmissionRejected(
                "is a sparse file", file=shown(name), remedy="Copy it with `cp --sparse=never` and submit the copy"
            )
    except BaseException:
        file.close()
        raise
    return file


def kind_on_disk(path: str | Path, name: str) -> str:
    """`"folder"` or `"file"`, without following a link.

    Raises:
        SubmissionRejected: neither of the two, or not there to look at.
    """
    status = _status(path, name)
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    _refuse_special(status, name)
    return "file"


def too_large(name: str, limit: int) -> SubmissionRejected:
    """The rejection of a file above `limit` bytes."""
    return SubmissionRejected(
        f"is larger than {limit / MEBIBYTE:.3g} MiB",
        file=shown(name),
        remedy="Clear the stored outputs, leave out data and weights, and submit again",
    )


def _entries(folder: Path, prefix: str, most: int) -> list[os.DirEntry[str]]:
    """The entries of one folder, of which a hostile one can hold millions: stop at `most`."""
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                if len(found) == most:
                    raise too_many_entries()
                found.append(entry)
    except OSError as error:
        raise _unreadable(error, prefix.rstrip("/") or folder.name) from None
    return found


def too_many_entries() -> SubmissionRejected:
    """The rejection of a submission with more files and folders than anyone needs."""
    return SubmissionRejected(
        f"holds more than {MAX_ENTRIES} files and folders",
        remedy="Submit the notebook and what it needs, without data, virtual environments and caches",
    )


def _status(path: str | Path, name: str) -> os.stat_result:
    try:
        return os.lstat(path)
    except (OSError, ValueError) as error:
        raise _unreadable(error, name) from None


def _refuse_special(status: os.stat_result, name: str) -> None:
    reason = next((text for test, text in _SPECIAL if test(status.st_mode)), None)
    if reason is None and not stat.S_ISREG(status.st_mode):
        reason = "is not an ordinary file"
    if reason is None and status.st_nlink > 1:
        reason = "is a hard link to a file that has another name elsewhere"
    if reason:
        raise SubmissionRejected(
            reason, file=shown(name), remedy="Replace it by an ordinary copy of the file and submit again"
        )


def _first_hole(descriptor: int) -> int:
    """The offset of the first hole; the end of the file where it has none or the file system cannot tell."""
    try:
        hole = os.lseek(descriptor, 0, os.SEEK_HOLE)
    except OSError:
        return os.fstat(descriptor).st_size
    os.lseek(descriptor, 0, os.SEEK_SET)
    return hole


def _unreadable(error: Exception, name: str) -> SubmissionRejected:
    reason = getattr(error, "strerror", None) or str(error)
    return SubmissionRejected(
        f"cannot be read ({reason})", file=shown(name), remedy="Check that it exists and that you may read it"
    )
