"""The hostile submissions: each an attack of its own, and the same attack in a program that has something to win."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from tests.tamper.programs import program

FOLDER = Path(__file__).resolve().parents[2] / "submissions" / "hostile"
LEVELS = ("full", "forked", "partial")
"""The levels of isolation; "forked" is the full one as a class has it, by forks of one process."""


@dataclass(frozen=True)
class Case:
    """One row of the suite that is a program.

    `expected` is its expected.toml: `at` and `faults` say where the attack stands in which program, `status`,
    `findings`, `review`, `forbidden` and `largest_output` what must come of it, `witness` by what the control is seen
    to work, `inside` that its effect on itself is its own affair.
    """

    name: str
    expected: dict[str, Any]

    @property
    def row(self) -> int:
        return int(self.expected["row"])

    @property
    def code(self) -> str:
        """The attack alone."""
        return (FOLDER / self.name / "attack.py").read_text(encoding="utf-8")

    def notebook(self, *, attacked: bool) -> str:
        """A whole notebook: the program with the case's mistakes, and the attack in a cell of its own."""
        cells = [program(self.expected["faults"])]
        if attacked:
            cells.insert(0 if self.expected["at"] == "start" else 1, self.code)
        return as_notebook(*cells)


def as_notebook(*sources: str) -> str:
    """nbformat 4.5 JSON with one code cell a source."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return str(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))


def _load(folder: Path) -> Case:
    return Case(folder.name, tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8")))


CASES = {case.name: case for case in map(_load, sorted(path.parent for path in FOLDER.glob("*/expected.toml")))}
