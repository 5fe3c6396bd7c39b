"""Measures how often the grader is right, on the corpus in `tests/corpus`. `make diagnose`.

Every case is graded for real, sandbox included, on the quick MNIST data. The corpus was written from the catalogue of
mistakes before the grader saw it; each wrong verdict is shown with its reasons.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from grader.pipeline import Grader, Options, find_candidates, prepare
from tests.corpus.cases import Case, load_corpus
from tests.corpus.judge import Said, Tally, Verdict, said, tally, total
from tests.mnist import mnist_folder

_grader: Grader | None = None


def start(data: Path | None, cache: bool) -> None:
    """Prepares the grader that a worker process uses for all its cases."""
    global _grader
    _grader = prepare(Options(data=data, quick=True, cache=cache))


def grade(case: Case) -> Said:
    """What the grader says of one case."""
    assert _grader is not None
    grader = _grader
    if case.limit_seconds is not None:
        grader = replace(grader, limits=replace(grader.limits, wall_s=case.limit_seconds))
    with tempfile.TemporaryDirectory(prefix="diagnose-") as folder:
        path = case.write(Path(folder))
        (candidate,) = find_candidates(path, one=path.is_dir())
        return said(grader.grade_one(candidate).grade)


def run(cases: Sequence[Case], data: Path | None, jobs: int, cache: bool) -> list[Verdict]:
    """Grades `cases`, `jobs` at a time, and tells of each wrong verdict as it comes."""
    verdicts = []
    begun = time.monotonic()
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), start, (data, cache))
    with pool:
        waiting = {pool.submit(grade, case): case for case in cases}
        for number, done in enumerate(as_completed(waiting), 1):
            verdict = Verdict(waiting[done], done.result())
            verdicts.append(verdict)
            if not verdict.right:
                describe(verdict)
            if number % 20 == 0:
                print(f"{number} of {len(cases)}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return verdicts


def describe(verdict: Verdict) -> None:
    """Prints what was wrong about one verdict."""
    case, heard = verdict.case, verdict.said
    print(f"\n{case.name} ({' '.join(case.rows)}; {case.style if case.correct else case.base}; {heard.status})")
    for title, wrong in (
        ("wrongly charged", sorted(verdict.wrongly_charged)),
        ("not charged", sorted(verdict.missed_questions)),
        ("not found", list(verdict.missed_findings)),
    ):
        if wrong:
            print(f"  {title}: {', '.join(wrong)}")
    print(f"  said: {', '.join(sorted(heard.faults)) or '-'}; also {', '.join(sorted(heard.others)) or '-'}")
    for reason in heard.reasons:
        if " not_assessed " not in reason:
            print(f"    {reason[:300]}")
    if heard.unassessed:
        print(f"    not assessed: {', '.join(sorted(heard.unassessed))}")
    sys.stdout.flush()


def main() -> int:
    """Grades the corpus and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="only cases whose name contains one of these")
    mnist = mnist_folder()
    parser.add_argument("--data", type=Path, default=mnist if mnist.is_dir() else None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--cache", action="store_true", help="use stored evidence")
    options = parser.parse_args()

    cases = [
        case for case in load_corpus().values() if not options.names or any(name in case.name for name in options.names)
    ]
    begun = time.monotonic()
    verdicts = run(cases, options.data, options.jobs, options.cache)
    counted = tally(verdicts)
    print_table(counted)
    correct = sum(case.correct for case in cases)
    print(f"{correct} correct and {len(cases) - correct} faulty programs in {time.monotonic() - begun:.0f} s")
    return 1 if counted.accused or counted.collateral else 0


def print_table(counted: Tally) -> None:
    """Counts by question and by finding, then the totals."""
    for title, counts in (("question", counted.questions), ("finding", counted.findings)):
        print(f"\n{title:<34}{'found':>7}{'missed':>8}{'false':>7}{'recall':>9}{'precision':>11}")
        for name, count in sorted(counts.items()):
            shares = share(count.recall), share(count.precision)
            print(f"{name:<34}{count.hits:>7}{count.misses:>8}{count.false:>7}{shares[0]:>9}{shares[1]:>11}")
    print(f"\ncorrect programs accused: {len(counted.accused)}; faulty ones wrongly charged: {len(counted.collateral)}")
    print(f"recall by question {share(total(counted.questions.values()).recall)}, ", end="")
    print(f"by finding {share(total(counted.findings.values()).recall)}")
    print(f"questions without a fault that were left unassessed: {sum(counted.unassessed.values())}")


def share(value: float | None) -> str:
    """A share as per cent; a dash where there was nothing to count."""
    return "-" if value is None else f"{value:.1%}"


if __name__ == "__main__":
    sys.exit(main())
