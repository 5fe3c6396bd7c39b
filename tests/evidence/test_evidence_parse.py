"""Frames -> evidence: right values arrive, wrong types are refused."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from grader.errors import EvidenceError
from grader.evidence import Frame, parse_evidence
from grader.evidence.values import Kind, Place
from tests.evidence.frames import EMPTY_KINDS, KINDS, events, valid

WRONG = {int: "1", str: 1, bool: 1, list: {}, dict: [], float: "1"}


def changed(kind: str, *path: str | int, value: Any) -> Frame:
    """A valid frame with the value at `path` of its header replaced; `...` takes it out."""
    frame = valid(kind)
    place: Any = frame.header
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return frame


def test_a_picture_after_the_last_cell_is_none_of_the_students() -> None:
    """What is drawn when every cell has ended was drawn by no cell, and does not count."""
    evidence = parse_evidence([valid("figure"), valid("ended"), valid("figure"), valid("figure")])
    assert len(evidence.pictures) == 1


def test_nothing_at_all() -> None:
    """A run that sent nothing is empty evidence."""
    evidence = parse_evidence([])
    assert len(evidence.events.kind) == len(evidence.events.start) == len(evidence.events.keys) == 0
    assert (evidence.state, evidence.started_cell, evidence.broken) == (None, None, None)
    assert not evidence.ended
    assert evidence.output == ""


def test_everything_arrives() -> None:
    """One frame of each kind becomes one value of each kind."""
    evidence = parse_evidence([valid(kind) for kind in (*KINDS, *EMPTY_KINDS)])
    (trace,) = evidence.traces
    assert (trace.reason, trace.events, trace.optimizer, trace.returned) == ("step", (0,), 0, (2,))
    assert trace.nodes[0].shapes == ((3, 10),)
    assert trace.nodes[0].outputs == (2,)
    assert trace.backwards[0].loss == 2.5
    assert trace.step_place == Place("student.ipynb", 2, 3)
    assert evidence.snapshots[0].parameters[0].shape == (2,)
    assert evidence.pictures[0].image.shape == (8, 8)
    assert evidence.probes[0].scores[30].shape == (60, 10)
    assert evidence.probes[0].errors == {7: "RuntimeError"}
    assert evidence.loads[0].name == "train.npz"
    assert evidence.errors[0].type == "NameError"
    assert evidence.started_cell == 2
    assert evidence.state is not None
    assert evidence.state.models == {0: (0, 1)}
    assert evidence.state.final[0].tolist() == [0, 0]
    assert evidence.state.faults == {"figure: ValueError": 2}
    assert set(evidence.state.variable_arrays) == {"variable/X/keys"}
    assert evidence.ended
    assert evidence.reference_loop
    assert evidence.broken == "DeadKernelError"


def test_evidence_is_frozen() -> None:
    """Nobody changes evidence after it has been parsed."""
    with pytest.raises(FrozenInstanceError):
        parse_evidence([]).ended = True  # type: ignore[misc]


def test_unknown_kind() -> None:
    """Frames of a kind that the recorder does not have are refused."""
    with pytest.raises(EvidenceError, match="grade"):
        parse_evidence([Frame("grade", {"kind": "grade", "score": 50}, {})])


FIELDS = [
    ("trace", "index", int), ("trace", "reason", str), ("trace", "events", list), ("trace", "nodes", list),
    ("trace", "backwards", list), ("trace", "returns", list), ("trace", "truncated", bool),
    ("snapshot", "event", int), ("snapshot", "model", int), ("figure", "event", int), ("cell-start", "cell", int),
    ("cell", "cell", int), ("cell", "index", int), ("cell", "outputs", list), ("cell", "failed", bool),
    ("cell", "died", bool), ("cell", "wall_s", float), ("error", "cell", int), ("error", "type", str),
    ("error", "text", str), ("probe", "model", int), ("probe", "errors", dict), ("load", "name", str),
    ("load", "redirected", bool), ("state", "models", dict), ("state", "optimizers", list), ("state", "layers", list),
    ("state", "modules", list), ("state", "variables", list), ("state", "alive_optimizers", list),
    ("state", "overflow", int), ("state", "faults", dict), ("state", "names", list),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "key", "type_"), FIELDS, ids=lambda part: getattr(part, "__name__", part))
def test_each_field_has_its_type(kind: str, key: str, type_: type) -> None:
    """A field that is missing, null or of another type is refused; a bool is no number."""
    wrong = [..., None, WRONG[type_], *([True] if type_ in (int, float) else [])]
    for value in wrong:
        with pytest.raises(EvidenceError, match=key):
            parse_evidence([changed(kind, key, value=value)])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("nodes", 0, "op"), 3),
        (("nodes", 0, "in"), {}),
        (("nodes", 0, "kw"), []),
        (("nodes", 0, "grad"), 1),
        (("nodes", 0, "error"), 1),
        (("nodes", 0, "out", 0), 5),
        (("nodes", 0, "out", 0, "v"), "2"),
        (("nodes", 0, "out", 0, "v"), True),
        (("nodes", 0, "out", 0, "shape"), [3, "10"]),
        (("nodes", 0, "out", 0, "shape"), [3, True]),
        (("nodes", 0, "at"), "here"),
        (("nodes", 0, "at", "line"), None),
        (("nodes", 0, "at", "line"), "3"),
        (("nodes", 0, "at", "cell"), "2"),
        (("nodes", 0, "at", "file"), 3),
        (("nodes", 0), []),
        (("backwards", 0, "root"), "2"),
        (("backwards", 0, "stale"), 0),
        (("backwards", 0, "loss"), "2.5"),
        (("backwards", 0, "forwards"), 1.5),
        (("events",), [0, True]),
        (("events",), [0.0]),
        (("step", "optimizer"), None),
        (("step", "description"), "SGD"),
        (("step",), [1]),
    ],
    ids=str,
)
def test_inside_a_trace(path: tuple[str | int, ...], value: object) -> None:
    """Operations, backward passes and the step are as strict as the frame."""
    with pytest.raises(EvidenceError):
        parse_evidence([changed("trace", *path, value=value)])


@pytest.mark.parametrize(
    ("path", "value"),
    [(("root",), None), (("loss",), None), (("at",), None), (("loss",), 2)],
)
def test_optional_parts_of_a_backward_pass(path: tuple[str, ...], value: object) -> None:
    """What a recorder may not know may be null; a whole number is a number."""
    parse_evidence([changed("trace", "backwards", 0, *path, value=value)])


@pytest.mark.parametrize("column", sorted(events().arrays))
def test_columns_of_the_journal(column: str) -> None:
    """A column that is missing, of another type or of another dimension is refused."""
    right = events().arrays
    other = np.int64 if right[column].dtype != np.int64 else np.int32
    for wrong in (None, np.zeros(len(right[column]), dtype=other), right[column][None]):
        arrays = {**right, column: wrong} if wrong is not None else {k: v for k, v in right.items() if k != column}
        with pytest.raises(EvidenceError, match=column):
            parse_evidence([Frame("events", events().header, arrays)])


@pytest.mark.parametrize("column", ["flags", "who", "value", "keys", "predicted"])
def test_columns_of_another_length(column: str) -> None:
    """Columns of unequal length are refused."""
    right = events().arrays
    with pytest.raises(EvidenceError):
        parse_evidence([Frame("events", events().header, {**right, column: right[column][:-1]})])


@pytest.mark.parametrize("column", ["kind", "size"])
def test_kinds_and_sizes_of_another_length(column: str) -> None:
    """So are unequal numbers of kinds and sizes."""
    right = events().arrays
    with pytest.raises(EvidenceError):
        parse_evidence([Frame("events", events().header, {**right, column: right[column][:-1]})])


def test_sizes_and_keys_must_agree() -> None:
    """Sizes that don't add up to the number of keys, or that are negative, are refused."""
    for sizes in ([3, 1, 3], [-1, 1, 6], [2**31 - 1, 1, 2]):
        with pytest.raises(EvidenceError):
            parse_evidence(
                [Frame("events", events().header, {**events().arrays, "size": np.array(sizes, dtype=np.int32)})]
            )


