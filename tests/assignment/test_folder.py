"""The assignment folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import load_assignment
from grader.assignment.folder import load_module
from grader.errors import AssignmentError


def test_default_assignment_is_the_reference(repo_root: Path) -> None:
    """Without a folder, the assignment is the repository's reference/."""
    assignment = load_assignment(None)
    assert assignment.directory == repo_root / "reference"
    assert assignment.rubric.id == "mnist-cnn"


def test_helpers_are_what_each_workspace_gets(repo_root: Path) -> None:
    """The helper script is handed over as it is."""
    content = (repo_root / "reference" / "helper_functions.py").read_bytes()
    assert load_assignment(None).helpers == {"helper_functions.py": content}


@pytest.mark.parametrize("name", ["rubric.toml", "model.py", "helper_functions.py"])
def test_a_missing_file_is_named(copied_assignment: Path, name: str) -> None:
    """A folder without one of the files that grading needs is refused, naming the file."""
    (copied_assignment / name).unlink()
    with pytest.raises(AssignmentError, match=f"has no {name}"):
        load_assignment(copied_assignment)


def test_a_module_that_fails_is_named(tmp_path: Path) -> None:
    """An exception in a teacher's module is an assignment error that names module and exception."""
    path = tmp_path / "model.py"
    path.write_text("import no_such_library\n")
    with pytest.raises(AssignmentError, match=r"model\.py: the module fails with ModuleNotFoundError"):
        load_module(path)


def test_a_module_may_define_dataclasses(tmp_path: Path) -> None:
    """Dataclasses with postponed annotations work in a module that is loaded by its path."""
    path = tmp_path / "model.py"
    path.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Layer:\n    size: int\n"
    )
    assert load_module(path).Layer(3).size == 3
