"""The skeleton and the solution are one notebook, once with gaps and once filled in."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = ("practical5.ipynb", "solution.ipynb")
QUESTIONS = ("1", "2", "2.1", "2.2", "2.3", "3", "3.1", "3.2", "3.3", "4")


def read(path: Path) -> Any:
    """The notebook as it is stored, without conversion."""
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def text(path: Path, kind: str) -> list[str]:
    """The sources of the notebook's cells of one kind, markdown or code."""
    return [cell.source for cell in read(path).cells if cell.cell_type == kind]


def gaps(source: str) -> int:
    """How many `...` stand in `source`."""
    return sum(isinstance(node, ast.Constant) and node.value is Ellipsis for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_is_a_clean_notebook(reference: Path, name: str) -> None:
    """It is valid nbformat 4.5 for the python3 Jupyter kernel, with cell ids and without outputs."""
    notebook = read(reference / name)
    nbformat.validate(notebook)

    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_has_a_heading_for_every_question(reference: Path, name: str) -> None:
    """The questions stand as headings, in their order."""
    lines = "\n".join(text(reference / name, "markdown")).splitlines()
    headings = [line.lstrip("# ").split(":")[0] for line in lines if line.startswith("##")]
    assert headings == [f"Question {number}" for number in QUESTIONS]


def test_both_have_the_same_text_and_cells(reference: Path) -> None:
    """The solution says word for word what the skeleton says, and has its code in the same cells."""
    skeleton, solution = (read(reference / name) for name in NOTEBOOKS)

    assert [(cell.id, cell.cell_type) for cell in skeleton.cells] == [
        (cell.id, cell.cell_type) for cell in solution.cells
    ]
    assert text(reference / NOTEBOOKS[0], "markdown") == text(reference / NOTEBOOKS[1], "markdown")


def test_skeleton_has_gaps_where_work_is_asked_for(reference: Path) -> None:
    """All its cells but those with imports and constants have gaps; the epochs and the batch size are given."""
    sources = text(reference / "practical5.ipynb", "code")
    given = [source for source in sources if not gaps(source)]

    assert len(sources) == 7
    assert len(given) == 2
    assert given[0].startswith("import torch\n")
    assert given[1].splitlines() == ["epochs = 10", "batch_size = 30"]


def test_solution_has_no_gaps(reference: Path) -> None:
    """Nothing is left open, and everything that is given in the skeleton is as it was."""
    skeleton, solution = (text(reference / name, "code") for name in NOTEBOOKS)

    assert not any(gaps(source) or "TODO" in source for source in solution)
    assert all(filled == given for given, filled in zip(skeleton, solution, strict=True) if not gaps(given))