def test_start_of_each_event() -> None:
    """`start` says where the keys of a forward event begin, across chunks; others own none."""
    later = Frame("events", {"kind": "events", "total": 6}, events().arrays)
    found = parse_evidence([events(), later]).events
    assert found.start.tolist() == [0, 3, 3, 5, 8, 8]
    for i in np.flatnonzero(found.kind == Kind.FORWARD):
        assert found.start[i] + found.size[i] <= len(found.keys)


def test_part_of_the_journal_that_comes_again() -> None:
    """A part that was sent already is left out and counted; one that leaves a gap is refused."""
    found = parse_evidence([events(), events()])
    assert (len(found.events.kind), found.repeated) == (3, 1)
    with pytest.raises(EvidenceError, match="another number of events"):
        parse_evidence([events(), Frame("events", {"kind": "events", "total": 7}, events().arrays)])


@pytest.mark.parametrize("image", [None, np.zeros(8), np.zeros((1, 2, 3, 4)), np.float32(1)])
def test_figure_without_image(image: np.ndarray | None) -> None:
    """A picture has two or three dimensions."""
    with pytest.raises(EvidenceError):
        parse_evidence([Frame("figure", valid("figure").header, {} if image is None else {"image": np.asarray(image)})])


def test_last_state_counts() -> None:
    """Of several final states the last one holds."""
    later = changed("state", "overflow", value=7)
    state = parse_evidence([valid("state"), later]).state
    assert state is not None
    assert state.overflow == 7


