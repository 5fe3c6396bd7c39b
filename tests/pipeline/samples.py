"""Reading what a graded notebook left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from grader.pipeline import Graded, Grader, find_candidates
from grader.score import Finding
from tests.submission.uploads import notebook, write


@dataclass(frozen=True)
class Ran:
    """A graded notebook whose cells had names; `cells` are the executed ones by name."""

    graded: Graded
    cells: dict[str, Any]
    numbers: dict[str, int]

    def text(self, name: str) -> str:
        """What the cell printed to stdout."""
        return "".join(output.text for output in self.cells[name].outputs if output.get("name") == "stdout")

    def error(self, name: str) -> tuple[str, str] | None:
        """Type and message of the exception that ended the cell, if one did."""
        errors = [output for output in self.cells[name].outputs if output.output_type == "error"]
        assert len(errors) <= 1
        return (errors[0].ename, errors[0].evalue) if errors else None

    def shown(self, name: str) -> set[str]:
        """The MIME types that the cell displayed."""
        displayed = ("display_data", "execute_result")
        return {kind for output in self.cells[name].outputs if output.output_type in displayed for kind in output.data}

    def findings(self, name: str) -> list[Finding]:
        """The findings that point at the cell."""
        number = self.numbers[name]
        return [found for found in self.graded.grade.findings if found.where and found.where.cell == number]

    def check(self, name: str) -> tuple[str, float | None]:
        """Outcome and points of a check."""
        (found,) = [c for question in self.graded.grade.questions for c in question.checks if c.id == name]
        return found.outcome, found.points


def run_cells(grader: Grader, path: Path, cells: dict[str, str]) -> Ran:
    """Writes a notebook of these cells to `path` and grades it."""
    write(path, notebook(*cells.values()))
    graded = grade(grader, path)
    executed = executed_cells(graded)
    return Ran(
        graded,
        dict(zip(cells, executed, strict=True)),
        {name: number for number, name in enumerate(cells, start=1)},
    )


def grade(grader: Grader, path: Path) -> Graded:
    """Grades one submission."""
    (candidate,) = find_candidates(path)
    return grader.grade_one(candidate)


def executed_cells(graded: Graded) -> list[Any]:
    """The cells of the executed notebook, which has to be valid nbformat 4.5."""
    assert graded.notebook is not None
    executed = nbformat.reads(graded.notebook, as_version=nbformat.NO_CONVERT)
    nbformat.validate(executed)
    assert (executed.nbformat, executed.nbformat_minor) == (4, 5)
    return list(executed.cells)
