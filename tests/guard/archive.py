"""The stored facts: a file a group, one compressed stream in it, since programs of a group are much alike."""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from grader.assignment import Baseline
from grader.evidence.values import CellRun
from grader.pipeline.facts import Facts, from_plain, pack, to_plain, unpack

FOLDER = Path(__file__).resolve().parent / "facts"
HOME = f"{Path(__file__).resolve().parents[2]}/"
# Weights that a program ships as text; the checks read nothing in them.
_LONG_TEXT = re.compile(r'"[A-Za-z0-9+/=]{400,}"')


@dataclass(frozen=True)
class Stored:
    """One program: its name in its group, its packed facts without their own compression, and its reference."""

    name: str
    facts: bytes
    baseline: Baseline

    def unpacked(self) -> Facts:
        """The facts. Raises EvidenceError if they are of another version of the grader."""
        return unpack(zlib.compress(self.facts, 0))


def stored(name: str, facts: Facts | bytes, baseline: Baseline) -> Stored:
    """A program to be stored; `facts` as the pipeline has them, or packed."""
    found = unpack(facts) if isinstance(facts, bytes) else facts
    submission = replace(
        found.submission, path=name, cells=tuple(_LONG_TEXT.sub('"..."', cell) for cell in found.submission.cells)
    )
    dataset = replace(found.dataset, directory=Path("data"))
    collected = replace(
        found.collected,
        outcome=replace(found.collected.outcome, tail=""),
        evidence=replace(found.collected.evidence, cells=tuple(map(_anywhere, found.collected.evidence.cells))),
    )
    neutral = replace(found, submission=submission, dataset=dataset, collected=collected)
    return Stored(name, zlib.decompress(pack(neutral)), baseline)


def _anywhere(cell: CellRun) -> CellRun:
    """The cell without the names of this machine's folders in what it printed, such as a warning's."""
    outputs = tuple({**output, "text": output["text"].replace(HOME, "")} for output in cell.outputs if "text" in output)
    return replace(cell, outputs=outputs)


def write(group: str, programs: Iterable[Stored]) -> None:
    """Writes a group, in the order of its names."""
    content = msgspec.msgpack.encode(sorted(programs, key=lambda program: program.name), enc_hook=to_plain)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{group}.xz").write_bytes(lzma.compress(content, preset=9))


def read(group: str) -> list[Stored]:
    """The programs of a group."""
    content = lzma.decompress((FOLDER / f"{group}.xz").read_bytes())
    return msgspec.msgpack.decode(content, type=list[Stored], dec_hook=from_plain)


def groups() -> Iterator[str]:
    """The names of the groups that are stored."""
    return (path.stem for path in sorted(FOLDER.glob("*.xz")))
