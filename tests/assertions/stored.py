"""The asserts' results on the corpus, kept beside it: measured once for each content, and again when that changes."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from grader.assignment import Dataset
from tests.assertions.run import measure
from tests.corpus.cases import CORPUS, Case

STORED = CORPUS / "assertions.json"
_HERE = Path(__file__).resolve().parent

Failed = Mapping[str, str]


def content_key(case: Case, dataset_sha256: str) -> str:
    """Changes with whatever the result depends on: program, data, and the asserts themselves."""
    digest = hashlib.sha256()
    for part in (case.kind, case.text, str(case.limit_seconds), dataset_sha256):
        digest.update(f"{part}\0".encode())
    for name in ("asserts.py", "run.py"):
        digest.update((_HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def failed_by_case(cases: Sequence[Case], dataset: Dataset, jobs: int, stored: Path = STORED) -> dict[str, Failed]:
    """The asserts that each case fails, by name. What `stored` does not hold is measured, and then stored there."""
    known = json.loads(stored.read_text(encoding="utf-8")) if stored.is_file() else {}
    keys = {case.name: content_key(case, dataset.sha256) for case in cases}
    missing = [case for case in cases if known.get(case.name, {}).get("key") != keys[case.name]]
    for number, (name, failed) in enumerate(_measured(missing, dataset.directory, jobs), 1):
        known[name] = {"key": keys[name], "failed": failed}
        if number % 20 == 0 or number == len(missing):
            _write(stored, known)
            print(f"four asserts: {number} of {len(missing)}", file=sys.stderr, flush=True)
    return {name: known[name]["failed"] for name in keys}


def _measured(cases: Sequence[Case], data: Path, jobs: int) -> Iterator[tuple[str, Failed]]:
    if not cases:
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), _warm) as pool:
        waiting = {pool.submit(measure, case, data): case.name for case in cases}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _warm() -> None:
    """Imports what every program needs, once a worker: the programs are forked from it."""
    os.environ["MPLBACKEND"] = "Agg"
    for name in ("torch", "matplotlib.pyplot", "IPython.core.interactiveshell", "tests.assertions.asserts"):
        importlib.import_module(name)


def _write(path: Path, known: Mapping[str, object]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")
    part.replace(path)
