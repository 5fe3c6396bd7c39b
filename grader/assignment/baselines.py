"""How well the reference CNN does on a data set: looked up where it is known, measured where it is not.

`baselines.json` beside the rubric ships the baselines of well-known data sets; each holds for one reference model,
number of epochs, batch size and learning rate, so a change of those has it measured anew.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.assignment.cache import cache_directory, read_record, write_atomically, write_record
from grader.assignment.folder import Assignment
from grader.assignment.progress import Progress
from grader.errors import AssignmentError

if TYPE_CHECKING:
    from grader.assignment.data import Dataset

FILE = "baselines.json"
SCHEMA = "grader.baselines/1"
RUNS = 5
"""How many seeds a baseline is measured with: fewer say too little of the spread."""


@dataclass(frozen=True)
class BaselineEpoch:
    """One epoch of the reference, averaged over its runs: mean cross entropy per image, and accuracy from 0 to 1."""

    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float


_METRICS = tuple(field.name for field in fields(BaselineEpoch))


@dataclass(frozen=True)
class Baseline:
    """The reference CNN on one data set: mean and sample standard deviation of the last epoch's test accuracy over
    `runs` seeds, as fractions of 1, and the mean learning curve."""

    mean: float
    std: float
    runs: int
    epochs: tuple[BaselineEpoch, ...]


def find_baseline(assignment: Assignment, dataset: Dataset, progress: Progress) -> Baseline:
    """The baseline that the assignment ships for this data set, else the cached one, else a new measurement.

    Measuring takes five trainings of the reference (about a minute on MNIST with two cores); it is then cached.
    Raises AssignmentError for a malformed `baselines.json` and for a reference model that fails.
    """
    settings = _settings(assignment)
    shipped = _shipped(assignment)
    if dataset.sha256 in shipped["datasets"] and {key: shipped.get(key) for key in settings} == settings:
        return _parse(shipped["datasets"][dataset.sha256], assignment)
    key = hashlib.sha256(json.dumps([dataset.sha256, settings]).encode()).hexdigest()
    path = cache_directory() / "baselines" / f"{key}.json"
    record = read_record(path, SCHEMA)
    if record is not None:
        return _parse(record["baseline"], assignment)
    baseline = calibrate(assignment, dataset, progress)
    write_record(path, SCHEMA, {"dataset": dataset.name, "baseline": asdict(baseline)})
    return baseline


def calibrate(assignment: Assignment, dataset: Dataset, progress: Progress, runs: int = RUNS) -> Baseline:
    """Trains the reference CNN with seeds 0, 1, ..., at most two at a time, and sums the runs up.

    Raises AssignmentError where the reference model fails.
    """
    from grader.assignment.calibration import train_seeds

    return summarise(train_seeds(assignment, dataset, runs, progress))


def summarise(histories: Sequence[Sequence[Mapping[str, float]]]) -> Baseline:
    """The baseline of at least two runs, each a list of epochs with the keys of a BaselineEpoch."""
    finals = [history[-1]["test_accuracy"] for history in histories]
    mean = sum(finals) / len(finals)
    return Baseline(
        mean=mean,
        std=math.sqrt(sum((final - mean) ** 2 for final in finals) / (len(finals) - 1)),
        runs=len(finals),
        epochs=tuple(
            BaselineEpoch(**{name: sum(epoch[name] for epoch in same) / len(same) for name in _METRICS})
            for same in zip(*histories, strict=True)
        ),
    )


def write_baseline(assignment: Assignment, dataset: Dataset, name: str, baseline: Baseline) -> Path:
    """Adds a baseline to the assignment's `baselines.json` under the data set's hash, and returns that file.

    Baselines of another reference model or other settings are dropped from it.
    """
    settings = _settings(assignment)
    shipped = _shipped(assignment)
    datasets = shipped["datasets"] if {key: shipped.get(key) for key in settings} == settings else {}
    entry = {"name": name, "train": dataset.train, "test": dataset.test, **_rounded(asdict(baseline))}
    content = {"schema": SCHEMA, **settings, "datasets": {**datasets, dataset.sha256: entry}}
    path = assignment.directory / FILE
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
    return path


def known_names(assignment: Assignment) -> Mapping[str, str]:
    """The names of the data sets in `baselines.json`, by hash."""
    return {sha256: str(entry.get("name")) for sha256, entry in _shipped(assignment)["datasets"].items()}


def code_hash(path: Path) -> str:
    """SHA-256 of a module's code without comments and docstrings, so that better prose does not outdate a baseline.

    Raises AssignmentError where it is not Python.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise AssignmentError(f"this is not Python: {error}", file=str(path), remedy="Mend it there") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def _settings(assignment: Assignment) -> dict[str, Any]:
    """What a baseline depends on besides the data."""
    parameters = assignment.rubric.parameters
    return {
        "model_sha256": code_hash(assignment.model_path),
        **{name: parameters[name] for name in ("epochs", "batch_size", "learning_rate")},
    }


def _shipped(assignment: Assignment) -> Mapping[str, Any]:
    """The content of `baselines.json`; without data sets where the assignment has none."""
    path = assignment.directory / FILE
    if not path.is_file():
        return {"datasets": {}}
    record = read_record(path, SCHEMA)
    if record is None or not isinstance(record.get("datasets"), dict):
        raise _malformed(assignment, f'it is not JSON of the schema "{SCHEMA}"')
    if not all(isinstance(entry, dict) for entry in record["datasets"].values()):
        raise _malformed(assignment, "an entry of its data sets is not an object")
    return record


def _parse(entry: Mapping[str, Any], assignment: Assignment) -> Baseline:
    try:
        return Baseline(
            mean=float(entry["mean"]),
            std=float(entry["std"]),
            runs=int(entry["runs"]),
            epochs=tuple(BaselineEpoch(**epoch) for epoch in entry["epochs"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed(assignment, f"an entry of its data sets is damaged ({error})") from error


def _malformed(assignment: Assignment, message: str) -> AssignmentError:
    return AssignmentError(
        message,
        file=str(assignment.directory / FILE),
        remedy="Delete the file; baselines are then measured when needed",
    )


def _rounded(value: Any) -> Any:
    """The same structure with floats of six decimals: 10,000 test images tell four apart."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value
