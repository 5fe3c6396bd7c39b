"""Frames out of the sandbox: cut from a stream of untrusted bytes, each with its caps."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors

from grader.errors import EvidenceError

MAGIC = b"GEV1"
PREFIX = struct.Struct(">4sIQ")
MAX_HEADER = 8_000_000
MAX_BODY = 64_000_000
MAX_DEPTH = 60


@dataclass(frozen=True)
class Frame:
    """One message: `header` is plain JSON with a `kind`, `arrays` the numbers that came with it."""

    kind: str
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


class FrameReader:
    """Cuts whole frames out of chunks; raises `EvidenceError` at the first byte that is out of form."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._offset = 0

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that `chunk` completes, in order."""
        self._buffer += chunk
        frames: list[Frame] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        if len(self._buffer) < PREFIX.size:
            return None
        magic, header_length, body_length = PREFIX.unpack_from(self._buffer)
        if magic != MAGIC:
            raise EvidenceError("the evidence is not in the recorder's form", place=f"byte {self._offset}")
        if header_length > MAX_HEADER or body_length > MAX_BODY:
            raise EvidenceError("a frame of the evidence is over its cap", place=f"byte {self._offset}")
        total = PREFIX.size + header_length + body_length
        if len(self._buffer) < total:
            return None
        header = bytes(self._buffer[PREFIX.size : PREFIX.size + header_length])
        body = bytes(self._buffer[PREFIX.size + header_length : total])
        del self._buffer[:total]
        self._offset += total
        return _parse(header, body)


def _parse(header: bytes, body: bytes) -> Frame:
    try:
        value = json.loads(header, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"a header of the evidence is not valid JSON ({error})") from error
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise EvidenceError("a header of the evidence has no kind")
    arrays: dict[str, np.ndarray] = {}
    if body:
        try:
            arrays = load_tensors(body)
        except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
            raise EvidenceError(
                f"the arrays of a {value['kind']!r} frame are not valid safetensors ({error})"
            ) from error
    return Frame(value["kind"], value, arrays)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice")
    return result
