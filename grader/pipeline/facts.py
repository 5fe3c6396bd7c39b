"""The facts of one run: all that its grade depends on besides the rubric, small enough to be kept for ever.

Every grade is given on facts that have been written and read back, the first one too. So a check that wanted something
of the evidence that is not kept would fail at once, and not years later at a regrade.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from grader.assignment import Dataset
from grader.errors import EvidenceError
from grader.evidence import Evidence
from grader.evidence.values import CellRun, Events, Trace, output_text
from grader.pipeline.collect import Collected
from grader.score import Grade, Weights
from grader.submission import Submission
from grader.verify.result import Verification

_NOTHING: Mapping[str, np.ndarray] = {}


@dataclass(frozen=True)
class Facts:
    """A submission's sources, how its run ended, what it left (without its arrays), and what was verified."""

    submission: Submission
    collected: Collected
    verifications: tuple[Verification, ...]
    dataset: Dataset
    isolation_notes: tuple[str, ...]
    weights: Mapping[int, Weights | None]


def pack(facts: Facts) -> bytes:
    """The facts as bytes, without what no check looks at."""
    sources = {name: content for name, content in facts.submission.files.items() if name.endswith(".py")}
    slim = replace(
        facts,
        submission=replace(facts.submission, notebook=None, files=sources),
        collected=replace(facts.collected, evidence=_without_arrays(facts.collected.evidence)),
    )
    return zlib.compress(msgspec.msgpack.encode(slim, enc_hook=to_plain), 1)


def unpack(content: bytes) -> Facts:
    """The facts that `pack` wrote; raises EvidenceError where they are damaged or another version's."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(content), type=Facts, dec_hook=from_plain)
    except (zlib.error, msgspec.MsgspecError, ValueError) as error:
        raise EvidenceError(f"the stored facts cannot be read ({error})", remedy="Grade the submission again") from None


def judgement(grade: Grade) -> str:
    """The hash of everything that a report says of a grade, but for the rubric's own hash and where facts came from."""
    run = None if grade.run is None else replace(grade.run, cached=False)
    plain = replace(grade, run=run, assignment=replace(grade.assignment, rubric_sha256=""))
    return hashlib.sha256(msgspec.json.encode(plain, enc_hook=to_plain)).hexdigest()


def _without_arrays(evidence: Evidence) -> Evidence:
    """What the checks look at: flags of the events, who was shown what where, the words that were printed."""
    none = np.zeros(0, dtype=np.uint8)
    state = evidence.state
    return replace(
        evidence,
        events=Events(none, evidence.events.flags, none, none, none, none, none, none),
        traces=tuple(_heading(trace) for trace in evidence.traces),
        snapshots=(),
        pictures=tuple(replace(picture, image=none, told=True) for picture in evidence.drawn),
        cells=tuple(_words(cell) for cell in evidence.cells),
        probes=(),
        state=None if state is None else replace(state, final={}, first={}, variable_arrays=_NOTHING),
    )


def _heading(trace: Trace) -> Trace:
    return replace(trace, arrays=_NOTHING)


def _words(cell: CellRun) -> CellRun:
    """The cell with its printed text alone; pictures stay in the executed notebook."""
    text = "".join(output_text(output) for output in cell.outputs)
    return replace(cell, outputs=({"output_type": "stream", "name": "stdout", "text": text},) if text else ())


def to_plain(value: Any) -> Any:
    """Arrays and paths as what JSON and MessagePack hold."""
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.tobytes()]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is no fact")


def from_plain(kind: type, value: Any) -> Any:
    """What `to_plain` made, back."""
    if kind is np.ndarray:
        dtype, content = value
        return np.frombuffer(content, dtype=np.dtype(dtype))
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} is no fact")
