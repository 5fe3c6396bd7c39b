"""The diagnosis corpus: correct programs in `correct/`, and the same programs with mistakes, as `faults/` edits them.

A correct program is one percent-format file: `# kind:` and `# style:` first, then cells that `# %%` separates, one
script, or several files that `# file: NAME` begins. A faulty one is a base and exact replacements in it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from tests.edits import edited

CORPUS = Path(__file__).resolve().parent
CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)
FILE = re.compile(r"^# file: (\S+)\r?\n", re.MULTILINE)
HEADER = re.compile(r"\A\ufeff?# kind: (notebook|module|folder)\r?\n# style: ([^\r\n]*)\r?\n")


@dataclass(frozen=True)
class Case:
    """One submission and what a right grader says of it.

    `questions`: those that lose marks, beside the accuracy question. `findings`: one string each, alternatives joined
    by `|`. `faults`: how many mistakes were put in; 0 for a correct program.
    """

    name: str
    kind: str
    style: str
    text: str
    base: str = ""
    rows: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    limit_seconds: float | None = None
    faults: int = 0

    @property
    def correct(self) -> bool:
        """Whether nothing may be charged."""
        return not self.faults

    def write(self, folder: Path) -> Path:
        """Writes the submission into `folder` and returns the path to grade."""
        if self.kind == "folder":
            home = folder / self.name
            home.mkdir(parents=True)
            for name, content in self.files().items():
                (home / name).write_bytes(content.encode())
            return home
        path = folder / f"{self.name}.{'ipynb' if self.kind == 'notebook' else 'py'}"
        content = nbformat.writes(self.notebook()) if self.kind == "notebook" else self.text
        path.write_bytes(content.encode())
        return path

    def files(self) -> dict[str, str]:
        """The files of a folder by name."""
        parts = FILE.split(self.text)
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    def cells(self) -> list[tuple[str, str]]:
        """A notebook's cells as (`code` or `markdown`, source)."""
        parts = CELL.split(self.text)
        found = []
        for mark, body in zip(parts[1::2], parts[2::2], strict=True):
            source = body.strip("\n")
            if "[markdown]" in mark:
                lines = (line.removeprefix("# ").removeprefix("#") for line in source.split("\n"))
                found.append(("markdown", "\n".join(lines)))
            else:
                found.append(("code", source))
        return found

    def notebook(self) -> Any:
        """The notebook, as Jupyter would have saved it before any run."""
        make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
        cells = [make[kind](source, id=f"cell-{number}") for number, (kind, source) in enumerate(self.cells())]
        return nbformat.v4.new_notebook(cells=cells)


def load_correct() -> dict[str, Case]:
    """The correct programs by name. Raises ValueError for a file without its two header lines."""
    found = {}
    for path in sorted((CORPUS / "correct").glob("*.py")):
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        header = HEADER.match(text)
        if header is None:
            raise ValueError(f"{path.name}: the first two lines must be `# kind:` and `# style:`")
        found[path.stem] = Case(path.stem, header[1], header[2], text[header.end() :])
    return found


def load_faulty(correct: Mapping[str, Case]) -> dict[str, Case]:
    """The faulty programs by name. Raises ValueError for an edit that does not fit its base exactly once."""
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((CORPUS / "faults").glob("*.toml"))]
    singles = {entry["name"]: entry for table in tables for entry in table.get("case", [])}
    found = {name: _edited(correct, [entry], name) for name, entry in singles.items()}
    for entry in (entry for table in tables for entry in table.get("pair", [])):
        parts = [singles[name] for name in entry["of"]]
        made = _edited(correct, parts, entry["name"])
        overrides = {key: tuple(entry[key]) for key in ("questions", "findings") if key in entry}
        if made.name in found:
            raise ValueError(f"two cases are called {made.name}")
        found[made.name] = replace(made, **overrides)
    return found


def _edited(correct: Mapping[str, Case], parts: Sequence[Mapping[str, Any]], name: str) -> Case:
    """The case that all of `parts` make of their one base."""
    (base,) = {part["base"] for part in parts}
    try:
        text = edited(correct[base].text, (edit for part in parts for edit in part["edits"]))
    except ValueError as error:
        raise ValueError(f"{name}, from {base}: {error}") from None
    return replace(
        correct[base],
        name=name,
        text=text,
        base=base,
        rows=_united(parts, "rows"),
        questions=_united(parts, "questions"),
        findings=_united(parts, "findings"),
        limit_seconds=max((part["limit_seconds"] for part in parts if "limit_seconds" in part), default=None),
        faults=len(parts),
    )


def _united(parts: Sequence[Mapping[str, Any]], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for part in parts for value in part[key]))


def load_corpus() -> dict[str, Case]:
    """Every case by name, the correct ones first."""
    correct = load_correct()
    return {**correct, **load_faulty(correct)}
