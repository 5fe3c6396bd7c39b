"""nbgrader and Otter on the same notebooks: installed by pip, driven through their own command lines.

Both get what the course of such a grader would have: four plain asserts on the variables that a notebook leaves behind,
as nbgrader's test cells and as Otter's test files, and the helper script, which reads the data where it lies, so that
nobody copies it. What they take for each submission is then what their own work takes, and the same training.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench_class.submissions import HELPERS, notebook
from tests.bench_class.timing import Ran, run, tell

ASSERTS = (
    "assert {tuple(p.shape) for p in model.parameters()} >= {(10, 1, 8, 8), (10, 1210)}",
    "assert tuple(model(train_X[:30])[0].shape) == (30, 10)",
    "assert isinstance(loss_function, nn.CrossEntropyLoss) and isinstance(optimizer, torch.optim.SGD)",
    "assert (model(test_X)[0].argmax(1) == test_Y).float().mean().item() > 0.85",
)

_NBGRADER_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "bench"
c.Execute.timeout = 3600
c.Execute.startup_timeout = 300
"""
_READ_THERE = """\
import os

_read = read_npz


def read_npz(name):
    return _read(os.path.join({folder!r}, os.path.basename(name)))
"""
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
NAME = "practical"


@dataclass(frozen=True)
class Work:
    """The class as a peer gets it: id -> (number, mistake), and the folder with train.npz and test.npz."""

    students: Mapping[str, tuple[int, str]]
    data: Path


@dataclass(frozen=True)
class Graded:
    """What a peer took for a class, and the points that it gave, by id."""

    ran: Ran
    points: Mapping[str, float]


def install(name: str, home: Path, pip_flags: Sequence[str]) -> Path:
    """The `bin` folder of an environment with this package and the torch that runs here; made at the first call."""
    binaries = home / name / "bin"
    done = home / name / ".installed"
    if not done.exists():
        tell(f"installing {name}")
        home.mkdir(parents=True, exist_ok=True)
        run([sys.executable, "-m", "venv", "--clear", home / name], home)
        same = [f"{package}=={version(package).partition('+')[0]}" for package in ("torch", "numpy", "matplotlib")]
        run([binaries / "python", "-m", "pip", "install", "--quiet", *pip_flags, *same, "ipykernel", name], home)
        done.touch()
    return binaries


def version_of(binaries: Path, package: str) -> str:
    """The version that is installed there."""
    found = next((binaries.parent / "lib").glob(f"python*/site-packages/{package.replace('-', '_')}-*.dist-info"))
    return found.name.removesuffix(".dist-info").rpartition("-")[2]


def nbgrader(binaries: Path, work: Work, folder: Path) -> Graded:
    """`nbgrader autograde` of the whole class, one after the other, as it does."""
    _write_helpers(folder / "source" / NAME, work.data)
    (folder / "nbgrader_config.py").write_text(_NBGRADER_CONFIG, encoding="utf-8")
    _write(folder / "source" / NAME / f"{NAME}.ipynb", _with_test_cells(notebook(0, "")))
    path = _environment(binaries)
    run([binaries / "nbgrader", "generate_assignment", NAME], folder, path)
    for id_, (number, mistake) in work.students.items():
        _write_helpers(folder / "submitted" / id_ / NAME, work.data)
        _write(folder / "submitted" / id_ / NAME / f"{NAME}.ipynb", _with_test_cells(notebook(number, mistake)))
    ran = run([binaries / "nbgrader", "autograde", NAME], folder, path)
    run([binaries / "nbgrader", "export"], folder, path)
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        points = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    return Graded(ran, points)


def otter(binaries: Path, work: Work, folder: Path) -> Graded:
    """`otter run` on each notebook of the class, one after the other."""
    _write_helpers(folder, work.data)
    (folder / "tests").mkdir()
    for number, statement in enumerate(ASSERTS, 1):
        case = {"code": f">>> {statement}\n", "hidden": False, "locked": False}
        suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": f"q{number}", "points": 1, "suites": [suite]}
        (folder / "tests" / f"q{number}.py").write_text(f"OK_FORMAT = True\ntest = {test!r}\n", encoding="utf-8")
    path = _environment(binaries)
    run([binaries / "otter", "generate", "-t", "tests", "--no-environment", "helper_functions.py"], folder, path)
    total, points = Ran(0.0, 0.0, 0.0), {}
    for id_, (number, mistake) in work.students.items():
        home = folder / "submitted" / id_
        home.mkdir(parents=True)
        _write(home / f"{NAME}.ipynb", notebook(number, mistake))
        ran = run([binaries / "otter", "run", "-a", folder / "autograder.zip", "-o", home, f"{NAME}.ipynb"], home, path)
        total = Ran(total.wall + ran.wall, total.cpu + ran.cpu, max(total.peak_mb, ran.peak_mb))
        results = json.loads((home / "results.json").read_text(encoding="utf-8"))
        points[id_] = sum(float(test.get("score") or 0) for test in results["tests"])
    return Graded(total, points)


def _environment(binaries: Path) -> dict[str, str]:
    """The peer's own packages and Jupyter kernel, and no others."""
    return {"PATH": f"{binaries}:/usr/bin:/bin", "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": ""}


def _with_test_cells(document: Any) -> Any:
    """The notebook with one of nbgrader's test cells for each assert."""
    for number, statement in enumerate(ASSERTS, 1):
        mark = {
            "grade": True, "solution": False, "task": False, "locked": True, "points": 1, "grade_id": f"q{number}",
            "schema_version": 3, "cell_type": "code",
        }  # fmt: skip
        cell = {"cell_type": "code", "execution_count": None, "metadata": {"nbgrader": mark}, "outputs": []}
        document["cells"].append({**cell, "id": f"test-{number}", "source": statement})
    return document


def _write(path: Path, document: Any) -> None:
    document["metadata"]["kernelspec"] = _KERNEL
    path.write_text(json.dumps(document), encoding="utf-8")


def _write_helpers(folder: Path, data: Path) -> None:
    """The helper script, which reads the data where it lies."""
    folder.mkdir(parents=True, exist_ok=True)
    text = HELPERS.read_text(encoding="utf-8")
    there = _READ_THERE.format(folder=str(data))
    (folder / HELPERS.name).write_text(f"{text}\n\n{there}", encoding="utf-8")
