"""The programs that are guarded, run for real: where their facts come from."""

from __future__ import annotations

import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from grader.pipeline import Grader, Options, find_candidates, prepare
from grader.sandbox import keep_zygote
from tests.corpus.cases import load_corpus
from tests.guard.archive import Stored, stored
from tests.mnist import mnist_folder
from tests.tamper import attacks, cases, evidence, notebooks
from tests.tamper.shipped import good_weights

REPOSITORY = Path(__file__).resolve().parents[2]
_grader: Grader | None = None
_small: Grader | None = None


def start(cache: bool, small: str) -> None:
    """Prepares a worker process: graders for quick MNIST and for the small data in the folder `small`."""
    global _grader, _small
    keep_zygote()
    _grader = prepare(Options(data=mnist_folder(), quick=True, cache=cache))
    _small = prepare(Options(data=Path(small), cache=cache))


def corpus() -> Iterator[str]:
    """The cases of the corpus."""
    return iter(load_corpus())


def run_corpus(name: str) -> Stored:
    """Grades one case of the corpus."""
    assert _grader is not None
    case, grader = load_corpus()[name], _grader
    if case.limit_seconds is not None:
        grader = replace(grader, limits=replace(grader.limits, wall_s=case.limit_seconds))
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        return _graded(grader, name, case.write(Path(folder)))


def submissions() -> Iterator[str]:
    """The examples that show a grade each."""
    return (path.parent.name for path in sorted((REPOSITORY / "submissions").glob("*/expected.toml")))


def run_submission(name: str) -> Stored:
    """Grades one example."""
    assert _grader is not None
    home = REPOSITORY / "submissions" / name
    return _graded(_grader, name, home / tomllib.loads((home / "expected.toml").read_text("utf-8"))["submission"])


def tampering() -> Iterator[str]:
    """The programs and notebooks that deceive, and the evidence that is forged."""
    yield from (f"program {attack.name}" for attack in attacks.ATTACKS)
    yield from (f"notebook {attack.name} {fault}" for attack, fault in notebooks.CASES)
    yield from dict.fromkeys(f"forged {case.name}" for case in cases.CASES)


def run_tampering(name: str) -> Stored:
    """Grades one deceit."""
    kind, _, rest = name.partition(" ")
    if kind == "forged":
        case = next(case for case in cases.CASES if case.name == rest)
        return stored(name, evidence.facts_of(case.forge(evidence.recorded(case.fault)), case.fault), evidence.BASELINE)
    assert _small is not None
    if kind == "program":
        text = next(attack.text for attack in attacks.ATTACKS if attack.name == rest)
    else:
        text = next(attack.text(fault) for attack, fault in notebooks.CASES if f"{attack.name} {fault}" == rest)
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        path = Path(folder) / f"program.{'ipynb' if kind == 'notebook' else 'py'}"
        path.write_text(text.replace("WEIGHTS", good_weights(_small.dataset.directory)), encoding="utf-8")
        return _graded(_small, name, path)


Runner = Callable[[str], Stored]
GROUPS: dict[str, tuple[Callable[[], Iterator[str]], Runner]] = {
    "corpus": (corpus, run_corpus),
    "submissions": (submissions, run_submission),
    "tamper": (tampering, run_tampering),
}


def run(group: str, names: Iterable[str], jobs: int, cache: bool, small: Path) -> Iterator[Stored]:
    """Runs these programs of a group, `jobs` at a time."""
    runner = GROUPS[group][1]
    with ProcessPoolExecutor(jobs, get_context("spawn"), start, (cache, os.fspath(small))) as pool:
        waiting = [pool.submit(runner, name) for name in names]
        for number, done in enumerate(as_completed(waiting), 1):
            yield done.result()
            if number % 20 == 0:
                print(f"{group}: {number} of {len(waiting)}", file=sys.stderr, flush=True)


def _graded(grader: Grader, name: str, path: Path) -> Stored:
    (candidate,) = find_candidates(path, one=path.is_dir())
    facts = grader.grade_one(candidate).facts
    if facts is None:
        raise RuntimeError(f"{name} was rejected")
    return stored(name, facts, grader.baseline)
