"""SIGKILL to `grade FOLDER` at random points: no process, no half-written report is left, and a second call finishes.

`python -m tests.endurance.kill [ROUNDS] [SUBMISSIONS]`
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from grader.store.register import REGISTER
from tests.cli.samples import LOAD
from tests.hostile.cases import as_notebook
from tests.hostile.world import World
from tests.tamper.programs import FAULTS, program

ROUNDS, SUBMISSIONS = 20, 10
WHOLE = 3  # one in so many trains a model, which takes the most time
COMMAND = [sys.executable, "-m", "grader"]
PROGRAMS = (b"recorder.runner", b"recorder.boot", b"from starter import zygote")  # by their command lines


def submission(index: int) -> str:
    """A notebook: every third one a whole program, with another mistake each; the others only load the data."""
    kinds = [(), *((name,) for name in sorted(FAULTS))]
    whole = program(kinds[index // WHOLE % len(kinds)])
    return as_notebook(whole if index % WHOLE == 0 else f"{LOAD}\nprint({index})")


def start(world: World, work: Path, out: str) -> subprocess.Popen[bytes]:
    """`grade` on the batch, with its own cache and temporary folder, as a user calls it."""
    for name in ("tmp", "cache"):
        (work / name).mkdir(exist_ok=True)
    environment = {**os.environ, "GRADE_CACHE": str(work / "cache"), "TMPDIR": str(work / "tmp")}
    command = [*COMMAND, str(work / "batch"), "--data", str(world.data), "--out", str(work / out)]
    log = open(work / f"{out}.log", "wb")  # noqa: SIM115 - the child's
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def grades(folder: Path) -> dict[str, float]:
    """The scores of all reports; a report that is no JSON is an error."""
    return {path.parent.name: json.loads(path.read_text())["score"] for path in folder.glob("*/report.json")}


def processes() -> dict[int, tuple[bytes, bytes]]:
    """Command line and environment of every process that may be looked at, by its number."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found[int(path.name)] = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
    return found


def left_over(work: Path, before: Collection[int]) -> list[str]:
    """Processes that work on this batch, and students' programs, which know nothing of it, that were not there
    `before`."""
    found = []
    for number, (command, environment) in processes().items():
        ours = str(work).encode() in command + environment
        if number != os.getpid() and (ours or (number not in before and any(mark in command for mark in PROGRAMS))):
            found.append(f"process {number}: {command[:80]!r}")
    return found


def main() -> int:
    """Kills one batch a round at a random moment of its time; 1 where anything was wrong."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    count = int(sys.argv[2]) if len(sys.argv) > 2 else SUBMISSIONS
    world, wrong = World(), 0
    work = Path(tempfile.mkdtemp(prefix="kill-"))
    work.chmod(0o755)
    for index in range(count):
        folder = work / "batch" / f"student{index}"
        folder.mkdir(parents=True)
        (folder / "cnn.ipynb").write_text(submission(index), encoding="utf-8")
    start(world, work, "first").wait()  # prepares what every further call finds ready
    shutil.rmtree(work / "cache" / "evidence", ignore_errors=True)
    begun = time.monotonic()
    start(world, work, "whole").wait()
    whole, expected = time.monotonic() - begun, grades(work / "whole")
    assert len(expected) == count, (work / "whole.log").read_text()[-2000:]
    print(f"undisturbed: {len(expected)} grades in {whole:.0f} s", flush=True)
    generator, before = random.Random(0), processes().keys()
    for number in range(1, rounds + 1):
        shutil.rmtree(work / "cache" / "evidence", ignore_errors=True)
        process = start(world, work, f"round{number}")
        moment = generator.uniform(0.02, 0.98) * whole
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(1.0)
        finished, orphans = grades(work / f"round{number}"), left_over(work, before)
        start(world, work, f"round{number}").wait()
        same = grades(work / f"round{number}") == expected
        drafts = [str(path) for path in (work / f"round{number}").rglob(".*") if path.name != REGISTER]
        litter = os.listdir(work / "tmp")
        good = same and not orphans and not drafts
        wrong += not good
        print(
            f"{number:>2}: killed after {moment:5.1f} s with {len(finished)} reports; the same grades: {same}; "
            f"orphans {orphans}; drafts {drafts}; temporary {litter}",
            flush=True,
        )
    shutil.rmtree(work)
    world.close()
    print(f"{rounds} kills, {wrong} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
