"""A class on a Dask cluster: a real scheduler and real workers, which are killed and refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from grader.pipeline import available_isolation
from tests.cli.conftest import Grade, Start
from tests.cli.samples import rows
from tests.cli.test_cli_limits import HOLD, held, wait_for, without_bubblewrap
from tests.cli.test_cli_reports import report
from tests.submission.uploads import write
from tests.tamper.programs import program

REPOSITORY = Path(__file__).resolve().parents[2]
WAIT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(6)', '{HOLD}'])\n"
MEASURED = ("wall_s", "cpu_s", "peak_memory_mb")

Worker = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def dask(here: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `dask ARGUMENTS` on loopback, with a cache of its own, as on another machine; all end with the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "GRADE_CACHE": str(here / "elsewhere")}
        command = [*before, sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
        with (here / "dask.log").open("ab") as log:
            begun.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(here: Path, dask: Callable[..., subprocess.Popen[bytes]]) -> str:
    """The address of a scheduler."""
    known = here / "scheduler.json"
    dask("scheduler", "--port", "0", "--scheduler-file", str(known))
    assert wait_for(lambda: known.is_file() and known.stat().st_size, seconds=60), "the scheduler did not start"
    return str(json.loads(known.read_text(encoding="utf-8"))["address"])


@pytest.fixture
def worker(here: Path, scheduler: str, dask: Callable[..., subprocess.Popen[bytes]]) -> Worker:
    """Starts a worker of one thread, and waits until it has joined the scheduler."""

    def begin(before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        joined = registered(here)
        process = dask("worker", scheduler, "--nthreads", "1", "--no-nanny", before=before)
        assert wait_for(lambda: registered(here) > joined, seconds=60), "the worker did not join"
        return process

    return begin


def registered(here: Path) -> int:
    """How many workers have told that they joined the scheduler."""
    return (here / "dask.log").read_text(encoding="utf-8").count("        Registered to:")


def without_figures(folder: Path) -> dict[str, Any]:
    """The JSON report without what no two runs have alike."""
    found = report(folder)
    return {**found, "run": {name: value for name, value in (found["run"] or {}).items() if name not in MEASURED}}


def of(workers: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes] | None:
    """The worker among these that runs a student's program now, or None."""
    for pid in held():
        try:
            parents = {parent.pid for parent in psutil.Process(pid).parents()}
        except psutil.NoSuchProcess:
            continue
        for worker in workers:
            if worker.pid in parents:
                return worker
    return None


def test_the_same_grades_as_on_this_machine(
    grade: Grade, here: Path, scheduler: str, worker: Worker, small_data: Path
) -> None:
    """Two workers, to which the data set is sent, give the reports that this machine gives, for a right program, a
    faulty one and a rejected one; after it the class is finished for a call without a cluster, too."""
    for name, text in (("ann", program()), ("bob", program(["5 epochs"]))):
        write(here / "class" / f"{name}.py", text)
    write(here / "class" / "cat.ipynb", "{")
    call = (here / "class", "--each", "--data", small_data)
    worker(), worker()
    remote = grade(*call, "--scheduler", scheduler, "--out", "remote", "--no-cache")
    local = grade(*call, "--jobs", 2, "--out", "local", "--no-cache")

    assert (remote.code, local.code) == (3, 3)
    assert rows(here / "remote") == rows(here / "local")
    assert float(rows(here / "remote")["ann"]["score"]) > float(rows(here / "remote")["bob"]["score"]) > 0
    for id_ in ("ann", "bob", "cat"):
        assert without_figures(here / "remote" / id_) == without_figures(here / "local" / id_)
    logged = (here / "dask.log").read_text(encoding="utf-8")
    assert logged.count("Run out-of-band function '_receive'") == 2
    assert "3 as before" in grade(*call, "--out", "remote").err


def test_the_submissions_of_a_killed_worker_are_graded_by_the_other(
    start: Start, here: Path, scheduler: str, worker: Worker, small_data: Path
) -> None:
    """SIGKILL to one of two workers in the middle of a submission: both submissions are graded in full."""
    for name in ("ann", "bob"):
        write(here / "class" / f"{name}.py", f"# {name}\n{WAIT}{program(['5 epochs'])}")
    workers = [worker(), worker()]
    process = start(here / "class", "--each", "--data", small_data, "--scheduler", scheduler)
    assert wait_for(lambda: of(workers), seconds=240), "no submission started"
    killed = of(workers)
    assert killed is not None
    killed.kill()
    _, err = process.communicate(timeout=240)

    assert process.returncode == 0, err
    assert "2 graded now" in err
    assert [row["status"] for row in rows(here / "grades").values()] == ["graded", "graded"]
    assert report(here / "grades" / "ann")["score"] == report(here / "grades" / "bob")["score"] > 40
    assert [each.poll() is None for each in workers] == [each is not killed for each in workers]


def test_a_worker_with_less_isolation_is_refused(
    start: Start, here: Path, scheduler: str, worker: Worker, small_data: Path
) -> None:
    """A worker without bubblewrap is named and gets nothing where isolation is full here, not even when the only good
    worker dies; one that comes later does what that one left."""
    if available_isolation(allow_none=True).level != "full":
        pytest.skip("isolation is not full here, so no worker can have less")
    write(here / "class" / "ann.py", WAIT + program(["5 epochs"]))
    refused = worker(without_bubblewrap())
    alone = start(here / "class", "--each", "--data", small_data, "--scheduler", scheduler)
    _, err = alone.communicate(timeout=240)
    assert alone.returncode == 4
    assert "no worker of the cluster can be used" in err
    assert "is refused: isolation full is required" in err

    good = worker()
    process = start(here / "class", "--each", "--data", small_data, "--scheduler", scheduler)
    assert wait_for(held, seconds=120), "the submission did not start"
    assert of([refused, good]) is good
    good.kill()
    assert wait_for(lambda: not held(), seconds=30), "the killed worker's program goes on"
    later = worker()
    assert wait_for(held, seconds=120), "nobody went on"
    assert of([refused, later]) is later
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert err.count("is refused") == 1
    assert rows(here / "grades")["ann"]["status"] == "graded"
