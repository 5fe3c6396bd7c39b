"""Calls spread over forks: the same results, errors told, nobody left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.pipeline.forks import AHEAD, FEW, by_forks
from grader.score.spool import spooling
from tests.cli.test_cli_limits import wait_for

MANY = 4 * FEW

more_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core has no forks")


@dataclass(frozen=True)
class Item:
    """Something that is spooled."""

    number: int


def test_results_come_in_order() -> None:
    """Few or many, the results are those of the calls, in the order of the numbers."""
    for count in (0, 1, FEW, MANY):
        assert list(by_forks(lambda number: number**2, count)) == [number**2 for number in range(count)]


@more_cores
def test_many_are_shared() -> None:
    """Many are done by more than one process, none of which is this one; few by this one."""
    assert set(by_forks(lambda _: os.getpid(), FEW)) == {os.getpid()}

    def slowly(_: int) -> int:
        time.sleep(0.002)
        return os.getpid()

    workers = set(by_forks(slowly, MANY))
    assert len(workers) > 1
    assert os.getpid() not in workers


@more_cores
def test_forks_read_one_spool() -> None:
    """All of them may read the same spool at a time, for each value is read by its place."""
    with spooling(Item) as spool:
        for number in range(MANY):
            spool.add(Item(number))
        assert list(by_forks(lambda number: spool[number].number, MANY)) == list(range(MANY))


@more_cores
def test_an_error_reaches_the_caller() -> None:
    """What a call raises is raised here, with all that it says, after the results before it."""

    def fail(number: int) -> int:
        if number == 70:
            raise UsageError("cannot write there", file="grades", remedy="Name another folder")
        return number

    results = by_forks(fail, MANY)
    assert list(islice(results, 70)) == list(range(70))
    with pytest.raises(UsageError, match=r"grades: cannot write there\. Name another folder"):
        next(results)


@more_cores
def test_a_fork_that_dies_is_noticed() -> None:
    """Nobody waits for ever for a fork that was killed."""

    def die(number: int) -> int:
        if number == 70:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(BrokenProcessPool):
        list(by_forks(die, MANY))


@more_cores
def test_no_more_is_begun_than_is_taken() -> None:
    """While a caller does not take results, only so many calls are done: a large class fills no memory."""
    begun = get_context("fork").Value("i", 0)

    def count(number: int) -> int:
        with begun.get_lock():
            begun.value += 1
        return number

    results = by_forks(count, 100 * FEW)
    next(results)
    time.sleep(0.5)
    assert begun.value <= AHEAD * len(os.sched_getaffinity(0))
    results.close()  # type: ignore[attr-defined]


@more_cores
def test_forks_end_with_their_parent(tmp_path: Path) -> None:
    """Where the parent is killed, its forks are gone a moment later."""
    program = f"""\
import os, time
from pathlib import Path
from grader.pipeline.forks import by_forks
def work(number):
    Path({str(tmp_path)!r}, str(os.getpid())).touch()
    time.sleep(0.2)
list(by_forks(work, {MANY}))
"""
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        assert wait_for(lambda: len(list(tmp_path.iterdir())) >= 2, seconds=20)
        parent.kill()
    forks = [int(path.name) for path in tmp_path.iterdir()]
    assert wait_for(lambda: not any(_runs(pid) for pid in forks), seconds=20)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
