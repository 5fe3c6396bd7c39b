"""The rubric: questions, checks, points, parameters and limits, read strictly from `rubric.toml`."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from grader.assignment.late import LatePolicy, read_late
from grader.assignment.tables import (
    COUNT,
    FRACTION,
    HEIGHT_AND_WIDTH,
    MOMENT,
    NATURAL,
    NOT_NEGATIVE,
    POSITIVE,
    TABLE,
    TABLES,
    TEXT,
    TEXTS,
    Kind,
    TableReader,
    one_of,
)
from grader.errors import AssignmentError

SCHEMA = "grader.rubric/1"

TASK: Mapping[str, Kind] = {
    "image": HEIGHT_AND_WIDTH,
    "classes": COUNT,
    "in_channels": COUNT,
    "out_channels": COUNT,
    "kernel": COUNT,
    "stride": COUNT,
    "padding": NATURAL,
    "features": COUNT,
    "activation": TEXT,
    "loss": TEXT,
    "optimizers": TEXTS,
    "batch_size": COUNT,
    "epochs": COUNT,
    "learning_rate": POSITIVE,
    "seed": NATURAL,
    "quick_train": COUNT,
    "quick_test": COUNT,
}
"""The parameters that every rubric sets, with what each value must be; `reference/rubric.toml` explains them."""

TOLERANCES: Mapping[str, Kind] = {
    "coverage": FRACTION,
    "reported_tolerance": FRACTION,
    "chance": FRACTION,
    "slack": FRACTION,
    "sigmas": NOT_NEGATIVE,
}
"""The parameters that single checks compare with; a rubric sets them for all checks or for one."""

PARAMETERS: Mapping[str, Kind] = {**TASK, **TOLERANCES}

Visibility = Literal["shown", "after_deadline", "hidden"]
"""Whether a released report shows a check to its student: at once, once the deadline has passed, or never."""

VISIBILITY = one_of(*get_args(Visibility))


@dataclass(frozen=True)
class Limits:
    """What one student's run may use: seconds, bytes, numbers of processes, and of files and folders (`entries`)."""

    wall_s: float
    memory_bytes: int
    processes: int
    file_bytes: int
    disk_bytes: int
    entries: int
    output_bytes: int
    evidence_bytes: int


MEGA, GIGA = 1024**2, 1024**3
LIMITS: Mapping[str, tuple[str, Kind, float]] = {
    "wall_s": ("wall_s", POSITIVE, 1.0),
    "memory_gb": ("memory_bytes", POSITIVE, GIGA),
    "processes": ("processes", COUNT, 1),
    "file_mb": ("file_bytes", POSITIVE, MEGA),
    "disk_mb": ("disk_bytes", POSITIVE, MEGA),
    "files": ("entries", COUNT, 1),
    "output_mb": ("output_bytes", POSITIVE, MEGA),
    "evidence_mb": ("evidence_bytes", POSITIVE, MEGA),
}
"""The limits by their names in a rubric: the field of `Limits`, what the value must be, and its unit."""


@dataclass(frozen=True)
class CheckSpec:
    """One check as the rubric wants it; `parameters` are the shared ones with the check's own laid over them."""

    id: str
    question: str
    points: float
    parameters: Mapping[str, Any]
    visibility: Visibility = "shown"


@dataclass(frozen=True)
class Question:
    id: str
    title: str
    checks: tuple[CheckSpec, ...]

    @property
    def max_score(self) -> float:
        return sum(check.points for check in self.checks)


@dataclass(frozen=True)
class Rubric:
    """A whole rubric; `parameters` are the shared ones, `sha256` is of the file's bytes.

    `deadline` has its offset from UTC; it is None where the rubric names none.
    """

    id: str
    title: str
    questions: tuple[Question, ...]
    parameters: Mapping[str, Any]
    limits: Limits
    sha256: str
    max_score: float
    deadline: datetime | None = None
    late: LatePolicy | None = None

    def withheld(self, at: datetime) -> frozenset[str]:
        """The ids of the checks that a report released at this moment (with its offset) does not show."""
        passed = self.deadline is not None and at >= self.deadline
        visible = {"shown", "after_deadline"} if passed else {"shown"}
        checks = (check for question in self.questions for check in question.checks)
        return frozenset(check.id for check in checks if check.visibility not in visible)


def load_rubric(path: Path) -> Rubric:
    """Reads and validates a rubric file.

    Raises AssignmentError, naming file, place and remedy, for a file that cannot be read or parsed, another schema, an
    unknown or missing key, a value of the wrong kind, a repeated id, or points that do not add up.
    """
    try:
        content = path.read_bytes()
        values = tomllib.loads(content.decode())
    except OSError as error:
        raise AssignmentError(
            f"the rubric cannot be read ({error.strerror})", file=str(path), remedy="Give a folder with a rubric.toml"
        ) from error
    except ValueError as error:
        raise AssignmentError(f"this is not TOML: {error}", file=str(path), remedy="Mend it there") from error
    top = TableReader(values, str(path), "top level")
    schema = top.read("schema", TEXT)
    if schema != SCHEMA:
        raise top.error(f'the schema is "{schema}"', f'This grader reads "{SCHEMA}"')
    parameters = _read_parameters(top)
    deadline = top.read_optional("deadline", MOMENT, None)
    rubric = Rubric(
        id=top.read("id", TEXT),
        title=top.read("title", TEXT),
        questions=_read_questions(top, parameters),
        parameters=parameters,
        limits=_read_limits(top),
        sha256=hashlib.sha256(content).hexdigest(),
        max_score=float(top.read("points", POSITIVE)),
        deadline=deadline,
        late=read_late(top, deadline),
    )
    top.finish()
    _require_deadline(top, rubric)
    _require_sum(top, "the questions", sum(question.max_score for question in rubric.questions), rubric.max_score)
    return rubric


