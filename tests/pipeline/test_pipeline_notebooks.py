"""Notebooks as students write them: magics, plots, Colab, CUDA, Windows paths; what fails costs its own cell only."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.pipeline import Grader
from tests.cli.samples import LOAD, TRAIN_ONE_BATCH
from tests.pipeline.samples import Ran, executed_cells, grade, run_cells
from tests.submission.uploads import write

FINE = {
    "magic": "%matplotlib inline\n%load_ext autoreload\n%autoreload 2",
    "seeds": "import numpy, torch\nprint(torch.initial_seed(), int(numpy.random.get_state()[1][0]))",
    "time": "%%time\nprint('timed')",
    "shell": "!echo from-the-shell",
    "install": "!pip install --retries 1 no-such-package-of-this-course",
    "garbage": "import gc\nprint(gc.isenabled(), gc.get_freeze_count() > 100_000)",
    "plot": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "display": "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))\n6 * 7",
    "windows": "from helper_functions import read_npz\n"
    r"train_X, train_Y = read_npz(r'C:\Users\ann\Documents\practical5\data\train.npz')",
    "drive": "test_X, test_Y = read_npz('/content/drive/MyDrive/test.npz')\n"
    "print(train_X.shape, train_Y.shape, test_X.shape, test_Y.shape)",
    "device": "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\nprint(device)",
    "train": TRAIN_ONE_BATCH,
    "last": "print(type(model(train_X[:2])).__name__)",
}

FAILING = {
    "input": "name = input('Your name? ')",
    "password": "import getpass\ngetpass.getpass()",
    "colab": "from google.colab import drive\ndrive.mount('/content/drive')",
    "cuda": "import torch\ntorch.zeros(2).cuda()",
    "exit": "import sys\nprint('leaving')\nsys.exit()",
    "syntax": "def broken(:\n    pass",
    "name": "print(no_such_name)",
    "download": "import urllib.request\nurllib.request.urlopen('http://example.org')",
    "load": LOAD,
    "train": TRAIN_ONE_BATCH,
    "model on cuda": "model.cuda()",
    "last": "print('still here')",
}


@pytest.fixture(scope="module")
def fine(grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A notebook whose odd cells all work."""
    return run_cells(grader, tmp_path_factory.mktemp("fine") / "fine.ipynb", FINE)


