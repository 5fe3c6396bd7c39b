"""The strict reader of .npz: what is not exactly an archive of plain arrays is refused, whatever numpy.load says."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from grader.assignment.npz import read_npz

CENTRAL = b"PK\x01\x02"  # https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.12
SIZE_IN_CENTRAL = 24


def archive(*members: tuple[str, bytes]) -> bytes:
    """A zip archive with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in members:
            file.writestr(name, content)
    return stream.getvalue()


def npy(header: str, content: bytes = b"") -> bytes:
    """A .npy of version 1.0 with this header."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("latin-1") + content


def header(shape: str, kind: str = "<f4") -> str:
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n"


HOSTILE_NPY = {
    "nothing": b"",
    "another format": b"no array",
    "a zip inside": archive(("X.npy", b"")),
    "objects": npy(header("(1,)", "|O"), bytes(8)),
    "ten terabytes": npy(header("(3300000000, 784)"), bytes(100)),
    "more than memory can count": npy(header("(4611686018427387904, 4611686018427387904)"), bytes(100)),
    "a negative shape": npy(header("(-1, 784)")),
    "bytes that trail": npy(header("(1, 784)"), bytes(4 * 784 + 1)),
    "too few bytes": npy(header("(1, 784)"), bytes(4 * 784 - 1)),
    "no size at all": npy(header("(1000000000000,)", "<U0")),
    "a null byte in the header": npy("{\0(\n"),
    "an open bracket": npy("(((\n"),
    "deep brackets": npy("(" * 5000 + "\n"),
    "a long header": npy(" " * 20000),
    "an unknown version": b"\x93NUMPY\x09\x00" + bytes(100),
}


@pytest.mark.parametrize("content", HOSTILE_NPY.values(), ids=HOSTILE_NPY)
def test_arrays_out_of_form(tmp_path: Path, content: bytes) -> None:
    """Objects, shapes that the bytes do not fill, trailing bytes and broken headers are refused with a reason, and a
    shape of terabytes takes no memory.
    """
    path = tmp_path / "train.npz"
    path.write_bytes(archive(("X.npy", content)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"\w"):
            read_npz(path, ("X",))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["bytes that trail", "another format", "nothing"])
def test_numpy_itself_accepts_some(tmp_path: Path, name: str) -> None:
    """The control: numpy.load takes trailing bytes for nothing, and gives bytes for what is no array."""
    path = tmp_path / "train.npz"
    path.write_bytes(archive(("X.npy", HOSTILE_NPY[name])))
    with np.load(path, allow_pickle=False) as file:
        assert len(file["X"]) in (1, len(HOSTILE_NPY[name]))


@pytest.mark.parametrize("size", [0, 100, 784 * 4, 1 << 30])
def test_a_lying_size_is_not_believed(tmp_path: Path, size: int) -> None:
    """An archive whose directory claims another size of the array than there is, with a header that agrees with it."""
    claimed = npy(header(f"({size // 4},)"))
    whole = bytearray(archive(("X.npy", claimed + bytes(1000))))
    place = whole.index(CENTRAL) + SIZE_IN_CENTRAL
    whole[place : place + 4] = struct.pack("<I", len(claimed) + size)
    path = tmp_path / "train.npz"
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"\w"):
        read_npz(path, ("X",))


def test_changed_content_is_noticed(tmp_path: Path) -> None:
    """One pixel that does not agree with the archive's checksum makes it unreadable."""
    whole = archive(("X.npy", npy(header("(1, 784)"), b"\x07" * 784 * 4)))
    path = tmp_path / "train.npz"
    path.write_bytes(whole.replace(b"\x07" * 784 * 4, b"\x07" * (784 * 4 - 1) + b"\x08"))
    with pytest.raises(ValueError, match="CRC"):
        read_npz(path, ("X",))


@pytest.mark.parametrize("order", ["C", "F"])
def test_every_well_formed_array_is_read(tmp_path: Path, order: Literal["C", "F"]) -> None:
    """What numpy.savez and savez_compressed write comes back, in either order of memory."""
    images = np.asarray(np.arange(12, dtype=np.float64).reshape(3, 4), order=order)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "one.npz", X=images, Y=np.zeros((0, 2), np.uint8))
        read, nothing = read_npz(tmp_path / "one.npz", ("X", "Y"))
        assert np.array_equal(read, images) and read.dtype == images.dtype and nothing.shape == (0, 2)
