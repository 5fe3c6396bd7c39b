"""Measures what grading costs: one submission beside the same code run bare, and a class on two cores. `make bench`.

The bare run is `python practical5.py` in a folder with the data and the helper script, one thread. Each figure is the
median of several runs, bare and graded in turns, so that a slow moment of the machine strikes both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grader.assignment import Dataset, find_dataset, load_assignment, silent

REPOSITORY = Path(__file__).resolve().parents[1]
SUBMISSION = REPOSITORY / "submissions" / "solution-script" / "practical5.py"
GRADE = Path(sys.executable).with_name("grade")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "agg"}


def seconds(command: list[str], folder: Path) -> float:
    """Wall time of a command that must succeed."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def bare_workspace(folder: Path, dataset: Dataset) -> Path:
    """A folder as the student has it: the module, the helper script, the data."""
    folder.mkdir()
    shutil.copy(SUBMISSION, folder)
    shutil.copy(REPOSITORY / "reference" / "helper_functions.py", folder)
    (folder / "data").symlink_to(dataset.directory)
    return folder


def class_folder(folder: Path, size: int) -> Path:
    """A class whose submissions differ in a comment, so that no evidence is taken from the cache."""
    folder.mkdir()
    for number in range(size):
        (folder / f"student-{number:02}.py").write_text(f"{SUBMISSION.read_text()}\n# student {number}\n")
    return folder


def main() -> None:
    """Prints the median times and their ratio, then the class's throughput."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a data folder instead of the installed data set")
    parser.add_argument("--quick", action="store_true", help="6,000 + 1,000 images")
    parser.add_argument("--runs", type=int, default=3, help="runs of one submission (default 3)")
    parser.add_argument("--students", type=int, default=6, help="size of the class (default 6)")
    options = parser.parse_args()

    data = options.data.absolute() if options.data else None
    dataset = find_dataset(data, load_assignment(None), options.quick, silent)
    chosen = [*(["--data", str(data)] if data else []), *(["--quick"] if options.quick else [])]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        workspace = bare_workspace(folder / "bare", dataset)
        grade = [str(GRADE), *chosen, "--no-cache", "--out", str(folder / "grades")]
        bare, graded = [], []
        for _ in range(options.runs):
            bare.append(seconds([sys.executable, SUBMISSION.name], workspace))
            graded.append(seconds([*grade, str(SUBMISSION)], folder))
        floor, cost = statistics.median(bare), statistics.median(graded)
        print(f"data      {dataset.name}")
        print(f"bare      {floor:7.2f} s")
        print(f"graded    {cost:7.2f} s, {cost / floor:.3f}x")
        students = class_folder(folder / "class", options.students)
        whole = seconds([*grade, "--jobs", "2", str(students)], folder)
        print(f"class     {whole / options.students:7.2f} s a submission with two jobs, {options.students} submissions")


if __name__ == "__main__":
    main()
