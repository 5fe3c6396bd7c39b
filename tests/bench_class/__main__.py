"""Measures a whole class, and writes the README's section on performance.

usage: python -m tests.bench_class [--data DIR] [--readme] [--submissions N] ... (--help lists the sizes)

Everything is generated and measured in one run, in a temporary folder, the grader's cache included; nbgrader and Otter
are installed once in environments of their own, outside the repository (--peers). With --readme the table goes into
the README, so leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.pipeline import Options, prepare
from tests import machine
from tests.bench_class import measures
from tests.bench_class.measures import Row, Setup
from tests.bench_class.submissions import make_class
from tests.bench_class.timing import mean, tell
from tests.mnist import mnist_folder
from tests.readme import Block

BLOCK = Block("<!-- performance: written by make bench -->", "<!-- performance: end -->")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and publishes it where that is asked for."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="grade-bench-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # as root, the sandbox reads the data as another user
        os.environ["GRADE_CACHE"] = str(folder / "cache")
        head, rows = _heading(options), []
        tell(f"load {machine.load()}")
        tell("staging the data")
        setup = _set_up(folder, options)
        for row in _measure(setup, options):
            rows.append(row)
            tell(f"    {row.measure}: {row.measured} (wanted {row.wanted}: {_verdict(row)})")
    text = markdown(head, f"{setup.dataset.name}, {setup.dataset.train:,} + {setup.dataset.test:,} images", rows)
    print(text)
    if options.readme:
        BLOCK.write(text)


def markdown(head: str, data: str, rows: Sequence[Row]) -> str:
    """The README's text: what was measured with, and the table."""
    lines = [f"{head} Data: {data}.", "", "| measure | wanted | measured | |", "|---|---|---|---|"]
    lines += [f"| {row.measure} | {row.wanted} | {row.measured} | {_verdict(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _verdict(row: Row) -> str:
    return "met" if row.met else "MISSED"


def _heading(options: argparse.Namespace) -> str:
    return (
        f"{datetime.date.today().isoformat()}, {machine.computer()}; {machine.versions()}; {machine.settings()}. "
        f"{options.submissions} generated notebooks, every second one faulty, {options.jobs} at a time; nbgrader and "
        f"Otter, which do one after the other, grade {options.peer_submissions} of them."
    )


def _set_up(folder: Path, options: argparse.Namespace) -> Setup:
    chosen = ("--data", str(options.data.absolute())) if options.data else ()
    chosen = (*chosen, "--quick") if options.quick else chosen
    grader = prepare(Options(data=options.data, quick=options.quick))
    students = make_class(options.submissions, folder / "class")
    setup = Setup(folder, grader.dataset, grader, chosen, students, options.jobs, options.rounds)
    warm = folder / "class" / next(iter(students))
    setup.grade(warm.with_suffix(".ipynb"), *chosen, "--timeout", "5", "--no-cache", "--out", "warm")  # lists the fonts
    return setup


def _measure(setup: Setup, options: argparse.Namespace) -> Iterator[Row]:
    others = [] if options.no_peers else [measures.NBGRADER, measures.OTTER]
    peer = functools.partial(
        measures.by_peer, setup, options.peer_submissions, home=options.peers, pip_flags=options.pip_flags.split()
    )
    theirs = [peer(other) for other in others[:1]]
    first = measures.throughput(setup, measures.GRADES[0])
    bare = measures.bare_class(setup)
    dask = measures.on_dask(setup)
    ours = mean(first, measures.throughput(setup, measures.GRADES[1]))
    yield measures.beside_dask(setup, ours, dask)
    theirs += [peer(other) for other in others[1:]]
    for other, (name, rate) in zip(others, theirs, strict=True):
        yield measures.beside_peer(setup, ours, name, other.wanted, rate)
    one, alone = measures.beside_bare(setup)
    yield one
    yield from measures.overhead(setup, ours, bare, alone)
    yield from measures.again(setup, ours, options.stored)
    yield from measures.growth(setup, options.small, options.large)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measures a whole class beside other graders.")
    mnist = mnist_folder()
    found = mnist if mnist.is_dir() else None
    parser.add_argument("--data", type=Path, default=found, help="folder with train.npz and test.npz")
    parser.add_argument("--quick", action="store_true", help="6,000 + 1,000 images in all measurements")
    parser.add_argument("--readme", action="store_true", help="write the table into the README")
    parser.add_argument("--submissions", type=int, default=20, help="of the class that is graded (default 20)")
    parser.add_argument("--peer-submissions", type=int, default=8, help="that nbgrader and Otter grade (default 8)")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="at a time (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="of one notebook beside bare Python (default 3)")
    parser.add_argument("--stored", type=int, default=300, help="submissions that are regraded (default 300)")
    parser.add_argument("--small", type=int, default=100, help="the small stored class (default 100)")
    parser.add_argument("--large", type=int, default=10_000, help="the large one (default 10,000)")
    peers = Path(tempfile.gettempdir()) / "grade-bench-peers"
    parser.add_argument("--peers", type=Path, default=peers, help=f"where the others are installed (default {peers})")
    parser.add_argument("--no-peers", action="store_true", help="without nbgrader and Otter")
    parser.add_argument("--pip-flags", default="", help="further options for pip, for their installation")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
