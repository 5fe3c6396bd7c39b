"""Frames on the evidence pipe: a magic, two lengths, a JSON header, a binary body.

The body, where there is one, is a safetensors file (https://huggingface.co/docs/safetensors): a length, a JSON table
and raw little-endian bytes, so that the trusted side can read it without running anything.
"""

from __future__ import annotations

import json
import os
import struct
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

MAGIC = b"GEV1"
PREFIX = struct.Struct(">4sIQ")
_DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "int64": "I64",
    "int32": "I32",
    "uint64": "U64",
    "uint8": "U8",
    "bool": "BOOL",
}


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as one safetensors file; dtypes outside the table become float32."""
    table: dict[str, Any] = {}
    parts: list[bytes] = []
    offset = 0
    for name, value in arrays.items():
        if str(value.dtype) not in _DTYPES:
            value = value.astype(np.float32)
        raw = np.ascontiguousarray(value).tobytes()
        table[name] = {
            "dtype": _DTYPES[str(value.dtype)],
            "shape": list(value.shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        parts.append(raw)
        offset += len(raw)
    header = json.dumps(table, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + b"".join(parts)


class Wire:
    """The writing end of a pipe; frames from several threads of one process don't mix."""

    def __init__(self, fd: int):
        self._fd = fd
        self._lock = threading.Lock()

    def send(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> None:
        body = pack_arrays(arrays) if arrays else b""
        text = json.dumps(header, separators=(",", ":"), allow_nan=False, default=str).encode(
            "utf-8", "backslashreplace"
        )
        self.send_raw(PREFIX.pack(MAGIC, len(text), len(body)) + text + body)

    def send_raw(self, frame: bytes) -> None:
        """Writes whole frames; a closed pipe is silence, since nobody is left to tell."""
        view = memoryview(frame)
        with self._lock:
            try:
                while view:
                    view = view[os.write(self._fd, view) :]
            except OSError:
                return


def read_frame(fd: int) -> bytes | None:
    """One whole frame from a blocking pipe as it came, or None at its end or at the first malformed byte."""
    prefix = _read_exactly(fd, PREFIX.size)
    if prefix is None:
        return None
    magic, header_length, body_length = PREFIX.unpack(prefix)
    if magic != MAGIC:
        return None
    rest = _read_exactly(fd, header_length + body_length)
    return None if rest is None else prefix + rest


def _read_exactly(fd: int, count: int) -> bytes | None:
    parts: list[bytes] = []
    while count:
        part = os.read(fd, min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