def _read_parameters(top: TableReader) -> dict[str, Any]:
    reader = TableReader(top.read("parameters", TABLE), top.file, "[parameters]")
    parameters = {name: reader.read(name, kind) for name, kind in TASK.items()} | reader.read_known(TOLERANCES)
    reader.finish()
    features = _features(parameters)
    if features != parameters["features"]:
        raise reader.error(
            f'"features" is {parameters["features"]}, but the convolution gives {features} features',
            "Make features, image, kernel, stride, padding and out_channels agree",
        )
    return parameters


def _features(parameters: Mapping[str, Any]) -> int:
    """How many numbers the convolution's output has for one image (11 * 11 * 10 = 1210)."""
    features: int = parameters["out_channels"]
    for side in parameters["image"]:
        features *= max((side + 2 * parameters["padding"] - parameters["kernel"]) // parameters["stride"] + 1, 0)
    return features


def _read_limits(top: TableReader) -> Limits:
    reader = TableReader(top.read("limits", TABLE), top.file, "[limits]")
    values = {name: reader.read(name, kind) for name, (_, kind, _) in LIMITS.items()}
    reader.finish()
    return Limits(**_in_units(values))


def with_limits(limits: Limits, changes: Mapping[str, Any]) -> Limits:
    """`limits` with some replaced, each named and measured as in a rubric: `{"disk_mb": 500}`.

    Raises AssignmentError for a name that no limit has, and for a value of the wrong kind.
    """
    reader = TableReader(changes, "--limit", "on the command line")
    values = reader.read_known({name: kind for name, (_, kind, _) in LIMITS.items()})
    reader.finish()
    return replace(limits, **_in_units(values))


def _in_units(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Limits` for values in a rubric's units."""
    found = {}
    for name, value in values.items():
        field, _, unit = LIMITS[name]
        found[field] = float(value) if field == "wall_s" else int(value * unit)
    return found


def _read_questions(top: TableReader, shared: Mapping[str, Any]) -> tuple[Question, ...]:
    questions = tuple(
        _read_question(TableReader(values, top.file, f"question {number}"), shared)
        for number, values in enumerate(top.read("questions", TABLES), start=1)
    )
    _require_distinct(top, "question", [question.id for question in questions])
    _require_distinct(top, "check", [check.id for question in questions for check in question.checks])
    return questions


def _read_question(reader: TableReader, shared: Mapping[str, Any]) -> Question:
    identifier = reader.read("id", TEXT)
    reader.place = f'question "{identifier}"'
    points = reader.read("points", POSITIVE)
    visibility = reader.read_optional("visibility", VISIBILITY, "shown")
    question = Question(
        id=identifier,
        title=reader.read("title", TEXT),
        checks=tuple(
            _read_check(
                TableReader(values, reader.file, f"{reader.place}, check {number}"), identifier, shared, visibility
            )
            for number, values in enumerate(reader.read("checks", TABLES), start=1)
        ),
    )
    reader.finish()
    _require_sum(reader, "its checks", question.max_score, points)
    return question


def _read_check(reader: TableReader, question: str, shared: Mapping[str, Any], visibility: Visibility) -> CheckSpec:
    identifier = reader.read("id", TEXT)
    reader.place = f'question "{question}", check "{identifier}"'
    if not re.fullmatch(r"[a-z_]+\.[a-z_]+", identifier):
        raise reader.error("the id has another form", 'It must be like "layers.convolution"')
    points = reader.read("points", POSITIVE)
    own = TableReader(reader.read_optional("parameters", TABLE, {}), reader.file, f"{reader.place}, parameters")
    parameters = {**shared, **own.read_known(PARAMETERS)}
    own.finish()
    check = CheckSpec(
        id=identifier,
        question=question,
        points=float(points),
        parameters=parameters,
        visibility=reader.read_optional("visibility", VISIBILITY, visibility),
    )
    reader.finish()
    return check


def _require_deadline(top: TableReader, rubric: Rubric) -> None:
    for question in rubric.questions:
        for check in question.checks:
            if check.visibility == "after_deadline" and rubric.deadline is None:
                raise top.error(
                    f'the check "{check.id}" is shown after the deadline, but there is none', 'Add the key "deadline"'
                )


def _require_distinct(reader: TableReader, what: str, ids: list[str]) -> None:
    for identifier in ids:
        if ids.count(identifier) > 1:
            raise reader.error(f'the {what} id "{identifier}" is used twice', "Give each its own id")


def _require_sum(reader: TableReader, parts: str, total: float, points: float) -> None:
    if abs(total - points) > 1e-9:
        raise reader.error(f'"points" is {points:g}, but {parts} add up to {total:g}', "Change one to match the other")
