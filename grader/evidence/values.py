"""What a run left behind, as frozen plain values. The student's process said it: it is no truth yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np

SCHEMA = 1


class Kind(IntEnum):
    """Kinds of journal events, as the recorder numbers them."""

    FORWARD = 1
    BACKWARD = 2
    STEP = 3
    UPDATE = 4
    LOSS = 5
    CELL = 6
    FIGURE = 7


class Flag(IntFlag):
    """On FORWARD: GRAD_ENABLED. On BACKWARD: STALE (gradients were there before), NO_GRADIENT (none after).
    On STEP: NO_GRADIENT (none to apply), TOUCHED (the optimizer changed the model)."""

    GRAD_ENABLED = 1
    STALE = 2
    TOUCHED = 4
    NO_GRADIENT = 8


UNKNOWN_CLASS = 255


@dataclass(frozen=True)
class Place:
    """A line of the student's: `cell` is None in a module."""

    file: str
    cell: int | None
    line: int


@dataclass(frozen=True)
class Events:
    """The journal: arrays of one length, in the order of time; `start[i]` is where event i's rows begin in `keys`.

    `who` is the model's number on FORWARD, LOSS and BACKWARD, the optimizer's on STEP, the cell's on CELL; `size` the
    number of images, or of forward passes on BACKWARD; `value` the loss; `keys` and `predicted` have an entry an image.
    """

    kind: np.ndarray
    flags: np.ndarray
    who: np.ndarray
    size: np.ndarray
    value: np.ndarray
    start: np.ndarray
    keys: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class Node:
    """One recorded operation; `inputs` and `options` hold references: {"v"}: a value, {"p"}: a parameter, {"d"}: the
    batch of a forward event, {"c"}: a constant kept by value."""

    op: str
    inputs: tuple[Any, ...]
    options: Mapping[str, Any]
    outputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    grad: bool
    place: Place | None
    error: str | None = None


@dataclass(frozen=True)
class Backward:
    """A backward pass within a trace: `root` is the value it started from, None if that was not seen being made."""

    root: int | None
    stale: bool
    loss: float | None
    forwards: int
    place: Place | None


@dataclass(frozen=True)
class Trace:
    """A stretch that was recorded in full; `events` are the indices of its forward events, `place`
    the line that called the model."""

    index: int
    reason: str
    events: tuple[int, ...]
    place: Place | None
    nodes: tuple[Node, ...]
    backwards: tuple[Backward, ...]
    optimizer: int | None
    optimizer_description: Mapping[str, Any] | None
    step_place: Place | None
    returned: tuple[int, ...]
    truncated: bool
    arrays: Mapping[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Snapshot:
    """The model's parameters when the forward event numbered `event` began, by parameter number."""

    event: int
    model: int
    parameters: Mapping[int, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Picture:
    """An array that was shown as an image, which is the journal's event number `event`.

    `told`: the journal was seen to tell of it, when it was still there; stored facts are without it.
    """

    event: int
    image: np.ndarray = field(repr=False)
    place: Place | None = None
    told: bool = False


@dataclass(frozen=True)
class CellRun:
    """How one code cell went; `outputs` are nbformat outputs, of which the recorder has left out `cut` bytes."""

    cell: int
    index: int
    outputs: tuple[Mapping[str, Any], ...]
    failed: bool
    died: bool
    wall_s: float
    cut: int = 0


@dataclass(frozen=True)
class RunError:
    """An exception that reached the top of a cell.

    `no_shared_memory` says that it was raised for want of shared memory, which the sandbox did not give.
    """

    cell: int
    type: str
    text: str
    place: Place | None
    no_shared_memory: bool = False


@dataclass(frozen=True)
class ProbeAnswer:
    """The scores that the student's model gives for the probe images, by batch size."""

    model: int
    scores: Mapping[int, np.ndarray]
    errors: Mapping[int, str]


@dataclass(frozen=True)
class State:
    """What was there at the end. `models` lists the parameters of each model by number.

    `graphs` counts the graphs of losses that were kept past their backward pass, and those that were looked at.
    """

    models: Mapping[int, tuple[int, ...]]
    final: Mapping[int, np.ndarray] = field(repr=False)
    first: Mapping[int, np.ndarray] = field(repr=False)
    optimizers: tuple[Mapping[str, Any], ...] = ()
    alive_optimizers: tuple[Mapping[str, Any], ...] = ()
    layers: tuple[Mapping[str, Any], ...] = ()
    modules: tuple[Mapping[str, Any], ...] = ()
    variables: tuple[Mapping[str, Any], ...] = ()
    variable_arrays: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    overflow: int = 0
    graphs: tuple[int, ...] = ()
    faults: Mapping[str, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataLoad:
    """A call of `np.load`; `redirected` when the path did not exist here and the staged file was opened instead."""

    name: str
    redirected: bool
    place: Place | None


@dataclass(frozen=True)
class Evidence:
    """Everything that one run left behind, in the order in which the checks need it.

    `repeated` counts the parts of the journal that did not follow the part before, and were left out.
    """

    events: Events
    traces: tuple[Trace, ...]
    snapshots: tuple[Snapshot, ...]
    pictures: tuple[Picture, ...]
    cells: tuple[CellRun, ...]
    errors: tuple[RunError, ...]
    probes: tuple[ProbeAnswer, ...]
    loads: tuple[DataLoad, ...]
    state: State | None
    reference_loop: bool
    started_cell: int | None
    ended: bool
    broken: str | None
    repeated: int = 0

    @property
    def drawn(self) -> tuple[Picture, ...]:
        """The pictures that the journal tells of as well. What was drawn when a run was cut off is not in it yet."""
        kinds, sizes = self.events.kind, self.events.size
        return tuple(
            p
            for p in self.pictures
            if p.told
            or (self.state is None and p.event >= len(kinds))
            or (0 <= p.event < len(kinds) and kinds[p.event] == Kind.FIGURE and sizes[p.event] == p.image.size)
        )

    @property
    def output(self) -> str:
        """All text that the program printed or displayed, in order."""
        parts: list[str] = []
        for cell in self.cells:
            parts.extend(output_text(output) for output in cell.outputs)
        return "".join(parts)


def output_text(output: Mapping[str, Any]) -> str:
    """The plain text of one nbformat output; an error's traceback is not text that the student chose to show."""
    if output.get("output_type") == "stream":
        return str(output.get("text", ""))
    if output.get("output_type") in ("execute_result", "display_data"):
        data = output.get("data")
        return f"{data.get('text/plain', '')}\n" if isinstance(data, Mapping) else ""
    return ""
