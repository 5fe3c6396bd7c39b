"""Measures how often the grader is right, on the corpus in `tests/corpus`. `make diagnose`.

Every case is graded for real, sandbox included, on the quick MNIST data. The corpus was written from the catalogue of
mistakes before the grader saw it; each wrong verdict is shown with its reasons. The same programs are judged by four
asserts on their variables (`tests/assertions`), beside which the grader's figures stand.
"""

from __future__ import annotations

import argparse
import datetime
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
from grader.sandbox import keep_zygote
from tests.assertions.stored import failed_by_case
from tests.corpus.cases import Case, load_corpus
from tests.corpus.judge import Said, Verdict, said
from tests.corpus.table import Figures, by_asserts, judged, publish, text
from tests.mnist import mnist_folder

_grader: Grader | None = None


def start(data: Path | None, cache: bool) -> None:
    """Prepares the grader that a worker process uses for all its cases, which are forked as a class's runs are."""
    global _grader
    keep_zygote()
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
    """Grades the corpus, prints the tables, and publishes them in the README where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="only cases whose name contains one of these")
    mnist = mnist_folder()
    parser.add_argument("--data", type=Path, default=mnist if mnist.is_dir() else None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--cache", action="store_true", help="use stored evidence")
    parser.add_argument("--readme", action="store_true", help="write the tables into the README, if all cases ran")
    options = parser.parse_args()

    cases = [
        case for case in load_corpus().values() if not options.names or any(name in case.name for name in options.names)
    ]
    begun = time.monotonic()
    dataset = prepare(Options(data=options.data, quick=True)).dataset
    failed = failed_by_case(cases, dataset, options.jobs)
    verdicts = run(cases, options.data, options.jobs, options.cache)
    correct = sum(case.correct for case in cases)
    figures = Figures(
        date=datetime.date.today().isoformat(),
        dataset=f"{dataset.name} ({dataset.train:,} + {dataset.test:,} images)",
        correct=correct,
        faulty=len(cases) - correct,
        grader=judged(verdicts),
        asserts=by_asserts(verdicts, failed),
    )
    print(f"\n{text(figures)}")
    print(f"questions without a fault that were left unassessed: {figures.grader.unassessed}")
    print(f"{len(cases)} programs in {time.monotonic() - begun:.0f} s")
    if options.readme and not options.names:
        publish(figures)
    return 1 if figures.grader.accused or figures.grader.collateral else 0


if __name__ == "__main__":
    sys.exit(main())
