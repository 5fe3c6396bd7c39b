"""What the fuzzers throw bytes at: every parser of the trusted side that sees bytes of a student's."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from grader.assignment.arrays import read_folder
from grader.errors import DataError, EvidenceError, GraderError, SubmissionRejected
from grader.evidence import FrameReader, parse_evidence
from grader.recorder.wire import MAGIC, PREFIX, pack_arrays
from grader.submission import Candidate, load_submission
from tests.evidence.frames import EMPTY_KINDS, KINDS, pack, valid
from tests.submission.uploads import as_bytes, notebook

SCRATCH = Path(tempfile.mkdtemp(prefix="fuzz-"))
Target = Callable[[bytes], None]


def evidence(content: bytes) -> None:
    """A whole stream out of the sandbox: frames, headers, arrays, and the evidence in them."""
    _refused(EvidenceError, lambda: parse_evidence(FrameReader().feed(content)))


def header(content: bytes) -> None:
    """One frame whose JSON header is `content`."""
    evidence(pack(content))


def safetensors(content: bytes) -> None:
    """One frame of the journal whose arrays are `content`."""
    evidence(PREFIX.pack(MAGIC, 17, len(content)) + b'{"kind":"events"}' + content)


def npz(content: bytes) -> None:
    """A data set's archive of .npy."""
    folder = SCRATCH / "data"
    folder.mkdir(exist_ok=True)
    for name in ("train.npz", "test.npz"):
        (folder / name).write_bytes(content)
    _refused(DataError, lambda: read_folder(folder, 784, 10))


def npy(content: bytes) -> None:
    """A .npy inside a well-formed archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("X.npy", content)
        file.writestr("Y.npy", content)
    npz(archive.getvalue())


def upload(name: str) -> Target:
    """A submission under this name."""

    def load(content: bytes) -> None:
        path = SCRATCH / name
        path.write_bytes(content)
        _refused(SubmissionRejected, lambda: load_submission(Candidate("x", path)))

    return load


def _refused(kind: type[GraderError], call: Callable[[], object]) -> None:
    """Whatever the bytes, the call succeeds or raises `kind` with a reason; anything else is a find."""
    try:
        call()
    except kind as error:
        if not error.message:
            raise RuntimeError("refused without a reason") from error


def seeds() -> dict[str, list[bytes]]:
    """Valid inputs to start from, by target."""
    frames = [valid(kind) for kind in (*KINDS, *EMPTY_KINDS)]
    packed = [pack(frame.header, frame.arrays) for frame in frames]
    array, archive, book = io.BytesIO(), io.BytesIO(), as_bytes(notebook("x = 1", "y = 2"))
    np.save(array, np.zeros((2, 784), np.float32))
    np.savez(archive, X=np.zeros((2, 784), np.float32), Y=np.eye(2, 10, dtype=np.float32))
    packed_book = io.BytesIO()
    with zipfile.ZipFile(packed_book, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("hw/hw.ipynb", book)
        file.writestr("hw/net.py", "a = 1")
    return {
        "evidence": [*packed, b"".join(packed)],
        "header": [item[PREFIX.size : PREFIX.size + struct.unpack(">4sIQ", item[: PREFIX.size])[1]] for item in packed],
        "safetensors": [pack_arrays(frame.arrays) for frame in frames if frame.arrays],
        "npz": [archive.getvalue()],
        "npy": [array.getvalue()],
        "notebook": [book],
        "zip": [packed_book.getvalue()],
        "module": [b"# coding: latin-1\nx = 1\n", b"import torch\n"],
    }


TARGETS: dict[str, Target] = {
    "evidence": evidence,
    "header": header,
    "safetensors": safetensors,
    "npz": npz,
    "npy": npy,
    "notebook": upload("x.ipynb"),
    "zip": upload("x.zip"),
    "module": upload("x.py"),
}
