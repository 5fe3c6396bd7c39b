"""The default assignment's modules, loaded from their files as the grader loads them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pytest

mpl.use("Agg")


@pytest.fixture(scope="session")
def reference(repo_root: Path) -> Path:
    """The folder of the default assignment."""
    return repo_root / "reference"


@pytest.fixture(scope="session")
def load(reference: Path) -> Callable[[str], ModuleType]:
    """Runs one of the assignment's modules by its file name and returns it."""

    def run(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"reference_{Path(name).stem}", reference / name)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return run


@pytest.fixture(scope="session")
def helpers(load: Callable[[str], ModuleType]) -> ModuleType:
    """`helper_functions.py`."""
    return load("helper_functions.py")


@pytest.fixture(scope="session")
def model(load: Callable[[str], ModuleType]) -> ModuleType:
    """`model.py`."""
    return load("model.py")
