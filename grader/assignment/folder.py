"""The assignment folder: what a teacher keeps there, and where the default one is."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from grader.assignment.rubric import Rubric, load_rubric
from grader.errors import AssignmentError

RUBRIC = "rubric.toml"
MODEL = "model.py"
HELPERS = "helper_functions.py"


@dataclass(frozen=True)
class Assignment:
    """An assignment: its folder, its rubric, and the files (name -> content) that every workspace is given."""

    directory: Path
    rubric: Rubric
    helpers: Mapping[str, bytes]

    @property
    def model_path(self) -> Path:
        """The reference CNN's module."""
        return self.directory / MODEL


def load_assignment(directory: Path | None) -> Assignment:
    """Loads the assignment in `directory`, or the default one where it is None.

    Raises AssignmentError where the folder lacks a file or its rubric is not valid.
    """
    folder = default_directory() if directory is None else directory.absolute()
    for name in (RUBRIC, MODEL, HELPERS):
        if not (folder / name).is_file():
            raise AssignmentError(
                f"the assignment has no {name}", file=str(folder), remedy="Copy the one of the default assignment there"
            )
    return Assignment(
        directory=folder,
        rubric=load_rubric(folder / RUBRIC),
        helpers={HELPERS: (folder / HELPERS).read_bytes()},
    )


def default_directory() -> Path:
    """`grader/reference/`, where the wheel ships it, else the repository's `reference/`."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "reference"
    return shipped if (shipped / RUBRIC).is_file() else package.parent / "reference"


def load_module(path: Path) -> ModuleType:
    """Runs a module of the assignment folder (the reference model, the offline digits) and returns it.

    Raises AssignmentError where it is missing or fails.
    """
    name = f"grader_assignment_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise AssignmentError(
            "the module is missing", file=str(path), remedy="Copy the one of the default assignment there"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there while it is being run
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise AssignmentError(
            f"the module fails with {type(error).__name__}: {error}", file=str(path), remedy="Mend it there"
        ) from error
    return module
