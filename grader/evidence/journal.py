"""The journal's frames -> `Events`: columns that fit together, each part once and in order."""

from __future__ import annotations

import numpy as np

from grader.errors import EvidenceError
from grader.evidence.frames import Frame
from grader.evidence.values import Events, Kind

MAX_EVENTS = 20_000_000
_COLUMNS = {"kind": "u1", "flags": "u1", "who": "i4", "size": "i4", "value": "f4", "keys": "u8", "predicted": "u1"}


def in_order(frames: list[Frame]) -> list[Frame]:
    """The parts of the journal, each of which tells its number of events so far; without those that come again."""
    kept, count = [], 0
    for frame in frames:
        total = frame.header.get("total")
        if not isinstance(total, int) or isinstance(total, bool):
            raise EvidenceError("events.total has the wrong type")
        if total > count:
            kept.append(frame)
            count = total
    return kept


def events_of(frames: list[Frame]) -> Events:
    columns: dict[str, np.ndarray] = {}
    for name, dtype in _COLUMNS.items():
        parts = [_column(frame, name, dtype) for frame in frames]
        columns[name] = np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
    length, rows = len(columns["kind"]), len(columns["keys"])
    fits = all(len(columns[name]) == length for name in ("flags", "who", "size", "value"))
    if frames and length != frames[-1].header["total"]:
        raise EvidenceError("the journal has another number of events than it tells")
    if not fits or length > MAX_EVENTS or rows != len(columns["predicted"]) or (columns["size"] < 0).any():
        raise EvidenceError("the columns of the journal do not fit together")
    forward_sizes = np.where(columns["kind"] == Kind.FORWARD, columns["size"], 0).astype(np.int64)
    if forward_sizes.sum() != rows:
        raise EvidenceError("the journal names another number of images than it has keys")
    return Events(**columns, start=np.concatenate([[0], np.cumsum(forward_sizes)[:-1]]) if length else forward_sizes)


def _column(frame: Frame, name: str, dtype: str) -> np.ndarray:
    column = frame.arrays.get(name)
    if column is None or column.ndim != 1 or column.dtype != np.dtype(dtype):
        raise EvidenceError(f"the journal's column {name} is missing or of the wrong type")
    return column
