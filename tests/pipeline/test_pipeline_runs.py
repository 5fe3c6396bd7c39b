"""One run: what is stored of it and used again, what a run that was cut off leaves, and modules as they are run."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from grader.pipeline import Grader, find_candidates
from grader.sandbox import available_isolation
from grader.score import Grade
from grader.store import EvidenceStore
from tests.cli.samples import LOAD, TRAIN_ONE_BATCH
from tests.pipeline.samples import executed_cells, grade
from tests.submission.uploads import notebook, write

PRINTING_S = 5.0  # enough for a cell to load the data and print, on a busy machine too


@pytest.fixture
def storing(grader: Grader, tmp_path: Path) -> Grader:
    """The grader with an evidence cache of its own, empty."""
    return replace(grader, store=EvidenceStore(tmp_path / "evidence"))


def cached(found: Grade) -> bool:
    """Whether the evidence came from the cache."""
    assert found.run is not None
    return found.run.cached


def as_if_new(found: Grade) -> Grade:
    """The grade without the mark that its evidence was stored."""
    assert found.run is not None
    return replace(found, run=replace(found.run, cached=False))


def test_the_same_content_is_run_once(storing: Grader, tmp_path: Path) -> None:
    """A second grade of the same notebook comes from the cache and is equal to the first in everything, the executed
    notebook included; stored outputs and metadata make no difference. A changed cell is run anew."""
    path = write(tmp_path / "cnn.ipynb", notebook(LOAD, TRAIN_ONE_BATCH))
    first = grade(storing, path)
    again = grade(storing, path)
    write(path, {**notebook(LOAD, TRAIN_ONE_BATCH), "metadata": {"title": "now saved elsewhere"}})
    resaved = grade(storing, path)
    write(path, notebook(LOAD, TRAIN_ONE_BATCH.replace("lr=0.01", "lr=0.02")))
    changed = grade(storing, path)

    assert [cached(each.grade) for each in (first, again, resaved, changed)] == [False, True, True, False]
    assert as_if_new(again.grade) == first.grade
    assert as_if_new(resaved.grade) == first.grade
    assert again.notebook == resaved.notebook == first.notebook
    assert changed.grade.submission.sha256 != first.grade.submission.sha256


def test_a_grader_without_cache_runs_again(storing: Grader, tmp_path: Path) -> None:
    """`--no-cache` neither reads what is stored nor stores anything."""
    path = write(tmp_path / "cnn.ipynb", notebook(LOAD))
    without = replace(storing, store=None)
    assert not cached(grade(without, path).grade)
    assert not (tmp_path / "evidence").exists()
    grade(storing, path)
    assert not cached(grade(without, path).grade)


def test_other_limits_run_again(storing: Grader, tmp_path: Path) -> None:
    """What was recorded under one limit is not used under another: with more time there might be more."""
    path = write(tmp_path / "cnn.ipynb", notebook(LOAD))
    grade(storing, path)
    longer = replace(storing, limits=replace(storing.limits, wall_s=storing.limits.wall_s + 1))
    assert not cached(grade(longer, path).grade)


def test_a_damaged_entry_is_run_again(storing: Grader, tmp_path: Path) -> None:
    """Stored evidence that cannot be read counts as absent: the grade is the same, and no error is raised."""
    path = write(tmp_path / "cnn.ipynb", notebook(LOAD))
    first = grade(storing, path)
    (entry,) = (tmp_path / "evidence").iterdir()
    stream = entry / "evidence.gev"
    stream.write_bytes(stream.read_bytes()[:-20])
    again = grade(storing, path)

    assert not cached(again.grade)
    assert again.grade.questions == first.grade.questions


def test_a_cancelled_run_is_not_stored(storing: Grader, tmp_path: Path) -> None:
    """A run that somebody ended says nothing about the submission, so the next call runs it."""
    (candidate,) = find_candidates(write(tmp_path / "cnn.ipynb", notebook(LOAD)))
    cancelled = threading.Event()
    cancelled.set()
    stopped = storing.grade_one(candidate, cancelled=cancelled)
    whole = storing.grade_one(candidate)

    assert stopped.grade.run is not None
    assert stopped.grade.run.limit == "cancelled"
    assert not cached(whole.grade)
    assert whole.grade.score == 4


def test_a_cancelled_run_ends_at_once(grader: Grader, tmp_path: Path) -> None:
    """Cancelling ends a run in the middle of a cell, and its executed notebook has what was there until then."""
    (candidate,) = find_candidates(write(tmp_path / "cnn.ipynb", notebook(LOAD, "while True: pass")))
    cancelled = threading.Event()

    def listen(stage: str) -> None:
        if stage == "cell 2":
            cancelled.set()

    graded = grader.grade_one(candidate, listen, cancelled)
    loading, endless = executed_cells(graded)
    assert graded.grade.status == "crashed"
    assert "6000, 784" in loading.outputs[0].text
    assert endless.outputs == []


def test_output_of_a_cell_that_was_cut_off(grader: Grader, tmp_path: Path) -> None:
    """What a cell had printed when its run was ended counts: the shapes were shown, though the training never ended."""
    source = f"{LOAD}\nimport sys\nsys.stdout.flush()\nwhile True: pass"
    (candidate,) = find_candidates(write(tmp_path / "cnn.ipynb", notebook("print('begun')", source)))
    cancelled = threading.Event()
    timer = threading.Timer(PRINTING_S, cancelled.set)

    def listen(stage: str) -> None:
        if stage == "cell 2":
            timer.start()

    found = grader.grade_one(candidate, listen, cancelled).grade
    checks = {check.id: check.points for question in found.questions for check in question.checks}
    assert (checks["data.loaded"], checks["data.shapes_shown"]) == (3, 1)


def test_module_is_run_as_main(grader: Grader, tmp_path: Path) -> None:
    """A module runs with the name `__main__`, its own file name in sys.argv and `__file__`, and without a notebook;
    what it trains counts like a notebook's."""
    head = "import os, sys\nassert __name__ == '__main__'\nassert os.path.basename(__file__) == 'cnn.py' == os.path"
    source = f"{head}.basename(sys.argv[0])\nassert len(sys.argv) == 1\n{LOAD}\n{TRAIN_ONE_BATCH}\n"
    graded = grade(grader, write(tmp_path / "cnn.py", source))
    checks = {check.id: check.points for question in graded.grade.questions for check in question.checks}

    assert graded.notebook is None
    assert [found.message for found in graded.grade.findings if found.id == "run.cell-error"] == []
    assert (checks["data.loaded"], checks["data.shapes_shown"], checks["training.gradient"]) == (3, 1, 3)


