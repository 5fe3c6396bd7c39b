"""Every row of the suite has a case or tests that exist, and what is said of single rows is so."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from grader.submission import Candidate, load_submission
from tests.hostile.cases import CASES
from tests.hostile.rows import ROWS, TESTS

PICKLES = ("pickle", "_pickle", "shelve", "dill", "cloudpickle", "joblib")
REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_row_has_a_case_or_tests() -> None:
    """The 56 rows are there, each once, as a program or as a reference to tests."""
    rows = [case.row for case in CASES.values()]
    assert len(rows) == len(set(rows))
    assert set(rows) | set(TESTS) == set(ROWS) and not set(rows) & set(TESTS)


@pytest.mark.parametrize("row", sorted(TESTS))
def test_tests_that_stand_for_a_row_exist(row: int) -> None:
    """Each name leads to a file, to a test in it, and to a case that stands in that test's folder or corpus."""
    for name in TESTS[row][1]:
        path, _, rest = name.partition("::")
        function, _, case = rest.rstrip("]").partition("[")
        defined = {
            node.name for node in ast.parse((REPOSITORY / path).read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert function in defined, name
        texts = [file.read_text(encoding="utf-8") for file in (REPOSITORY / path).parent.glob("*.py")]
        is_folder = (REPOSITORY / "submissions" / case / "expected.toml").is_file()
        assert not case or is_folder or any(f'"{case}"' in text for text in texts), name


def test_nothing_unpickles_outside_the_sandbox() -> None:
    """Of the trusted side no module imports pickle, or calls marshal's or torch's loaders or numpy's with pickles."""
    found = []
    for path in (REPOSITORY / "grader").rglob("*.py"):
        if path.parent.name in ("recorder", "starter"):  # these run inside, or read what the grader itself wrote
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                found += [f"{path.name}: {name}" for name in sorted(modules & set(PICKLES), key=str)]
            if isinstance(node, ast.Call):
                call = ast.unparse(node.func)
                allowed = any(k.arg == "allow_pickle" and ast.unparse(k.value) == "True" for k in node.keywords)
                if call in ("torch.load", "pickle.load", "pickle.loads", "marshal.loads", "marshal.load") or allowed:
                    found.append(f"{path.name}: {call}")
    assert found == []


class Marks:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path, str]]:
        return Path.write_text, (self.path, "loaded")


def test_a_pickle_in_a_submission_is_only_a_file(tmp_path: Path) -> None:
    """Weights and pickles beside the program, in each form that torch and numpy write, are staged and never loaded;
    the control: whoever loads them runs their code.
    """
    mark, folder = tmp_path / "mark", tmp_path / "ann"
    folder.mkdir()
    (folder / "main.py").write_text("print(1)\n", encoding="utf-8")
    names = ("model.pt", "model.pth", "state.pkl", "weights.npy", "weights.npz", "evidence")
    for name in names[:3]:
        torch.save(Marks(mark), folder / name)
    np.save(folder / names[3], np.array([Marks(mark)], dtype=object))
    np.savez(folder / names[4], X=np.array([Marks(mark)], dtype=object))
    (folder / names[5]).write_bytes(pickle.dumps(Marks(mark)))
    mark.unlink(missing_ok=True)
    submission = load_submission(Candidate("ann", folder))
    assert set(names) <= set(submission.files) and not mark.exists()
    torch.load(folder / "model.pt", weights_only=False)
    assert mark.exists()
    mark.unlink()
    np.load(folder / "weights.npz", allow_pickle=True)["X"]
    assert mark.exists()
