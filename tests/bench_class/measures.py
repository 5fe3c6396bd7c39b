"""What is measured of a class: every measure gives lines of one table."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from grader.assignment import Dataset
from grader.pipeline import Grader
from tests.bench_class import peers
from tests.bench_class.stored import copies, dearer_assignment
from tests.bench_class.submissions import HELPERS, SOLUTION, notebook, script
from tests.bench_class.timing import GRADE, ONE_THREAD, Ran, run, tell

BARE_WANTED = 1.10
SECONDS_WANTED, SHARE_WANTED, OVERHEAD_WANTED_S = 3.0, 500, 1.5
MEMORY_WANTED, DASK_WANTED, LINEAR_WANTED = 1.10, 1.10, 1.25

Students = Mapping[str, tuple[int, str]]
"""id -> (number, mistake) of each submission of a class."""

# The folders of the class's grades. A machine may be faster at one time than at another: the class is graded twice,
# around what is measured beside it, and the mean counts.
GRADES = ("grades", "grades-again")


@dataclass(frozen=True)
class Peer:
    """Another grader: the command, the package that has it, how it grades a class, and how many times its throughput
    is wanted."""

    name: str
    package: str
    grade: Callable[[Path, peers.Work, Path], peers.Graded]
    wanted: float


NBGRADER = Peer("nbgrader autograde", "nbgrader", peers.nbgrader, 2.5)
OTTER = Peer("otter run", "otter-grader", peers.otter, 3.5)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    measure: str
    wanted: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Setup:
    """What all measures share: a scratch folder, the data, the class, and how much of everything."""

    folder: Path
    dataset: Dataset
    grader: Grader
    chosen: tuple[str, ...]
    students: Students
    jobs: int
    rounds: int

    @property
    def submissions(self) -> Path:
        return self.folder / "class"

    def grade(self, *arguments: str | Path, codes: tuple[int, ...] = (0,)) -> Ran:
        """Times `grade ARGUMENTS`."""
        return run([GRADE, *arguments], self.folder, codes=codes)

    def new_folder(self, name: str) -> Path:
        """An empty folder."""
        made = self.folder / name
        made.mkdir(parents=True)
        return made


def throughput(setup: Setup, out: str) -> Ran:
    """The class from nothing to reports in the folder `out`, `jobs` at a time."""
    tell(f"grade: {len(setup.students)} submissions, {setup.jobs} at a time")
    return setup.grade(
        setup.submissions, "--each", *setup.chosen, "--no-cache", "--jobs", str(setup.jobs), "--out", out
    )


def by_peer(setup: Setup, count: int, peer: Peer, home: Path, pip_flags: list[str]) -> tuple[str, float]:
    """The first `count` of the class by another grader: its name with its version, and how many it did a minute.

    It does one after the other, so that more of them would tell nothing new.
    """
    students = dict(islice(setup.students.items(), count))
    binaries = peers.install(peer.package, home, pip_flags)
    tell(f"{peer.name}: {len(students)} submissions")
    found = peer.grade(binaries, peers.Work(students, setup.dataset.directory), setup.new_folder(peer.package))
    _require_full_marks(peer.name, students, found.points)
    return f"{peer.name} {peers.version_of(binaries, peer.package)}", 60 * len(students) / found.ran.wall


def beside_peer(setup: Setup, ours: Ran, name: str, wanted: float, theirs: float) -> Row:
    """Submissions a minute beside another grader's."""
    rate = 60 * len(setup.students) / ours.wall
    return Row(
        f"submissions a minute, beside {name}", f"at least {wanted}x",
        f"{rate:.1f} to {theirs:.1f}: {rate / theirs:.2f}x", rate / theirs >= wanted,
    )  # fmt: skip


def _require_full_marks(name: str, students: Students, points: Mapping[str, float]) -> None:
    """Raises RuntimeError where another grader did not do the work: each correct submission passes all its asserts."""
    correct = [id_ for id_, (_, mistake) in students.items() if not mistake]
    right = sum(points[id_] == len(peers.ASSERTS) for id_ in correct)
    if right < len(correct):
        raise RuntimeError(f"{name} gave full marks to {right} of {len(correct)} correct submissions: {points}")


