"""Values on disk, one after the other, so that what is done with a class takes the same memory for any number."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Generic, TypeVar, overload

import msgspec

T = TypeVar("T")


@contextmanager
def spooling(
    kind: type[T],
    to_plain: Callable[[Any], Any] | None = None,
    from_plain: Callable[[type, Any], Any] | None = None,
) -> Iterator[Spool[T]]:
    """An empty spool of dataclasses of a kind; its file goes at the end.

    The functions are msgspec's hooks for what a plain value cannot hold.
    """
    with tempfile.TemporaryFile() as file:
        decoder = msgspec.msgpack.Decoder(kind, dec_hook=from_plain)
        yield Spool(file, msgspec.msgpack.Encoder(enc_hook=to_plain), decoder)


class Spool(Sequence[T], Generic[T]):
    """Values in the order in which they were added; each is read when it is asked for. Made by `spooling`.

    Forks of the process may read it, too: no position in the file is shared.
    """

    def __init__(self, file: BinaryIO, encoder: msgspec.msgpack.Encoder, decoder: msgspec.msgpack.Decoder[T]):
        self._file = file
        self._ends = array("Q", [0])
        self._encoder = encoder
        self._decoder = decoder

    def add(self, value: T) -> None:
        """Adds one at the end."""
        length = self._file.write(self._encoder.encode(value))
        self._file.flush()
        self._ends.append(self._ends[-1] + length)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...

    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        number = range(len(self))[at]
        begin, end = self._ends[number], self._ends[number + 1]
        return self._decoder.decode(os.pread(self._file.fileno(), end - begin, begin))