def test_texts_are_cut() -> None:
    """Names and messages cannot be made to fill a report."""
    long = "x" * 10_000
    evidence = parse_evidence(
        [
            changed("load", "name", value=long),
            changed("broken", "text", value=long),
            changed("probe", "errors", value={"7": long}),
        ]
    )
    assert len(evidence.loads[0].name) == 200
    assert len(evidence.broken or "") == 500
    assert len(evidence.probes[0].errors[7]) == 300


@pytest.mark.parametrize(
    "key",
    ["seven", "", "²", "-7"],
)
def test_keys_that_are_no_numbers(key: str) -> None:
    """Odd keys and array names are passed over or refused, and never another error."""
    assert_survives(changed("probe", "errors", value={key: "x"}))
    frame = valid("snapshot")
    assert_survives(Frame("snapshot", frame.header, {f"parameter/{key}": np.zeros(1)}))


@pytest.mark.parametrize("key", ["seven", "", "1.5", "9" * 5000])
def test_models_by_number(key: str) -> None:
    """A model's name that is no number is refused as evidence, not as a fault of the grader."""
    assert_survives(changed("state", "models", value={key: [0]}))


def assert_survives(frame: Frame) -> None:
    """Evidence or an EvidenceError."""
    try:
        parse_evidence([frame])
    except EvidenceError:
        return


def test_output_is_what_was_shown() -> None:
    """Printed and displayed text counts, in order; tracebacks and pictures do not."""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "one\n"},
        {"output_type": "execute_result", "data": {"text/plain": "two"}},
        {"output_type": "error", "ename": "E", "evalue": "acc 99%", "traceback": ["acc 99%"]},
        {"output_type": "display_data", "data": {"image/png": "...", "text/plain": "<Figure>"}},
        {"output_type": "display_data", "data": []},
        {"output_type": 3},
    ]
    assert parse_evidence([changed("cell", "outputs", value=outputs)]).output == "one\ntwo\n<Figure>\n"


ODD_MODULES = [
    {"class": "Conv2d", "parameters": []},
    {"class": "Conv2d", "parameters": {"weight": {"shape": [10, 1, 8, 8]}}, "settings": 3},
    {"class": "Linear", "parameters": {"weight": 3}, "settings": {}},
    {"class": "Linear", "parameters": {"weight": {"shape": ["a", None]}}, "settings": {}},
    {"class": ["Linear"], "parameters": {}, "settings": {}},
]


@pytest.mark.parametrize("module", ODD_MODULES, ids=str)
def test_layers_that_are_none(module: dict[str, object]) -> None:
    """What the student's process says of its layers has the form that the checks read, or is refused."""
    with pytest.raises(EvidenceError):
        parse_evidence([changed("state", "modules", value=[module])])


ODD_OPTIMIZERS = [
    {"class": 3, "bases": [], "groups": []},
    {"class": "SGD", "bases": [], "groups": [{"settings": 3, "parameters": []}]},
    {"class": "Mine", "bases": None, "groups": []},
    {"class": "Mine", "bases": [[]], "groups": []},
    {"class": "Mine", "bases": [], "groups": [{"settings": {}, "parameters": [[1]]}]},
]


@pytest.mark.parametrize("key", ["optimizers", "alive_optimizers"])
@pytest.mark.parametrize("optimizer", ODD_OPTIMIZERS, ids=str)
def test_optimizers_that_are_none(key: str, optimizer: dict[str, object]) -> None:
    """So has what it says of its optimizers."""
    with pytest.raises(EvidenceError):
        parse_evidence([changed("state", key, value=[optimizer])])
