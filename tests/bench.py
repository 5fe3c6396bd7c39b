"""Measures what grading costs beside running the same code bare. `make bench`; never a part of `make test`.

The code is the reference solution. Bare, it is one script of the notebook's code cells, run by `python` in a folder
with the data and the helper script. Every round runs each contestant once, one after the other, and ratios are formed
within a round, so that a slow moment of the machine strikes all alike; the table shows medians over the rounds.
Everything is written to a temporary folder, the grader's cache included, so nothing of the user's own is touched.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment, Dataset, find_dataset, load_assignment, silent
from grader.evidence import FrameReader
from grader.pipeline.collect import recorder_config
from grader.sandbox import Isolation, Reply, run
from grader.sandbox.interpreter import tcmalloc
from grader.submission import Candidate, load_submission
from tests import machine
from tests.bench_class.submissions import HELPERS, SOLUTION
from tests.bench_class.timing import GRADE, ONE_THREAD

LOOP = re.compile(r"seconds in the loop: ([0-9.]+), of the processor: ([0-9.]+)")
TELL = """\
print(f"seconds in the loop: {_time.perf_counter() - _begun[0]:.4f}, "
      f"of the processor: {_time.thread_time() - _begun[1]:.4f}")"""

GRADING_WANTED, RECORDING_WANTED, QUICK_WANTED_S = 1.10, 1.05, 6.0


@dataclass(frozen=True)
class Timing:
    """Seconds of wall time of the whole command, and, where they were told, of the training loop: wall time, and
    processor time of its thread, which other programs on the machine hardly change."""

    whole: float
    loop: float = 0.0
    processor: float = 0.0


@dataclass(frozen=True)
class Bench:
    """What all measurements share: a scratch folder, the data, and the options of `grade` that choose the data."""

    folder: Path
    assignment: Assignment
    dataset: Dataset
    chosen: tuple[str, ...]
    script: Path

    def bare(self, preload: str | None = None) -> Timing:
        """`python script.py`, with or without a preloaded allocator."""
        extra = {"MPLBACKEND": "Agg", **({"LD_PRELOAD": preload} if preload else {})}
        started = time.perf_counter()
        printed = _output([sys.executable, self.script.name], self.script.parent, extra)
        return Timing(time.perf_counter() - started, *_loop_seconds(printed))

    def graded(self, *options: str) -> Timing:
        """`grade solution.ipynb`; it must succeed."""
        out = self.folder / "grades"
        command = [str(GRADE), str(SOLUTION), *self.chosen, *options, "--out", str(out)]
        started = time.perf_counter()
        _output(command, self.folder, {})
        return Timing(time.perf_counter() - started)

    def recorded(self, preload: bool = False) -> Timing:
        """The same script under the recorder's Jupyter kernel, without isolation, up to the end of the student's code.

        Raises ValueError where the script did not get through its loop.
        """
        submission = load_submission(Candidate("bench", self.script))
        limits = self.assignment.rubric.limits
        config = recorder_config(self.assignment, limits)
        frames = FrameReader()
        printed: list[str] = []

        def read(chunk: bytes) -> Reply:
            arrived = frames.feed(chunk)
            printed.extend(json.dumps(frame.header) for frame in arrived if frame.kind == "cell")
            return Reply(stop=any(frame.kind in ("ended", "broken") for frame in arrived))

        none = Isolation("none")
        outcome = run(submission, self.assignment, self.dataset, config, none, read, limits, preload=preload)
        return Timing(outcome.wall_s, *_loop_seconds("".join(printed)))


def _output(command: Sequence[str], folder: Path, extra: Mapping[str, str]) -> str:
    """What a command prints; raises RuntimeError with its errors where it fails."""
    environment = {**os.environ, **ONE_THREAD, **extra}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _loop_seconds(printed: str) -> tuple[float, float]:
    found = LOOP.search(printed)
    if found is None:
        raise ValueError(f"the loop's time is missing from the output: {printed[-2000:]}")
    return float(found[1]), float(found[2])


def make_script(folder: Path, dataset: Dataset) -> Path:
    """The solution as a script that tells the time of its training loop, in a folder as a student has it."""
    folder.mkdir()
    shutil.copy(HELPERS, folder)
    (folder / "data").symlink_to(dataset.directory)
    cells = ["import time as _time"]
    for cell in json.loads(SOLUTION.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and ".backward()" in source:
            source = f"_begun = _time.perf_counter(), _time.thread_time()\n{source}\n{TELL}"
        if cell["cell_type"] == "code":
            cells.append(source)
    script = folder / "solution.py"
    script.write_text("\n\n".join(cells) + "\n", encoding="utf-8")
    return script


def measure(bench: Bench, rounds: int) -> dict[str, list[Timing]]:
    """Every contestant's timings, one a round, in turns."""
    allocator = tcmalloc()
    contestants = {
        "bare": bench.bare,
        "graded": lambda: bench.graded("--no-cache"),
        "recorded": bench.recorded,
        **({"bare, tcmalloc": lambda: bench.bare(allocator)} if allocator else {}),
        **({"recorded, tcmalloc": lambda: bench.recorded(preload=True)} if allocator else {}),
    }
    timings: dict[str, list[Timing]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name, contestant in contestants.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            timings[name].append(contestant())
    return timings


def _row(title: str, times: Sequence[float], base: Sequence[float] | None = None, wanted: float | None = None) -> str:
    """A line of the table; `wanted` is a ratio to `base` where there is one, else seconds."""
    median = statistics.median(times)
    ratio = statistics.median(time / other for time, other in zip(times, base, strict=True)) if base else None
    shown = "" if ratio is None else f"{ratio:.3f}x"
    value, unit = (median, " s") if ratio is None else (ratio, "x")
    verdict = "" if wanted is None else _verdict(value, wanted, unit)
    spread = f"({min(times):.2f} to {max(times):.2f})"
    return f"{title:<46}{median:7.2f} s  {spread:<18}{shown:>8}  {verdict}".rstrip()


def _verdict(value: float, wanted: float, unit: str) -> str:
    return f"wanted at most {wanted:g}{unit}: {'met' if value <= wanted else 'MISSED'}"


def print_table(timings: Mapping[str, Sequence[Timing]], quick: Sequence[Timing], cached: Sequence[Timing]) -> None:
    """Medians, their range, ratios to the bare run, and what is wanted."""
    wholes = {name: [timing.whole for timing in same] for name, same in timings.items()}
    loops = {name: [timing.loop for timing in same] for name, same in timings.items()}
    processor = {name: [timing.processor for timing in same] for name, same in timings.items()}
    print("\nwhole run")
    print(_row("  bare python", wholes["bare"]))
    if "bare, tcmalloc" in wholes:
        print(_row("  bare python, tcmalloc preloaded", wholes["bare, tcmalloc"], wholes["bare"]))
        print(_row("  grade --no-cache, against bare with tcmalloc", wholes["graded"], wholes["bare, tcmalloc"]))
    print(_row("  grade --no-cache, against bare", wholes["graded"], wholes["bare"], GRADING_WANTED))
    print("training loop alone, without isolation")
    print(_row("  bare python", loops["bare"]))
    print(_row("  recorder's Jupyter kernel", loops["recorded"], loops["bare"], RECORDING_WANTED))
    print(_row("  bare python, processor time", processor["bare"]))
    print(_row("  recorder's Jupyter kernel, processor time", processor["recorded"], processor["bare"]))
    if "bare, tcmalloc" in loops:
        print(_row("  bare python, tcmalloc", loops["bare, tcmalloc"]))
        print(_row("  recorder, tcmalloc, against that", loops["recorded, tcmalloc"], loops["bare, tcmalloc"]))
    print("quick, after the first run")
    print(_row("  grade --quick --no-cache", [timing.whole for timing in quick], wanted=QUICK_WANTED_S))
    print(_row("  grade --quick, evidence from the cache", [timing.whole for timing in cached]))


def print_machine(dataset: Dataset, rounds: int) -> None:
    """What the figures were measured with."""
    print(f"machine   {machine.computer()}")
    print(f"versions  {machine.versions()}")
    print(f"grader    {machine.settings()}")
    print(f"data      {dataset.name}: {dataset.train:,} + {dataset.test:,} images; {rounds} rounds, one thread")
    print(f"load      {machine.load()}")
    sys.stdout.flush()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Measures what grading costs beside running the same code bare.")
    parser.add_argument("--data", type=Path, help="folder with train.npz and test.npz; default: the offline digits")
    parser.add_argument("--quick", action="store_true", help="6,000 + 1,000 images in all measurements")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (default 3)")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="grade-bench-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # as root, the sandbox reads the data as another user
        os.environ["GRADE_CACHE"] = str(folder / "cache")
        data = ("--data", str(options.data.absolute())) if options.data else ()
        assignment = load_assignment(None)
        dataset = find_dataset(options.data, assignment, options.quick, silent)
        chosen = (*data, "--quick") if options.quick else data
        bench = Bench(folder, assignment, dataset, chosen, make_script(folder / "bare", dataset))
        print_machine(dataset, options.rounds)
        bench.graded("--quick")  # the first run: it stages the data and lists the fonts
        timings = measure(bench, options.rounds)
        quick = [bench.graded("--quick", "--no-cache") for _ in range(options.rounds)]
        cached = [bench.graded("--quick") for _ in range(options.rounds)]
    print_table(timings, quick, cached)


if __name__ == "__main__":
    main()