@pytest.fixture(scope="module")
def failing(grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A notebook of which most cells fail, each for a reason of its own."""
    return run_cells(grader, tmp_path_factory.mktemp("failing") / "failing.ipynb", FAILING)


@pytest.mark.parametrize("name", FINE)
def test_odd_cells_run_as_in_jupyter(fine: Ran, name: str) -> None:
    """Magics, shell commands, plots, foreign paths and device selection raise nothing, and no fault points at them
    but for what the training lacks: it has one batch."""
    assert fine.error(name) is None
    assert fine.cells[name].execution_count == fine.numbers[name]
    if name != "train":
        assert [found for found in fine.findings(name) if found.severity == "fault"] == []


def test_output_of_magics_and_shell(fine: Ran) -> None:
    """`%%time` and `!` leave the output that they leave in Jupyter."""
    assert "timed" in fine.text("time")
    assert "Wall time" in fine.text("time")
    assert fine.text("shell").strip() == "from-the-shell"


def test_plots_and_displays_are_kept(fine: Ran) -> None:
    """`plt.show()` leaves the picture in the executed notebook, display() its HTML, an expression its value."""
    assert "image/png" in fine.shown("plot")
    assert "text/html" in fine.shown("display")
    assert fine.cells["display"].outputs[-1].data["text/plain"] == "42"


def test_pip_install_is_noted_without_deduction(fine: Ran) -> None:
    """A `!pip install` that wants the network is noted as such an attempt, which costs nothing."""
    noted = [found for found in fine.graded.grade.findings if found.id == "run.network-attempt"]
    assert [found.severity for found in noted] in (["note"], ["warning"])
    lost = [
        c for question in fine.graded.grade.questions for c in question.checks if c.finding == "run.network-attempt"
    ]
    assert lost == []


def test_foreign_paths_lead_to_the_staged_data(fine: Ran) -> None:
    """A Windows path and a Google Drive path that end in the data files' names open the staged files; both count."""
    assert fine.text("drive").count("784") == 2
    assert fine.check("data.loaded") == ("met", 3)
    assert fine.check("data.shapes_shown") == ("met", 1)


def test_device_selection_takes_the_processor(fine: Ran) -> None:
    """The usual `cuda if available else cpu` gives cpu."""
    assert fine.text("device").strip() == "cpu"


def test_model_that_returns_a_tuple(fine: Ran) -> None:
    """A model whose call returns (y_hat, z_1, v_1) is judged like one that returns the logits alone."""
    assert fine.text("last").strip() == "tuple"
    for check, points in {
        "layers.convolution": 4, "layers.activation": 1, "layers.dense": 3, "forward.image": 1,
        "forward.convolution_output": 1, "forward.activation_applied": 1, "forward.flattened": 1, "forward.logits": 2,
        "objective.loss": 3, "objective.optimizer": 2, "training.targets": 2, "training.gradient": 3, "update.step": 2,
    }.items():  # fmt: skip
        assert fine.check(check) == ("met", points), check


def test_seeds_are_those_of_the_report(fine: Ran) -> None:
    """torch and NumPy start from the seed that the report names, so a run can be repeated."""
    run = fine.graded.grade.run
    assert run is not None
    assert fine.text("seeds").split() == [str(run.seed), str(run.seed)]


@pytest.mark.parametrize(
    ("name", "type_", "says", "finding"),
    [
        ("input", "EOFError", "nobody to ask", "run.cell-error"),
        ("password", "EOFError", "nobody to ask", "run.cell-error"),
        ("colab", "ModuleNotFoundError", "google", "run.cell-error"),
        ("cuda", "AssertionError", "CUDA", "run.cell-error"),
        ("model on cuda", "AssertionError", "CUDA", "run.cell-error"),
        ("exit", "SystemExit", "", "run.cell-error"),
        ("syntax", "SyntaxError", "invalid syntax", "run.syntax-error"),
        ("name", "NameError", "no_such_name", "run.undefined-name"),
        ("download", "URLError", "urlopen error", "run.cell-error"),
    ],
)
def test_failing_cell_fails_alone(failing: Ran, name: str, type_: str, says: str, finding: str) -> None:
    """The exception ends its own cell, stands in the executed notebook, and a finding names the cell and repeats it."""
    error = failing.error(name)
    assert error is not None
    assert error[0] == type_
    assert says in error[1]
    found = [each for each in failing.findings(name) if each.id == finding]
    assert len(found) == 1
    assert type_ in found[0].message
    assert says in found[0].message


def test_cells_after_a_failing_one_run_and_count(failing: Ran) -> None:
    """Whatever failed before, later cells run, and their work gets its points."""
    assert failing.text("last").strip() == "still here"
    assert failing.error("load") is None
    assert failing.error("train") is None
    assert failing.graded.grade.status == "graded"
    assert failing.check("data.loaded") == ("met", 3)
    assert failing.check("layers.convolution") == ("met", 4)
    assert failing.check("training.gradient") == ("met", 3)


def test_garbage_is_collected_in_the_students_program_alone(fine: Ran) -> None:
    """The collector that was off while torch and the kernel were imported is on, and what they made is out of its
    sight."""
    assert fine.text("garbage").strip() == "True True"


def test_network_attempt_is_noted(failing: Ran) -> None:
    """A cell that wants the network says so in a finding of its own, once."""
    assert [found.id for found in failing.graded.grade.findings].count("run.network-attempt") == 1


def test_output_before_the_exit_is_kept(failing: Ran) -> None:
    """What a cell printed before it failed stays."""
    assert failing.text("exit").strip() == "leaving"


def test_message_of_an_exception_without_text(failing: Ran) -> None:
    """An exception that carries no text is named by its type alone."""
    (found,) = failing.findings("exit")
    assert found.message == "SystemExit"


@pytest.mark.parametrize("call", ["quit()", "exit()"])
def test_quit_ends_its_cell_only(grader: Grader, tmp_path: Path, call: str) -> None:
    """quit() in a cell is like sys.exit(): the cells after it run."""
    pauses = {f"pause {i}": "import time; time.sleep(0.3)" for i in range(3)}
    ran = run_cells(grader, tmp_path / "quits.ipynb", {"quit": call, **pauses, "last": "print('still here')"})
    assert ran.text("last").strip() == "still here"


def test_notebook_of_format_3(grader: Grader, tmp_path: Path) -> None:
    """A notebook of nbformat 3 is run like any other, and its executed copy is of format 4.5."""
    code = {"cell_type": "code", "collapsed": False, "language": "python", "metadata": {}, "outputs": []}
    cells = [{"cell_type": "heading", "level": 2, "metadata": {}, "source": "Question 1"}, {**code, "input": LOAD}]
    content = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    graded = grade(grader, write(tmp_path / "old.ipynb", content))

    assert graded.grade.score == 4
    heading, loading = executed_cells(graded)
    assert heading.source == "## Question 1"
    assert "6000, 784" in loading.outputs[0].text
