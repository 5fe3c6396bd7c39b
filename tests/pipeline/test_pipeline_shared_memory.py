"""Programs that want shared memory, graded by an ordinary user's grader at partial isolation, which has none for them:
loaders with workers get the same grade, and a program that stops for want of it is not accused.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.errors import IsolationError
from grader.sandbox import available_isolation
from tests.ordinary import ordinary_command
from tests.recorder.images import make_images
from tests.submission.uploads import notebook, write
from tests.tamper.programs import program

WORKER = """
import sys
from dataclasses import replace
from pathlib import Path
from grader.pipeline import Options, find_candidates, prepare
from grader.report import json_
from grader.sandbox import available_isolation
from grader.store import EvidenceStore
folder = Path(sys.argv[1])
grader = replace(prepare(Options(data=folder / "data", cache=False)), isolation=available_isolation(force="partial"))
grader = replace(grader, store=EvidenceStore(Path.home() / "evidence"))
for name in sys.argv[2:]:
    (candidate,) = find_candidates(folder / name)
    print(json_.render(grader.grade_one(candidate).grade).replace("\\n", " "), flush=True)
"""
IMPORT = ("from torch import nn\n", "from torch import nn\nfrom torch.utils.data import DataLoader, TensorDataset\n")
BATCHES = ("for x, y in zip(X.split(30), Y.split(30)):", "for x, y in loader:")
WORKERS = "num_workers=2, persistent_workers=True, prefetch_factor=4, timeout=60"
AGAIN = ("workers", "pool-first")
POOL = """\
import multiprocessing
with multiprocessing.Pool(2) as pool:
    {what}
"""
MORE = """
for epoch in range(7):
    for x, y in zip(batches[0], Y.split(30)):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    test_model()
"""


def with_loader(options: str) -> str:
    """The right program, whose training batches come from a DataLoader with these options."""
    made = f"loader = DataLoader(TensorDataset(X, Y), batch_size=30, shuffle=True, {options})\nmodel = CNN()\n"
    return program([], IMPORT, BATCHES, ("model = CNN()\n", made))


def programs() -> Mapping[str, tuple[str, ...]]:
    """The cells of each program, by name."""
    loading, model, rest = re.split(r"\n\n(?=class CNN|def test_model)", program())
    pooled = POOL.format(what="X = torch.stack(pool.map(torch.clone, X))\n    batches = X.split(30)")
    bars = ("import torch\n", "import torch\nfrom tqdm import tqdm\n"), ("range(10):", "tqdm(range(10)):")
    return {
        "alone": (with_loader("num_workers=0"),),
        "workers": (with_loader(WORKERS),),
        "pool-first": (loading, pooled, model, rest.replace("X.split(30)", "batches")),
        "pool-between": (program(["3 epochs"]), POOL.format(what="batches = pool.map(list, [X.split(30)])") + MORE),
        "pool-last": (program(), POOL.format(what="print(pool.map(len, ['a']))")),
        "bars": (program([], *bars),),
    }


@pytest.fixture(scope="module")
def reports() -> Mapping[str, dict[str, Any]]:
    """Each program's report by its name, and those of a second grading by the same grader."""
    try:
        available_isolation(force="partial")
    except IsolationError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="shared-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        _fill(folder)
        python, environment = ordinary_command(folder)
        command = [*python, "-c", WORKER, place, *programs(), *AGAIN]
        result = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=400)
    assert result.returncode == 0, result.stderr
    told = [json.loads(line) for line in result.stdout.splitlines()]
    return dict(zip([*programs(), *(f"{name} again" for name in AGAIN)], told, strict=True))


def _fill(folder: Path) -> None:
    (folder / "data").mkdir()
    for name, count, seed in (("train.npz", 300, 1), ("test.npz", 150, 2)):
        images, labels = make_images(count, seed)
        np.savez(folder / "data" / name, X=images, Y=np.eye(10, dtype=np.float32)[labels])
    for name, cells in programs().items():
        (folder / name).mkdir()
        write(folder / name / f"{name}.ipynb", notebook(*cells))


def verdicts(report: Mapping[str, Any]) -> dict[str, tuple[str, float | None]]:
    """Outcome and points by check."""
    return {check["id"]: (check["outcome"], check["points"]) for q in report["questions"] for check in q["checks"]}


def test_loaders_with_workers_get_the_same_grade(reports: Mapping[str, dict[str, Any]]) -> None:
    """Two persistent workers, or none: full marks, the same verdicts, no finding, and all images seen."""
    alone, workers = reports["alone"], reports["workers"]
    assert alone["score"] == 50 and alone["run"]["isolation"] == "partial"
    assert verdicts(workers) == verdicts(alone)
    assert workers["findings"] == alone["findings"] == []
    assert workers["training"]["train_examples_seen"] == 300 and len(workers["training"]["epochs"]) == 10


def test_progress_bars_need_no_shared_memory(reports: Mapping[str, dict[str, Any]]) -> None:
    """tqdm, which asks for a lock between processes, does without."""
    assert reports["bars"]["score"] == 50


@pytest.mark.parametrize("name", ["pool-first", "pool-between"])
def test_own_multiprocessing_is_not_charged(reports: Mapping[str, dict[str, Any]], name: str) -> None:
    """A pool that cannot be made costs nothing and raises no fault, not even by what is missing after it; the report
    says why, and how to have it assessed.
    """
    report = reports[name]
    assert report["status"] == "graded" and report["findings"] == []
    assert {outcome for outcome, _ in verdicts(report).values()} <= {"met", "not_assessed"}
    assert verdicts(report)["training.epochs"] == ("not_assessed", None)
    (said,) = [reason for reason in report["review"] if "grade doctor" in reason and "charged" in reason]
    assert "cell 2 stopped with PermissionError" in said and "no shared memory" in said


def test_what_was_right_before_counts(reports: Mapping[str, dict[str, Any]]) -> None:
    """A pool in the last cell takes nothing away from a program that was right, and is told for review."""
    assert reports["pool-last"]["score"] == 50 and reports["pool-last"]["findings"] == []
    assert any("no shared memory" in reason for reason in reports["pool-last"]["review"])


def test_a_run_that_lacked_it_is_not_kept(reports: Mapping[str, dict[str, Any]]) -> None:
    """Elsewhere there may be shared memory, so such a run is made anew; others are stored as ever."""
    assert reports["workers again"]["run"]["cached"] is True
    assert reports["pool-first again"]["run"]["cached"] is False
