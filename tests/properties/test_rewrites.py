"""The changes of style are faithful: the changed program prints what the plain one prints, figures included.

So where a property fails, it is the grader that is wrong about a program, not the change.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import matplotlib
import nbformat
import pytest
import torch
from matplotlib import pyplot as plt

from tests.properties import layout, names, statements, styles
from tests.tamper.programs import program

Run = Callable[[str | bytes], str]
SEEDS = range(2)


@pytest.fixture(scope="module")
def run(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program in this process, on the small data, with the same seed each time; returns what it prints."""
    home = tmp_path_factory.mktemp("rewrites")
    shutil.copytree(small_data, home / "data")
    matplotlib.use("Agg")

    def printed(text: str | bytes) -> str:
        torch.manual_seed(0)
        with contextlib.chdir(home), contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(text, "practical.py", "exec"), {"__name__": "__main__"})  # noqa: S102  (our own program)
        # What a program changes for the whole process.
        torch.use_deterministic_algorithms(False)
        torch.set_default_device(None)
        plt.close("all")
        return out.getvalue()

    return printed


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "rewrite",
    [
        names.renamed, statements.reordered, statements.in_functions, statements.loops_in_functions,
        layout.commented, layout.formatted, layout.encoded, styles.other_clearing, styles.other_one_hot,
    ],
)  # fmt: skip
def test_changed_program_prints_the_same(run: Run, rewrite: Callable[[str, Random], str | bytes], seed: int) -> None:
    """Line for line, apart from their order: the same shapes, losses and accuracies."""
    changed = rewrite(program(), Random(seed))
    assert changed not in (program(), program().encode())
    assert sorted(run(changed).splitlines()) == sorted(run(program()).splitlines())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "rewrite",
    [styles.other_order, styles.other_seed, styles.on_a_device, styles.talkative, styles.cluttered, styles.other_lines],
)
def test_changed_program_trains_and_tests(run: Run, rewrite: Callable[[str, Random], str], seed: int) -> None:
    """Where other things are printed or drawn, the program still runs to its end and tells of ten epochs."""
    changed = rewrite(program(), Random(seed))
    assert changed != program()
    lines = [line for line in run(changed).splitlines() if "loss" in line.lower() or "|" in line]
    assert len(lines) >= 10


@pytest.mark.parametrize("seed", SEEDS)
def test_every_own_name_has_one_new_name(seed: int) -> None:
    """All names and attributes that the program makes are found, and no two of them become one."""
    before, after = names.own_names(program()), names.own_names(names.renamed(program(), Random(seed)))
    assert [len(found) for found in after] == [len(found) for found in before]
    assert len(before[0]) > 25
    assert before[1] == {"conv", "dense"}


@pytest.mark.parametrize("seed", SEEDS)
def test_cells_are_the_program(seed: int) -> None:
    """The cells together are the program's lines, each once, in their order; a figure is in one cell."""
    cells = statements.cells(program(), Random(seed))
    assert len(cells) > 3
    assert [line for cell in cells for line in cell.splitlines() if line] == [
        line for line in program().splitlines() if line
    ]
    (drawn,) = (cell for cell in cells if "plt.subplots" in cell)
    assert "plt.show" in drawn


def test_notebooks_are_valid_in_every_format() -> None:
    """All versions come up, each notebook is valid in its own, and holds the cells it was made of."""
    versions = set()
    for seed in range(40):
        made = nbformat.reads(layout.notebook(["a = 1", "b = 2\nprint(b)"], Random(seed)).decode(), nbformat.NO_CONVERT)
        nbformat.validate(made)
        versions.add((made.nbformat, made.nbformat_minor))
        whole = nbformat.convert(made, 4)
        assert [cell.source for cell in whole.cells if cell.cell_type == "code"] == ["a = 1", "b = 2\nprint(b)"]
    assert {major for major, _ in versions} == {3, 4}
    assert {minor for major, minor in versions if major == 4} == {0, 1, 2, 4, 5}
