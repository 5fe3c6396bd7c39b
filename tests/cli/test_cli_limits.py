"""Limits that strike, cells that kill, Ctrl-C, and a machine without bubblewrap."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.pipeline import available_isolation
from tests.cli.conftest import Grade, Start
from tests.cli.samples import LOAD, TRAIN_ONE_BATCH, is_one_line
from tests.submission.uploads import notebook, write

# How long a run may take to get to its second cell: what suffices on a quiet machine, and on a busy one.
PATIENCE = (12, 40, 120)
HOLD = f"hold_{os.getpid()}"  # part of a command line that only this test's processes have


def outputs(folder: Path) -> list[list[Any]]:
    """The outputs of each cell in the executed notebook, which has to be a valid one."""
    executed = nbformat.reads((folder / "executed.ipynb").read_text(encoding="utf-8"), as_version=nbformat.NO_CONVERT)
    nbformat.validate(executed)
    assert (executed.nbformat, executed.nbformat_minor) == (4, 5)
    return [cell.outputs for cell in executed.cells]


def points(report: dict[str, Any]) -> dict[str, float | None]:
    """The points of each check."""
    return {check["id"]: check["points"] for question in report["questions"] for check in question["checks"]}


def finding(report: dict[str, Any], name: str) -> dict[str, Any]:
    """The one finding of this id."""
    (found,) = [found for found in report["findings"] if found["id"] == name]
    return dict(found)


def test_timeout_strikes(grade: Grade, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """A notebook whose last cell never ends is ended after --timeout seconds and graded on what was recorded: the data
    and the model of the cells before count, status and finding say what happened and where, and grading succeeded."""
    write(here / "endless.ipynb", notebook(LOAD, TRAIN_ONE_BATCH, "while True: pass"))
    for seconds in PATIENCE:
        finished = grade("endless.ipynb", *on_quick_mnist, "--timeout", seconds, "--format", "json", "--no-cache")
        report = json.loads(finished.out)
        if (finding(report, "run.timeout")["where"] or {}).get("cell") == 3:
            break

    assert finished.code == 0
    assert report["status"] == "timed_out"
    assert report["run"]["limit"] == "wall"
    assert f"{seconds} s" in report["message"]
    assert finding(report, "run.timeout")["where"]["cell"] == 3
    assert {name: points(report)[name] for name in ("data.loaded", "data.shapes_shown", "layers.convolution")} == {
        "data.loaded": 3, "data.shapes_shown": 1, "layers.convolution": 4,
    }  # fmt: skip
    shown = outputs(here / "grades" / "endless")
    assert "6000, 784" in shown[0][0].text
    assert shown[2] == []


def test_memory_limit_strikes(grade: Grade, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """A run that takes more than --memory is ended as out_of_memory, and says how much it took; nothing else suffers.
    The program stops by itself at 900 MiB, should no limit hold it."""
    grab = "blocks = []\nfor _ in range(45):\n    blocks.append(bytearray(b'x') * (20 * 2**20))\nprint('never')"
    write(here / "greedy.ipynb", notebook(LOAD, grab, "print('after')"))
    finished = grade("greedy.ipynb", *on_quick_mnist, "--memory", "0.6", "--format", "json")
    report = json.loads(finished.out)

    assert finished.code == 0
    assert report["status"] == "out_of_memory"
    assert report["run"]["limit"] == "memory"
    assert report["run"]["peak_memory_mb"] > 0.6 * 1024
    assert finding(report, "run.out-of-memory")["where"]["cell"] == 2
    assert points(report)["data.loaded"] == 3
    assert outputs(here / "grades" / "greedy")[1:] == [[], []]


@pytest.fixture
def died(grade: Grade, here: Path, on_quick_mnist: tuple[str, ...]) -> dict[str, Any]:
    """The report on a notebook whose second cell ends the process without a word."""
    write(here / "gone.ipynb", notebook(LOAD, "import os\nprint('last words', flush=True)\nos._exit(3)", "print(1)"))
    finished = grade("gone.ipynb", *on_quick_mnist, "--format", "json")
    assert (finished.code, finished.err) == (0, "")
    found: dict[str, Any] = json.loads(finished.out)
    return found


def test_a_cell_that_kills_its_process(died: dict[str, Any], here: Path) -> None:
    """After os._exit in a cell the cells before count, and a finding names that cell."""
    assert finding(died, "run.killed")["where"]["cell"] == 2
    assert (points(died)["data.loaded"], points(died)["data.shapes_shown"]) == (3, 1)
    assert len(outputs(here / "grades" / "gone")) == 3


def test_a_dead_process_is_called_so(died: dict[str, Any]) -> None:
    """The report of a process that died says so: status crashed, and not that the run was complete."""
    assert died["status"] == "crashed"
    assert "complete" not in finding(died, "run.killed")["message"]


def test_ctrl_c_in_the_middle_of_a_cell(start: Start, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """SIGINT to `grade` while a cell sleeps ends it with 130 and one line; no report is half-written and no process
    of the student's is left."""
    sleeper = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(600)', '{HOLD}'])"
    )
    write(here / "sleeper.ipynb", notebook(sleeper))
    process = start("sleeper.ipynb", *on_quick_mnist)
    assert wait_for(lambda: held(), seconds=120), "the cell did not start"

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert is_one_line(err, "interrupted")
    assert wait_for(lambda: not held(), seconds=5), "processes of the run are left"
    assert list((here / "grades").iterdir()) == []


def held() -> list[int]:
    """The processes that have HOLD among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if HOLD.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Whether `condition` came true within so many seconds."""
    pause, end = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        pause.wait(0.1)
    return bool(condition())


def test_without_bubblewrap(start: Start, here: Path, on_quick_mnist: tuple[str, ...], loads: Path) -> None:
    """Where bubblewrap is not installed the isolation is partial, and the report says so and what to install."""
    before = without_bubblewrap()
    process = start(loads, *on_quick_mnist, "--format", "json", before=before)
    out, err = process.communicate(timeout=240)
    if process.returncode == 4 and "Landlock" in err:
        pytest.skip(f"this kernel gives no partial isolation: {err}")
    report = json.loads(out)

    assert process.returncode == 0
    assert report["run"]["isolation"] == "partial"
    assert report["score"] == 4
    (reason,) = [text for text in report["review"] if "bubblewrap" in text]
    assert "isolation is partial" in reason
    assert "apt-get install bubblewrap" in reason


def without_bubblewrap() -> tuple[str, ...]:
    """The words before a command that let it see this machine as if bubblewrap were not installed."""
    path = shutil.which("bwrap")
    if path is None:
        return ()
    if available_isolation(allow_none=True).level != "full":
        pytest.skip("bubblewrap is installed but does not work here, so it cannot hide itself")
    return (path, "--dev-bind", "/", "/", "--ro-bind", "/dev/null", os.path.realpath(path), "--")