def beside_bare(setup: Setup) -> tuple[Row, float]:
    """One notebook beside the same program in bare Python, in turns; and the seconds that bare Python took for it."""
    home = _bare_folder(setup, "bare-solution", script(json.loads(SOLUTION.read_text(encoding="utf-8"))))
    ratios, alone = [], []
    for number in range(setup.rounds):
        tell(f"bare python and grade, round {number + 1} of {setup.rounds}")
        alone.append(_bare(home).wall)
        ratios.append(setup.grade(SOLUTION, *setup.chosen, "--no-cache", "--out", "one").wall / alone[-1])
    ratio = statistics.median(ratios)
    row = Row(
        "`grade one.ipynb`, beside bare `python one.py`", f"at most {BARE_WANTED:.2f}x",
        f"{ratio:.2f}x ({min(ratios):.2f} to {max(ratios):.2f})", ratio <= BARE_WANTED,
    )  # fmt: skip
    return row, statistics.median(alone)


def bare_class(setup: Setup) -> Ran:
    """The class's programs in bare Python, `jobs` at a time."""
    tell(f"bare python: the {len(setup.students)} programs, {setup.jobs} at a time")
    homes = [
        _bare_folder(setup, f"bare-{id_}", script(notebook(number, mistake)))
        for id_, (number, mistake) in setup.students.items()
    ]
    begun = time.perf_counter()
    with ThreadPoolExecutor(setup.jobs) as pool:
        ran = list(pool.map(_bare, homes))
    return Ran(time.perf_counter() - begun, sum(one.cpu for one in ran), max(one.peak_mb for one in ran))


def overhead(setup: Setup, ours: Ran, bare: Ran, alone: float) -> Iterator[Row]:
    """Processor time of the whole class beyond what its programs take in bare Python, as many at a time; and how many
    more of them bare Python does by that, which is what the machine has to give; it takes `alone` seconds for one.

    A sandbox that is killed takes its account with it, so what ran inside is taken from the reports.
    """
    count = len(setup.students)
    reports = [setup.folder / out / id_ / "report.json" for out in GRADES for id_ in setup.students]
    inside = sum(json.loads(path.read_bytes())["run"]["cpu_s"] for path in reports) / len(GRADES)
    each = (ours.cpu + inside - bare.cpu) / count
    yield Row(
        "processor time a submission beyond its own program's, in a class", f"under {OVERHEAD_WANTED_S} s",
        f"{each:.2f} s ({(ours.cpu + inside) / count:.1f} s beside {bare.cpu / count:.1f} s)",
        each < OVERHEAD_WANTED_S,
    )  # fmt: skip
    yield Row(
        f"bare Python itself, {setup.jobs} programs at a time beside one after the other", "stated",
        f"{60 * count / bare.wall:.1f} to {60 / alone:.1f} a minute: {count * alone / bare.wall:.2f}x", True,
    )  # fmt: skip


def again(setup: Setup, ours: Ran, count: int) -> Iterator[Row]:
    """A stored class: graded again unchanged, and regraded by a dearer rubric and back; the fastest call counts."""
    works, grades = _stored(setup, count)
    tell(f"grade: {count} unchanged")
    second = min(setup.grade(works, *setup.chosen, "--out", grades).wall for _ in range(setup.rounds))
    yield Row(
        f"second `grade` of an unchanged class of {count}", f"under {SECONDS_WANTED:.0f} s", f"{second:.2f} s",
        second < SECONDS_WANTED,
    )  # fmt: skip
    setup.grade("report", grades)
    tell(f"regrade: {count}, each of which changes")
    dearer = ("--assignment", dearer_assignment(setup.folder / "dearer"))
    calls = [way for _ in range(setup.rounds) for way in (dearer, ())]
    regraded = min(setup.grade("regrade", grades, *way, "--yes").wall for way in calls)
    grading = ours.wall / len(setup.students) * count
    share = grading / regraded
    yield Row(
        f"regrade of {count} stored submissions, all of which change, written",
        f"under {SECONDS_WANTED:.0f} s and 1/{SHARE_WANTED} of grading them",
        f"{regraded:.2f} s, 1/{share:.0f} of {grading:.0f} s",
        regraded < SECONDS_WANTED and share > SHARE_WANTED,
    )


