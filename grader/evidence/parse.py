"""Frames -> `Evidence`, strictly: what is not in form raises `EvidenceError`, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from grader.errors import EvidenceError
from grader.evidence.frames import Frame
from grader.evidence.journal import events_of, in_order
from grader.evidence.untold import with_untold
from grader.evidence.values import (
    Backward,
    CellRun,
    DataLoad,
    Evidence,
    Node,
    Picture,
    Place,
    ProbeAnswer,
    RunError,
    Snapshot,
    State,
    Trace,
)

T = TypeVar("T")


class Fields:
    """Typed access to a JSON object; a bool is no int."""

    def __init__(self, value: Any, name: str):
        if not isinstance(value, Mapping):
            raise EvidenceError(f"{name} is not an object")
        self._value = value
        self._name = name

    def get(self, key: str, kind: type[T] | tuple[type, ...]) -> T:
        value = self._value.get(key)
        wrong = isinstance(value, bool) and kind is not bool
        if wrong or not isinstance(value, kind):
            raise EvidenceError(f"{self._name}.{key} has the wrong type")
        return value  # type: ignore[return-value]

    def optional(self, key: str, kind: type[T] | tuple[type, ...]) -> T | None:
        return None if self._value.get(key) is None else self.get(key, kind)

    def items(self, key: str) -> list[Any]:
        return self.get(key, list)

    def ints(self, key: str) -> tuple[int, ...]:
        values = self.items(key)
        if any(isinstance(v, bool) or not isinstance(v, int) for v in values):
            raise EvidenceError(f"{self._name}.{key} holds something else than integers")
        return tuple(values)

    def mappings(self, key: str) -> tuple[Mapping[str, Any], ...]:
        values = self.items(key)
        if any(not isinstance(v, Mapping) for v in values):
            raise EvidenceError(f"{self._name}.{key} holds something else than objects")
        return tuple(values)


def parse_evidence(frames: Iterable[Frame]) -> Evidence:
    """The frames of one run as one value; frames of unknown kinds are refused."""
    groups: dict[str, list[Frame]] = {kind: [] for kind in _KINDS}
    for frame in frames:
        if frame.kind not in groups:
            raise EvidenceError(f"a frame of unknown kind {frame.kind[:40]!r}")
        if frame.kind == "figure" and groups["ended"]:
            continue  # drawn when no cell of the student's was left to run
        groups[frame.kind].append(frame)
    cells = _cells(groups["cell"], groups["output"])
    starts, broken, states = groups["cell-start"], groups["broken"], groups["state"]
    return Evidence(
        events=events_of(journal := in_order(groups["events"])),
        traces=_all(groups["trace"], _trace),
        snapshots=_all(groups["snapshot"], _snapshot),
        pictures=_all(groups["figure"], _picture),
        cells=cells,
        errors=with_untold(_all(groups["error"], _error), groups["cell"]),
        probes=_all(groups["probe"], _probe),
        loads=_all(groups["load"], _load),
        state=_state(states[-1]) if states else None,
        reference_loop=bool(groups["reference-loop"]),
        started_cell=Fields(starts[-1].header, "cell-start").get("cell", int) if starts else None,
        ended=bool(groups["ended"]),
        broken=str(broken[0].header.get("text", ""))[:500] if broken else None,
        repeated=len(groups["events"]) - len(journal),
    )


_KINDS = (
    "hello",
    "events",
    "trace",
    "snapshot",
    "figure",
    "cell-start",
    "cell",
    "output",
    "error",
    "probe",
    "load",
    "state",
    "reference-loop",
    "ended",
    "done",
    "broken",
)


def _all(frames: list[Frame], read: Callable[[Frame], T]) -> tuple[T, ...]:
    return tuple(read(frame) for frame in frames)


def _place(value: Any) -> Place | None:
    if value is None:
        return None
    fields = Fields(value, "place")
    return Place(fields.get("file", str)[:300], fields.optional("cell", int), fields.get("line", int))


def _trace(frame: Frame) -> Trace:
    fields = Fields(frame.header, "trace")
    step = fields.optional("step", dict)
    described = Fields(step, "trace.step") if step else None
    return Trace(
        index=fields.get("index", int),
        reason=fields.get("reason", str),
        events=fields.ints("events"),
        place=_place(frame.header.get("at")),
        nodes=tuple(_node(node) for node in fields.mappings("nodes")),
        backwards=tuple(_backward(item) for item in fields.mappings("backwards")),
        optimizer=described.get("optimizer", int) if described else None,
        optimizer_description=_optimizer(described.get("description", dict)) if described else None,
        step_place=_place(step.get("at")) if step else None,
        returned=tuple(r["value"] for r in fields.mappings("returns") if isinstance(r.get("value"), int)),
        truncated=fields.get("truncated", bool),
        arrays=frame.arrays,
    )


def _node(value: Mapping[str, Any]) -> Node:
    fields = Fields(value, "node")
    outputs = [Fields(item, "node.out") for item in fields.mappings("out")]
    return Node(
        op=fields.get("op", str),
        inputs=tuple(fields.items("in")),
        options=fields.get("kw", dict),
        outputs=tuple(item.get("v", int) for item in outputs),
        shapes=tuple(item.ints("shape") for item in outputs),
        grad=fields.get("grad", bool),
        place=_place(value.get("at")),
        error=fields.optional("error", str),
    )


def _backward(value: Mapping[str, Any]) -> Backward:
    fields = Fields(value, "backward")
    return Backward(
        fields.optional("root", int),
        fields.get("stale", bool),
        fields.optional("loss", (int, float)),
        fields.get("forwards", int),
        _place(value.get("at")),
    )


def _numbered(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[int, np.ndarray]:
    found = {}
    for name, array in arrays.items():
        head, _, tail = name.rpartition("/")
        if head == prefix and _is_number(tail):
            found[int(tail)] = array
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _model_number(text: str) -> int:
    """Models have numbers from 0 on; -1 and -2 stand for those without a parameter that was seen first."""
    if not _is_number(text.removeprefix("-")):
        raise EvidenceError("a model of the state has no number")
    return int(text)


def _snapshot(frame: Frame) -> Snapshot:
    fields = Fields(frame.header, "snapshot")
    return Snapshot(fields.get("event", int), fields.get("model", int), _numbered(frame.arrays, "parameter"))


def _picture(frame: Frame) -> Picture:
    image = frame.arrays.get("image")
    if image is None or image.ndim not in (2, 3):
        raise EvidenceError("a figure without an image")
    return Picture(Fields(frame.header, "figure").get("event", int), image, _place(frame.header.get("at")))


def _cells(finished: list[Frame], texts: list[Frame]) -> tuple[CellRun, ...]:
    """The cells that finished, and what the one that did not had printed by then."""
    runs = [_cell(frame) for frame in finished]
    numbers = {run.cell for run in runs}
    parts: dict[int, list[str]] = {}
    for frame in texts:
        fields = Fields(frame.header, "output")
        parts.setdefault(fields.get("cell", int), []).append(fields.get("text", str))
    for cell, pieces in parts.items():
        if cell not in numbers:
            output = {"output_type": "stream", "name": "stdout", "text": "".join(pieces)}
            runs.append(CellRun(cell, -1, (output,), True, False, 0.0))
    return tuple(runs)


def _cell(frame: Frame) -> CellRun:
    fields = Fields(frame.header, "cell")
    return CellRun(
        fields.get("cell", int),
        fields.get("index", int),
        fields.mappings("outputs"),
        fields.get("failed", bool),
        fields.get("died", bool),
        float(fields.get("wall_s", (int, float))),
        fields.optional("cut", int) or 0,
    )


def _error(frame: Frame) -> RunError:
    fields = Fields(frame.header, "error")
    return RunError(
        fields.get("cell", int),
        fields.get("type", str),
        fields.get("text", str),
        _place(frame.header.get("at")),
        fields.optional("no_shared_memory", bool) or False,
    )


def _probe(frame: Frame) -> ProbeAnswer:
    fields = Fields(frame.header, "probe")
    errors = {int(k): str(v)[:300] for k, v in fields.get("errors", dict).items() if _is_number(k)}
    return ProbeAnswer(fields.get("model", int), _numbered(frame.arrays, "scores"), errors)


def _load(frame: Frame) -> DataLoad:
    fields = Fields(frame.header, "load")
    return DataLoad(fields.get("name", str)[:200], fields.get("redirected", bool), _place(frame.header.get("at")))


def _state(frame: Frame) -> State:
    fields = Fields(frame.header, "state")
    models = fields.get("models", dict)
    return State(
        models={_model_number(k): Fields(models, "models").ints(k) for k in models},
        final=_numbered(frame.arrays, "final"),
        first=_numbered(frame.arrays, "first"),
        optimizers=_optimizers(fields, "optimizers"),
        alive_optimizers=_optimizers(fields, "alive_optimizers"),
        layers=fields.mappings("layers"),
        modules=_modules(fields),
        variables=fields.mappings("variables"),
        variable_arrays={k: v for k, v in frame.arrays.items() if k.startswith("variable/")},
        overflow=fields.get("overflow", int),
        graphs=fields.ints("graphs"),
        faults={str(k): v for k, v in fields.get("faults", dict).items() if isinstance(v, int)},
        names=tuple(str(name) for name in fields.items("names")),
    )


def _optimizers(state: Fields, key: str) -> tuple[Mapping[str, Any], ...]:
    """Descriptions of optimizers, of which the checks read class, bases, settings and parameters."""
    return tuple(_optimizer(description) for description in state.mappings(key))


def _optimizer(description: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = Fields(description, "optimizer")
    fields.get("class", str)
    if any(not isinstance(base, str) for base in fields.items("bases")):
        raise EvidenceError("optimizer.bases holds something else than names")
    for group in fields.mappings("groups"):
        Fields(group, "optimizer.groups").get("settings", dict)
        Fields(group, "optimizer.groups").ints("parameters")
    return description


def _modules(state: Fields) -> tuple[Mapping[str, Any], ...]:
    """Layers that were alive, of which the checks read class, settings and the parameters' shapes."""
    found = state.mappings("modules")
    for module in found:
        fields = Fields(module, "modules")
        fields.get("class", str)
        fields.get("settings", dict)
        parameters = fields.get("parameters", dict)
        for name in parameters:
            Fields(Fields(parameters, "modules.parameters").get(name, dict), "modules.parameters").ints("shape")
    return found
