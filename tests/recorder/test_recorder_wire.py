"""The wire: frames that the trusted side can read, and nothing that can hurt the program that sends them."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable

import numpy as np
import pytest
import torch

from grader.evidence import Frame, FrameReader
from grader.recorder.wire import MAGIC, PREFIX, Wire, pack_arrays, read_frame

Pair = tuple[Wire, Callable[[], list[Frame]]]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "uint64", "uint8", "bool"])
def test_arrays_arrive(wire: Pair, dtype: str) -> None:
    """Arrays of every type in use, empty and scalar ones too, arrive with type, shape and values."""
    full = (np.arange(6).reshape(2, 3) % 2).astype(dtype)
    sent = {"full": full, "empty": full[:0], "scalar": full[0, 1], "strided": full.T}
    wire[0].send({"kind": "figure"}, sent)
    (frame,) = wire[1]()
    assert set(frame.arrays) == set(sent)
    for name, array in sent.items():
        assert frame.arrays[name].dtype == np.dtype(dtype)
        assert frame.arrays[name].shape == array.shape
        assert np.array_equal(frame.arrays[name], array)


@pytest.mark.parametrize("dtype", ["float16", "int16", "uint16"])
def test_other_types_become_float32(wire: Pair, dtype: str) -> None:
    """What has no place in the table is sent as float32."""
    wire[0].send({"kind": "figure"}, {"a": np.array([1, 2, 3], dtype=dtype)})
    (frame,) = wire[1]()
    assert frame.arrays["a"].dtype == np.float32
    assert frame.arrays["a"].tolist() == [1, 2, 3]


def test_safetensors_alignment() -> None:
    """The table is padded to eight bytes, as the format asks."""
    for count in range(1, 9):
        packed = pack_arrays({"a" * count: np.zeros(1)})
        assert struct.unpack_from("<Q", packed)[0] % 8 == 0


def test_header_of_anything(wire: Pair) -> None:
    """Objects that JSON does not know are sent as text; lone surrogates do not break the frame."""
    wire[0].send({"kind": "state", "size": torch.Size([2]), "device": torch.device("cpu"), "text": "\ud800 é"})
    (frame,) = wire[1]()
    assert frame.header["device"] == "cpu"
    assert "é" in frame.header["text"]


def test_nan_in_a_header_is_refused_at_the_source(wire: Pair) -> None:
    """A header with NaN is an error of the recorder, and nothing is sent."""
    with pytest.raises(ValueError, match="JSON"):
        wire[0].send({"kind": "state", "loss": float("nan")})
    assert wire[1]() == []


def test_closed_pipe_is_silence() -> None:
    """When nobody reads any more, sending does nothing and raises nothing."""
    inlet, outlet = os.pipe()
    os.close(inlet)
    Wire(outlet).send({"kind": "done"})
    os.close(outlet)
    Wire(outlet).send({"kind": "done"})


def test_threads_do_not_mix() -> None:
    """Frames that several threads send at once through a narrow pipe arrive whole."""
    inlet, outlet = os.pipe()
    wire = Wire(outlet)
    body = {"image": np.zeros((200, 200))}

    def send(number: int) -> None:
        for _ in range(5):
            wire.send({"kind": "figure", "event": number}, body)

    threads = [threading.Thread(target=send, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    reader, frames = FrameReader(), []
    while len(frames) < 20:
        frames += reader.feed(os.read(inlet, 65536))
    for thread in threads:
        thread.join()
    os.close(inlet)
    os.close(outlet)
    assert sorted(frame.header["event"] for frame in frames) == sorted([0, 1, 2, 3] * 5)


def test_read_frame_passes_whole_frames_on() -> None:
    """Whole frames are read byte for byte; the end of the pipe ends it."""
    inlet, outlet = os.pipe()
    Wire(outlet).send({"kind": "done"}, {"a": np.zeros(3)})
    os.close(outlet)
    frame = read_frame(inlet)
    assert frame is not None
    assert FrameReader().feed(frame)[0].kind == "done"
    assert read_frame(inlet) is None
    os.close(inlet)


@pytest.mark.parametrize(
    "rubbish", [b"JUNK" + bytes(20), MAGIC, PREFIX.pack(MAGIC, 100, 0) + b"{}"], ids=["magic", "prefix", "short"]
)
def test_read_frame_stops_at_rubbish(rubbish: bytes) -> None:
    """A wrong magic and a frame that is cut off end the reading."""
    inlet, outlet = os.pipe()
    os.write(outlet, rubbish)
    os.close(outlet)
    assert read_frame(inlet) is None
    os.close(inlet)
