"""Bytes -> frames: whole ones come through, whatever else comes is refused."""

from __future__ import annotations

import itertools
import json
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.errors import EvidenceError
from grader.evidence import FrameReader, parse_evidence
from grader.evidence.frames import MAX_BODY, MAX_HEADER
from grader.recorder import wire
from tests.evidence.frames import KINDS, pack, valid

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], dtype=np.uint64)}
FRAME = pack({"kind": "hello", "version": 1}, ARRAYS)


def table(entries: object) -> bytes:
    """The beginning of a safetensors file with this table."""
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


def entry(dtype: str = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_both_ends_agree() -> None:
    """The recorder's magic and prefix are those that the trusted side reads."""
    from grader.evidence import frames

    assert (wire.MAGIC, wire.PREFIX.format) == (frames.MAGIC, frames.PREFIX.format)


def test_round_trip() -> None:
    """A frame has the kind, header and arrays that were sent."""
    (frame,) = FrameReader().feed(FRAME)
    assert (frame.kind, frame.header["version"]) == ("hello", 1)
    assert all(np.array_equal(frame.arrays[name], ARRAYS[name]) for name in ARRAYS)


@given(st.lists(st.integers(0, 3 * len(FRAME)), max_size=12))
@settings(max_examples=50, deadline=None)
def test_any_cuts(cuts: list[int]) -> None:
    """However the pipe cuts the bytes, the same three frames come out."""
    stream = FRAME * 3
    reader, edges = FrameReader(), [0, *sorted(cuts), len(stream)]
    found = [f for a, b in itertools.pairwise(edges) for f in reader.feed(stream[a:b])]
    assert len(found) == 3
    assert all(np.array_equal(f.arrays["a"], ARRAYS["a"]) for f in found)


def test_byte_by_byte() -> None:
    """A frame is there with its last byte and not before."""
    reader = FrameReader()
    assert [len(reader.feed(FRAME[i : i + 1])) for i in range(len(FRAME))] == [0] * (len(FRAME) - 1) + [1]


def test_truncated() -> None:
    """A frame that is cut off is no frame, and no error either: the run may have been killed."""
    assert FrameReader().feed(FRAME[:-1]) == []
    assert parse_evidence(FrameReader().feed(FRAME[:-1])).state is None


def test_wrong_magic_names_its_place() -> None:
    """Bytes that are no frame are refused, with the place where they begin."""
    reader = FrameReader()
    reader.feed(FRAME)
    with pytest.raises(EvidenceError, match=f"byte {len(FRAME)}"):
        reader.feed(b"PICKLE" + bytes(20))


@pytest.mark.parametrize(("header", "body"), [(MAX_HEADER + 1, 0), (0, MAX_BODY + 1), (2**32 - 1, 2**64 - 1)])
def test_over_a_cap(header: int, body: int) -> None:
    """A frame that announces too much is refused at once, before its bytes are gathered."""
    with pytest.raises(EvidenceError, match="cap"):
        FrameReader().feed(wire.PREFIX.pack(wire.MAGIC, header, body))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"kind"',
        b"{}",
        b'{"kind": 3}',
        b'{"kind": "hello", "loss": NaN}',
        b'{"kind": "hello", "loss": -Infinity}',
        b'{"kind": "hello", "kind": "state"}',
        b'{"kind": "hello", "deep": {"a": 1, "a": 2}}',
        b'{"kind": "\xff"}',
        b'{"kind": "hello"} trailing',
        b"[" * 100_000,
        b'{"kind": "hello", "n": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda header: header[:30].decode("latin-1"),
)
def test_header_out_of_form(header: bytes) -> None:
    """Headers that are not one strict JSON object with a kind are refused."""
    with pytest.raises(EvidenceError):
        FrameReader().feed(pack(header))


@pytest.mark.parametrize(
    "body",
    [
        b"\x00",
        struct.pack("<Q", 2**63),
        table(b"{") + bytes(8),
        table([]) + bytes(8),
        table({"a": entry()}),
        table({"a": entry(offsets=(0, 4))}) + bytes(4),
        table({"a": entry(offsets=(4, 12))}) + bytes(12),
        table({"a": entry(shape=(2**62, 2**62))}) + bytes(8),
        table({"a": entry(shape=(-2,))}) + bytes(8),
        table({"a": entry(dtype="PICKLE")}) + bytes(8),
        table({"a": entry(), "b": entry()}) + bytes(8),
        table({"a": entry()}) + bytes(9),
        table({"a": {"dtype": "F32"}}) + bytes(8),
    ],
)
def test_arrays_out_of_form(body: bytes) -> None:
    """Bodies that are no exact safetensors file are refused."""
    with pytest.raises(EvidenceError):
        FrameReader().feed(pack({"kind": "figure"}, body))


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "C64", "F4"])
def test_types_that_numpy_does_not_have(dtype: str) -> None:
    """Valid safetensors of a type that numpy lacks give an array or an EvidenceError, and nothing else."""
    size = {"BF16": 4, "F8_E4M3": 2, "C64": 16, "F4": 1}[dtype]
    body = table({"a": entry(dtype, offsets=(0, size))}) + bytes(size)
    try:
        FrameReader().feed(pack({"kind": "figure"}, body))
    except EvidenceError:
        return


def test_nothing_is_read_after_an_error() -> None:
    """Once a stream is out of form it stays so."""
    reader = FrameReader()
    for _ in range(2):
        with pytest.raises(EvidenceError):
            reader.feed(b"PICKLE" + bytes(20))


def feed(stream: bytes) -> None:
    """Frames and evidence, or EvidenceError; any other error fails the test."""
    try:
        parse_evidence(FrameReader().feed(stream))
    except EvidenceError:
        return


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes(stream: bytes) -> None:
    """Whatever comes through the pipe yields evidence or an EvidenceError."""
    feed(stream)


@given(st.binary(max_size=200), st.binary(max_size=200))
@example(b'{"kind": "figure"}', table({"a": entry("F8_E5M2", offsets=(0, 2))}) + bytes(2))
@settings(max_examples=150, deadline=None)
def test_any_header_and_body(header: bytes, body: bytes) -> None:
    """Well-framed rubbish yields evidence or an EvidenceError."""
    feed(pack(header, body))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.data(), st.sampled_from(KINDS))
@settings(max_examples=300, deadline=None)
def test_any_value_in_any_field(data: st.DataObject, kind: str) -> None:
    """A valid frame with one field replaced by any JSON value yields evidence or an EvidenceError."""
    frame = valid(kind)
    key = data.draw(st.sampled_from(sorted(frame.header)))
    feed(pack({**frame.header, key: data.draw(JSON)}, frame.arrays))


@given(st.data(), st.sampled_from(["nodes", "backwards", "step"]))
@settings(max_examples=200, deadline=None)
def test_any_value_within_a_trace(data: st.DataObject, part: str) -> None:
    """The same one level deeper, in a trace's operations, backward passes and step."""
    frame = valid("trace")
    inner = frame.header[part][0] if isinstance(frame.header[part], list) else frame.header[part]
    changed = {**inner, data.draw(st.sampled_from(sorted(inner))): data.draw(JSON)}
    feed(pack({**frame.header, part: [changed] if part != "step" else changed}, frame.arrays))


@given(st.integers(0, len(FRAME) - 1), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_one_byte_changed(place: int, value: int) -> None:
    """A single wrong byte anywhere yields evidence or an EvidenceError."""
    stream = bytearray(FRAME + FRAME)
    stream[place] = value
    feed(bytes(stream))
