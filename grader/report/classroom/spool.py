"""The entries of a class on disk, so that its page can be made in the same memory for any number of them."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, overload

import msgspec

from grader.report.classroom.entries import Entry


@contextmanager
def spooling() -> Iterator[Spool]:
    """An empty spool; its file goes at the end."""
    with tempfile.TemporaryFile() as file:
        yield Spool(file)


class Spool(Sequence[Entry]):
    """Entries in the order in which they were added; each is read when it is asked for."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._ends = array("Q", [0])
        self._decoder = msgspec.msgpack.Decoder(Entry)

    def add(self, entry: Entry) -> None:
        """Adds one at the end."""
        self._file.seek(self._ends[-1])
        self._ends.append(self._ends[-1] + self._file.write(msgspec.msgpack.encode(entry)))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> Entry: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Entry]: ...

    def __getitem__(self, at: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        begin = range(len(self))[at]
        self._file.seek(self._ends[begin])
        return self._decoder.decode(self._file.read(self._ends[begin + 1] - self._ends[begin]))
