"""Errors that ended a cell without the recorder's being told: a notebook may take its callbacks away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grader.evidence.frames import Frame
from grader.evidence.values import RunError


def with_untold(told: Sequence[RunError], cells: Sequence[Frame]) -> tuple[RunError, ...]:
    """The errors that were told, and for each other cell those of the Jupyter kernel's reply or of its outputs, in the
    order of the cells. Of these the line is not known.
    """
    known = {error.cell for error in told}
    untold = [error for frame in cells for error in _errors(frame.header) if error.cell not in known]
    return tuple(sorted([*told, *untold], key=lambda error: error.cell)) if untold else tuple(told)


def _errors(cell: Mapping[str, Any]) -> Iterator[RunError]:
    """The first error of a finished cell; none for fields of other types, which the cell's own parser refuses."""
    number, reply, outputs = (cell.get(name) for name in ("cell", "error", "outputs"))
    found = [(reply.get("type"), reply.get("text"))] if isinstance(reply, Mapping) else []
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, Mapping) and output.get("output_type") == "error":
            found.append((output.get("ename"), output.get("evalue")))
    for kind, text in found[:1]:
        if isinstance(number, int) and isinstance(kind, str) and isinstance(text, str):
            yield RunError(number, kind[:200], text[:500], None)
