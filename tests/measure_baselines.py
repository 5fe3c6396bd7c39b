"""Measures the reference accuracies again and writes them to reference/baselines.json: `make baselines DATA=DIR`.

Needed after a change of reference/model.py, of reference/digits.py, or of the rubric's budget. DIR holds MNIST's
train.npz and test.npz; without it only the offline digits are measured, and MNIST's entries are dropped where they
were measured with another model.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from grader.assignment import Dataset, calibrate, find_dataset, load_assignment, silent, write_baseline


def measured_datasets(mnist: Path | None) -> dict[str, Dataset]:
    """The data sets of the default assignment by the names that reports give them."""
    assignment = load_assignment(None)
    sources = {"offline digits": None, **({"MNIST": mnist} if mnist else {})}
    return {
        f"{name}, quick" if quick else name: find_dataset(source, assignment, quick, silent)
        for name, source in sources.items()
        for quick in (False, True)
    }


def main() -> None:
    """Measures every data set, printing each result."""
    mnist = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    assignment = load_assignment(None)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GRADE_CACHE"] = cache  # so that a data set that the user installed does not pass for the digits
        for name, dataset in measured_datasets(mnist).items():
            baseline = calibrate(assignment, dataset, silent)
            write_baseline(assignment, dataset, name, baseline)
            print(f"{name}: {baseline.mean:.2%} +- {baseline.std:.2%} over {baseline.runs} runs", flush=True)


if __name__ == "__main__":
    main()
