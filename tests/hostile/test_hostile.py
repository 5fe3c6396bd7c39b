"""Every hostile submission is graded for real, contained, and pays nothing; and each attack works without the sandbox.

`make attack` runs every level and user (HOSTILE=all) and writes what was seen into the README. Without it each case
runs once, at the best level that the machine gives; where that is the full one, every second case in a fork.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox import available_isolation
from tests.hostile import table
from tests.hostile.cases import CASES, LEVELS
from tests.ordinary import REPOSITORY, ordinary_command

ALL = os.environ.get("HOSTILE") == "all"
USERS = ("root", "ordinary") if os.geteuid() == 0 else ("ordinary",)
WAYS = [(level, user) for level in (LEVELS if ALL else ("best", "forked")) for user in (USERS if ALL else USERS[:1])]
RUNS = [(name, *way) for number, name in enumerate(CASES) for way in (WAYS if ALL else [WAYS[number % len(WAYS)]])]
FEW = 4
Ask = Callable[[str, str, str], dict[str, Any]]


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks the worker of a level and user about a case; each worker is started once."""
    workers: dict[tuple[str, str], subprocess.Popen[str]] = {}
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        Path(folder).chmod(0o755)

        def asking(level: str, user: str, question: str) -> dict[str, Any]:
            if (level, user) not in workers:
                workers[level, user] = _start(level, user, Path(folder))
            stdin, stdout = workers[level, user].stdin, workers[level, user].stdout
            assert stdin is not None and stdout is not None
            print(question, file=stdin, flush=True)
            answer: dict[str, Any] = json.loads(stdout.readline())
            return answer

        yield asking
        for worker in workers.values():
            worker.communicate(timeout=60)


def _start(level: str, user: str, folder: Path) -> subprocess.Popen[str]:
    if level == "best" or (not ALL and available_isolation().level != "full"):
        level = available_isolation().level
    place = folder / f"{level}-{user}"
    place.mkdir(mode=0o755)
    if user == "ordinary":
        command, environment = ordinary_command(place)
    else:
        command, environment = [sys.executable], {**os.environ, "GRADE_CACHE": str(place / "cache")}
    worker = subprocess.Popen(
        [*command, "-m", "tests.hostile.worker", level],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    hello = worker.stdout.readline()
    assert json.loads(hello)["honest"] == 50, "an honest submission gets full marks before any attack"
    return worker


def honest_follows(name: str, level: str, user: str) -> bool:
    """Whether an honest submission is graded right after this attack: after the last one of its way, and after each
    few, which with every level and user are others each time, so that there is one right after every attack.
    """
    own = [each for each, *way in RUNS if tuple(way) == (level, user)]
    number = own.index(name)
    return number == len(own) - 1 or number % FEW == WAYS.index((level, user)) % FEW


def test_an_honest_submission_follows_every_attack() -> None:
    """I5 has its proof: each attack is followed by an honest submission, at one level at least before the next one."""
    followed = {run[0] for run in RUNS if honest_follows(*run)}
    assert len(WAYS) < FEW or followed == set(CASES)
    assert all(any(honest_follows(*run) for run in RUNS if run[1:] == way) for way in WAYS)


@pytest.mark.parametrize(("name", "level", "user"), RUNS)
def test_the_attack_is_contained(ask: Ask, name: str, level: str, user: str) -> None:
    """I1 to I6 hold: no secret in any report, no point won, no process left, the host as before, the next honest
    submission graded the same, the grader's own time and memory bounded; status and findings are those expected.
    """
    way = "then-honest" if honest_follows(name, level, user) else "attack"
    seen = ask(level, user, f"{way} {name}")
    if ALL:
        contained = not seen["faults"] and not seen["got_through"]
        table.note(CASES[name].row, level, user, "contained" if contained else "FAILED")
    assert seen["faults"] == []
    assert not seen["got_through"]


@pytest.mark.parametrize("name", CASES)
def test_the_attack_works_without_the_sandbox(ask: Ask, name: str) -> None:
    """I7, the control: run alone in an ordinary process, the attack does what it is for."""
    level, user = WAYS[0]
    answer = ask(level, user, f"control {name}")
    assert answer["worked"], answer["output"]


@pytest.mark.skipif(not ALL or len(WAYS) < 6, reason="the table needs every level and user: make attack, as root")
def test_the_table_is_written() -> None:
    """What was seen just now stands in the README."""
    table.write()
