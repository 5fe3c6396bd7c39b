"""Reading .npz strictly: `numpy.load` unpacks what the header asks for, and forgives what comes after it."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

CHUNK = 1 << 20
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(path: Path, names: tuple[str, ...]) -> list[NDArray[Any]]:
    """The arrays `names` of the archive at `path`, with no more memory than their own sizes.

    Raises KeyError with the name of an array that is missing, OSError where the file cannot be read, and ValueError
    with the reason for everything that is not exactly such an archive: Python objects are never unpickled, and a
    header must tell of as many bytes as there are.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [_array(archive, name) for name in names]
    except (KeyError, OSError, ValueError):
        raise
    except Exception as error:  # zipfile and numpy's parser of headers raise all kinds for broken bytes
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    try:
        entry = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise KeyError(name) from None
    with archive.open(entry) as stream:
        shape, by_column, kind = _header(stream)
        size = math.prod(shape) * kind.itemsize
        if min(shape, default=0) < 0 or stream.tell() + size != entry.file_size:
            raise ValueError(f"{name}: a header of {kind} {shape} does not fit {entry.file_size:,} bytes")
        content = np.empty(size, np.uint8)
        read = 0
        while read < size and (more := stream.readinto(content[read : read + CHUNK].data)):  # type: ignore[attr-defined]
            read += more
    if read < size:
        raise ValueError(f"{name}: it ends after {read:,} of {size:,} bytes")
    array = content.view(kind)
    return array.reshape(shape[::-1]).T if by_column else array.reshape(shape)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version not in HEADERS:
        raise ValueError(f"its format {version} is unknown")
    shape, by_column, kind = HEADERS[version](stream)
    if kind.hasobject:
        raise ValueError("it holds Python objects")
    return shape, by_column, kind