def test_failing_module_is_graded_on_what_it_did(grader: Grader, tmp_path: Path) -> None:
    """An exception in a module costs what comes after it; the finding names its line in the file."""
    source = f"{LOAD}\n{TRAIN_ONE_BATCH}\n\nraise RuntimeError('too late')\n"
    found = grade(grader, write(tmp_path / "cnn.py", source)).grade
    (error,) = [each for each in found.findings if each.id == "run.cell-error"]

    assert found.status == "graded"
    assert error.message == "RuntimeError: too late"
    assert error.where is not None
    assert (error.where.file, error.where.cell, error.where.line) == ("cnn.py", None, source.count("\n"))
    assert sum(question.score for question in found.questions if question.id in ("2.1", "2.2", "2.3")) == 20


def test_a_run_can_be_repeated(grader: Grader, tmp_path: Path) -> None:
    """Two runs of the same program give the same points, findings, curves and kernels, and print the same, random
    numbers of all three libraries included."""
    chance = "import random, numpy\nprint(random.random(), numpy.random.rand(), torch.rand(1).item())"
    path = write(tmp_path / "cnn.ipynb", notebook(LOAD, TRAIN_ONE_BATCH, chance))
    first, second = (grade(grader, path) for _ in range(2))
    assert replace(first.grade, run=None) == replace(second.grade, run=None)
    assert first.notebook == second.notebook
    assert executed_cells(first)[2].outputs[0].text.count(".") == 3


FORGED = """\
import sys
recording = sys.modules["recorder.kernel"].recording
send = recording.wire.send
recording.wire.send = lambda told, *rest: send(
    {**told, "no_shared_memory": True} if told["kind"] == "error" else told, *rest
)
"""


def test_no_error_is_excused_where_nothing_was_lacking(grader: Grader, tmp_path: Path) -> None:
    """A program that has the recorder say of its own mistake that it is the sandbox's is not believed at full
    isolation; the control: elsewhere it would be.
    """
    if grader.isolation.level != "full":
        pytest.skip("full isolation is not possible here")
    path = write(tmp_path / "cnn.ipynb", notebook(FORGED, LOAD, "undefined"))
    elsewhere = replace(grader, isolation=available_isolation(force="partial"))
    assert "run.undefined-name" in {found.id for found in grade(grader, path).grade.findings}
    assert "run.undefined-name" not in {found.id for found in grade(elsewhere, path).grade.findings}