def growth(setup: Setup, small: int, large: int) -> Iterator[Row]:
    """Memory and time of everything that reads the whole class, for classes of three sizes."""
    middle = round((small * large) ** 0.5)
    peaks, times, warm = {}, {}, {}
    for count in (small, middle, large):
        works, grades = _stored(setup, count)
        tell(f"{count} stored submissions: grade unchanged, reports and statistics, regrade, export, gradebook")
        fresh = {"GRADE_CACHE": str(setup.new_folder(f"cache-{count}"))}
        report = run([GRADE, "report", grades], setup.folder, fresh)
        ran = {
            "report": report,
            "grade": setup.grade(works, *setup.chosen, "--out", grades),
            "regrade": setup.grade("regrade", grades),
            "export": setup.grade("export", grades, "--to", "csv", "--out", "exported.csv"),
            "gradebook": setup.grade("gradebook", "--grades", grades, "--gradebook", f"sqlite:///book-{count}.db"),
        }
        # Processor time: what else the machine does would bend the line.
        times[count] = report.cpu
        warm[count] = run([GRADE, "report", grades], setup.folder, fresh).cpu
        peaks[count] = {name: one.peak_mb for name, one in ran.items()}
    ratio = max(peaks[large][name] / least for name, least in peaks[small].items())
    told = ", ".join(f"{name} {least:.0f} and {peaks[large][name]:.0f} MB" for name, least in peaks[small].items())
    yield Row(
        f"parent's peak memory, {small} and {large:,} stored submissions", "within 10%", f"{told}: {ratio:.2f}x",
        ratio <= MEMORY_WANTED,
    )  # fmt: skip
    slopes = [(times[b] - times[a]) / (b - a) for a, b in ((small, middle), (middle, large))]
    grown = slopes[1] / slopes[0] if slopes[0] > 0 else float("inf")
    yield Row(
        f"processor time for reports and statistics of {small}, {middle:,} and {large:,} stored submissions",
        "grows linearly",
        f"{', '.join(f'{time:.1f} s' for time in times.values())}; made anew {warm[large]:.1f} s",
        grown <= LINEAR_WANTED,
    )  # fmt: skip


def on_dask(setup: Setup) -> Ran:
    """The same class by two workers of one core, on a cluster of this machine."""
    trivial = setup.new_folder("trivial")
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
    (trivial / "a.ipynb").write_text(json.dumps(document), encoding="utf-8")
    with _cluster(setup) as address:
        # The first call sends the data set.
        setup.grade(trivial, "--each", *setup.chosen, "--scheduler", address, "--out", "grades-trivial")
        tell(f"Dask: {len(setup.students)} submissions, {setup.jobs} workers")
        call = (setup.submissions, "--each", *setup.chosen, "--no-cache", "--scheduler", address)
        return setup.grade(*call, "--out", "grades-dask")


def beside_dask(setup: Setup, ours: Ran, dask: Ran) -> Row:
    """The class on a cluster beside the same class here."""
    ratio = dask.wall / ours.wall
    return Row(
        f"Dask, {setup.jobs} workers of one core, beside {setup.jobs} local jobs", "within 10%", f"{ratio:.2f}x",
        ratio <= DASK_WANTED,
    )  # fmt: skip


def _stored(setup: Setup, count: int) -> tuple[Path, Path]:
    tell(f"copying real grades to {count}")
    return copies(setup.submissions, setup.folder / "grades", setup.grader, count, setup.folder / f"stored-{count}")


def _bare_folder(setup: Setup, name: str, program: str) -> Path:
    """A folder as a student has it, with the program as `one.py`."""
    home = setup.new_folder(name)
    (home / HELPERS.name).write_bytes(HELPERS.read_bytes())
    (home / "data").symlink_to(setup.dataset.directory)
    (home / "one.py").write_text(program, encoding="utf-8")
    return home


def _bare(home: Path) -> Ran:
    return run([sys.executable, "one.py"], home, {"MPLBACKEND": "Agg"})


@contextmanager
def _cluster(setup: Setup) -> Iterator[str]:
    """The address of a scheduler with `jobs` workers of one thread, each of which has joined."""
    from distributed import Client

    known = setup.folder / "scheduler.json"
    begun: list[subprocess.Popen[bytes]] = []
    begin: Callable[..., None] = lambda *words: begun.append(  # noqa: E731
        subprocess.Popen(
            [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", "--no-dashboard"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **ONE_THREAD},
        )
    )  # fmt: skip
    try:
        begin("scheduler", "--port", "0", "--scheduler-file", str(known))
        with Client(scheduler_file=str(known), timeout=60) as client:
            address = str(client.scheduler.address)
            for _ in range(setup.jobs):
                begin("worker", address, "--nthreads", "1", "--no-nanny")
            client.wait_for_workers(setup.jobs, timeout=120)
        yield address
    finally:
        for process in begun:
            process.kill()
            process.wait()
