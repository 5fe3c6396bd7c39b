"""Reproduces the published figures of a student's report on full MNIST, through the grader. `make reproduce`.

Exit codes: 0 every figure is reproduced; 1 some figure is not; otherwise the code of the grader's error.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.console import Console

from grader.assignment import silent
from grader.errors import GraderError, UsageError
from grader.pipeline import Options, prepare
from tests.mnist import mnist_folder
from tests.reproduce.figures import all_figures
from tests.reproduce.output import markdown, show
from tests.reproduce.picture import draw
from tests.reproduce.runs import Runs, check_mnist, run_all

PICTURE, ACCOUNT = "figures.png", "figures.md"
WIDTH = 120  # of the tables where no terminal says its own


def tell(line: str) -> None:
    """A line of progress, which does not mix with the tables."""
    print(line, file=sys.stderr, flush=True)


def grade_all(data: Path) -> tuple[Runs, str]:
    """The three runs, with a cache of their own, and the name of the data set; nothing of the user's is touched."""
    with tempfile.TemporaryDirectory(prefix="grade-reproduce-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # as root, the sandbox reads the data as another user
        os.environ["GRADE_CACHE"] = str(folder / "cache")
        tell("staging MNIST")
        grader = prepare(Options(data=data), silent)
        dataset = grader.dataset
        name = f"{dataset.name}, {dataset.train:,} + {dataset.test:,} images, SHA-256 {dataset.sha256[:12]}"
        return run_all(grader, folder, tell), f"{name}; isolation: {grader.isolation.level}"


def write(runs: Runs, data: str, out: Path) -> None:
    """Writes the Markdown file and the picture."""
    draw(runs, out / PICTURE)
    (out / ACCOUNT).write_text(markdown(runs, data, PICTURE), encoding="utf-8")


def make_folder(out: Path) -> None:
    """Makes the folder before the runs; raises UsageError where that fails, so that no run is made in vain."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the folder cannot be made ({error.strerror})", file=str(out), remedy="Name another: --out DIR"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the runs, shows and writes the figures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="reproduce", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=mnist_folder(), help="folder with MNIST's train.npz and test.npz")
    parser.add_argument("--out", type=Path, default=Path("reproduced"), help="folder for the results")
    options = parser.parse_args(arguments)
    try:
        check_mnist(options.data)
        make_folder(options.out)
        runs, data = grade_all(options.data)
    except GraderError as error:
        tell(f"reproduce: {error}")
        return error.exit_code
    write(runs, data, options.out)
    show(Console(width=None if sys.stdout.isatty() else WIDTH), runs)
    figures = all_figures(runs)
    missed = [figure.name for figure in figures if not figure.holds]
    print(f"{len(figures) - len(missed)} of {len(figures)} figures reproduced; written to {options.out}/")
    for name in missed:
        print(f"not reproduced: {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
