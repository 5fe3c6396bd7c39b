"""Reads a zip archive without unpacking it to disk and without believing what it says of itself."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from grader.errors import SubmissionRejected
from grader.submission.files import open_file, too_large, too_many_entries
from grader.submission.names import check_name, is_junk, shown
from grader.submission.values import MAX_ENTRIES, MEBIBYTE, Item

_CHUNK = 1 << 16
_MAX_DIRECTORY_BYTES = 4 * MEBIBYTE  # the list of contents, which zipfile reads in one piece
_ENCRYPTED = 0x1
_NAME_IS_UTF8 = 0x800
# LZMA reserves as much memory as the archive asks for; the others are what every system writes.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What zipfile raises on damaged or hostile archives (OSError includes a failing disk).
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


class _BoundedFile(io.BufferedReader):
    """A file that refuses to hand out more in one piece than an honest archive's list of contents needs."""

    def read(self, size: int | None = -1, /) -> bytes:
        limit = _MAX_DIRECTORY_BYTES
        content = super().read(limit + 1 if size is None or size < 0 or size > limit else size)
        if len(content) > limit:
            raise zipfile.BadZipFile("its list of contents is too long")
        return content


@contextmanager
def open_archive(path: Path, name: str, most: int = MAX_ENTRIES) -> Iterator[list[Item]]:
    """The files in the archive in the order of names, junk left out; they can be read until the context ends.

    Raises:
        SubmissionRejected: not a zip archive, or it holds what no honest one needs: links, encrypted or
            unusually compressed files, duplicate, absolute or escaping names, more than `most` entries.
    """
    with open_file(path, name) as raw, _opened(io.FileIO(raw.fileno(), closefd=False), name) as archive:
        yield _list(archive, most)


@contextmanager
def open_archive_in(content: bytes, name: str) -> Iterator[list[Item]]:
    """The same for an archive that lies in memory."""
    with _opened(io.BytesIO(content), name) as archive:
        yield _list(archive, MAX_ENTRIES)


@contextmanager
def _opened(raw: io.RawIOBase | io.BytesIO, name: str) -> Iterator[zipfile.ZipFile]:
    with _BoundedFile(raw) as file:
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise SubmissionRejected(
                f"is not a readable zip archive ({shown(str(error))})",
                file=shown(name),
                remedy="Make the zip again and submit it",
            ) from None
        with archive:
            yield archive


def _list(archive: zipfile.ZipFile, most: int) -> list[Item]:
    items: list[Item] = []
    entries = 0
    for info in archive.infolist():
        name = _safe_name(info)
        if not name or any(is_junk(part) for part in name.split("/")):
            continue
        entries += 1
        if entries > most:
            raise too_many_entries()
        if info.is_dir():
            continue
        _refuse_unusual(info, name)
        items.append(Item(name, info.file_size, partial(_read, archive, info, name)))
    return sorted(items, key=lambda item: item.name)


def _safe_name(info: zipfile.ZipInfo) -> str:
    """The relative POSIX name of an entry, empty for the archive's own folder.

    Raises:
        SubmissionRejected: a name that could lead out of a folder or reads differently on another system.
    """
    name = info.orig_filename
    if not info.flag_bits & _NAME_IS_UTF8:
        name = _undo_code_page(name)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    unsafe = name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name)
    if unsafe or "\\" in name or "\0" in name:
        raise SubmissionRejected(
            "the archive holds a name that is absolute, leads out of its folder or has a backslash",
            file=shown(name),
            remedy="Make the zip again with the system's own tool",
        )
    clean = "/".join(parts)
    check_name(clean)
    return clean


def _undo_code_page(name: str) -> str:
    """macOS writes UTF-8 without saying so, which zipfile reads as code page 437."""
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _refuse_unusual(info: zipfile.ZipInfo, name: str) -> None:
    reason = None
    file_type = stat.S_IFMT(info.external_attr >> 16)
    if file_type not in (0, stat.S_IFREG):
        reason = "is a symbolic link or special file in the archive"
    elif info.flag_bits & _ENCRYPTED:
        reason = "is encrypted"
    elif info.compress_type not in _METHODS:
        reason = "is compressed in a way other than Deflate"
    if reason:
        raise SubmissionRejected(
            reason, file=shown(name), remedy="Make the zip again: ordinary files, no password, usual compression"
        )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, limit: int) -> bytes:
    """Unpack one entry, counting the bytes that really come rather than the size it declares."""
    content = bytearray()
    try:
        with archive.open(info) as stream:
            while chunk := stream.read(_CHUNK):
                content += chunk
                if len(content) > limit:
                    raise too_large(name, limit)
    except _DAMAGE as error:
        raise SubmissionRejected(
            f"cannot be unpacked ({shown(str(error))})", file=shown(name), remedy="Make the zip again and submit it"
        ) from None
    return bytes(content)
