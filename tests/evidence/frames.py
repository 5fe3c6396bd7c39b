"""Frames as the recorder sends them, each valid; a test changes one thing."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.evidence import Frame
from grader.recorder.wire import MAGIC, PREFIX, pack_arrays

PLACE = {"file": "student.ipynb", "cell": 2, "line": 3}


def pack(header: Mapping[str, Any] | bytes, body: bytes | Mapping[str, np.ndarray] = b"") -> bytes:
    """The bytes of one frame."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    raw = body if isinstance(body, bytes) else pack_arrays(body)
    return PREFIX.pack(MAGIC, len(text), len(raw)) + text + raw


def events() -> Frame:
    """Two forward events of 3 and 2 images, with a backward event between them."""
    arrays = {
        "kind": np.array([1, 2, 1], dtype=np.uint8),
        "flags": np.array([1, 0, 0], dtype=np.uint8),
        "who": np.array([0, 0, 0], dtype=np.int32),
        "size": np.array([3, 1, 2], dtype=np.int32),
        "value": np.array([np.nan, 2.5, np.nan], dtype=np.float32),
        "keys": np.arange(5, dtype=np.uint64),
        "predicted": np.arange(5, dtype=np.uint8),
    }
    return Frame("events", {"kind": "events", "total": 3}, arrays)


def _trace() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    node = {
        "op": "aten.relu.default",
        "in": [{"v": 1}],
        "kw": {},
        "out": [{"v": 2, "shape": [3, 10], "dtype": "float32"}],
        "grad": True,
        "at": PLACE,
    }
    backward = {"root": 2, "stale": False, "loss": 2.5, "forwards": 1, "at": PLACE}
    header = {
        "index": 0,
        "reason": "step",
        "events": [0],
        "nodes": [node],
        "backwards": [backward],
        "step": {"optimizer": 0, "description": {"class": "SGD", "bases": [], "groups": []}, "at": PLACE},
        "truncated": False,
        "returns": [{"name": "forward", "value": 2}, {"name": "outer", "value": None}],
    }
    return header, {"parameter/0": np.zeros(3, dtype=np.float32)}


def _state() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    header = {
        "models": {"0": [0, 1]},
        "overflow": 0,
        "graphs": [0, 0],
        "optimizers": [{"class": "SGD", "bases": [], "groups": []}],
        "layers": [{"operation": "conv2d"}],
        "modules": [],
        "alive_optimizers": [],
        "variables": [],
        "faults": {"figure: ValueError": 2},
        "names": ["X", "Y"],
    }
    return header, {"final/0": np.zeros(2), "first/0": np.ones(2), "variable/X/keys": np.zeros(1, dtype=np.uint64)}


def valid(kind: str) -> Frame:
    """A valid frame of `kind`."""
    none: dict[str, np.ndarray] = {}
    made: dict[str, tuple[dict[str, Any], dict[str, np.ndarray]]] = {
        "hello": ({"version": 1}, none),
        "trace": _trace(),
        "state": _state(),
        "snapshot": ({"event": 4, "model": 0}, {"parameter/0": np.zeros(2)}),
        "figure": ({"event": 4, "at": PLACE}, {"image": np.zeros((8, 8), dtype=np.float32)}),
        "cell-start": ({"cell": 2, "index": 3}, none),
        "cell": ({"cell": 2, "index": 3, "outputs": [], "failed": False, "died": False, "wall_s": 1}, none),
        "error": ({"cell": 2, "type": "NameError", "text": "x", "at": None}, none),
        "probe": ({"model": 0, "errors": {"7": "RuntimeError"}}, {"scores/30": np.zeros((60, 10), dtype=np.float32)}),
        "load": ({"name": "train.npz", "redirected": False, "at": PLACE}, none),
        "reference-loop": ({}, none),
        "ended": ({}, none),
        "done": ({}, none),
        "broken": ({"text": "DeadKernelError"}, none),
    }
    if kind == "events":
        return events()
    header, arrays = made[kind]
    return Frame(kind, copy.deepcopy({"kind": kind, **header}), arrays)


KINDS = ("hello", "events", "trace", "snapshot", "figure", "cell-start", "cell", "error", "probe", "load", "state")
EMPTY_KINDS = ("reference-loop", "ended", "done", "broken")
