"""Every row of the suite has a case or tests that exist, and what is said of single rows is so."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.hostile.cases import CASES
from tests.hostile.rows import ROWS, TESTS

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_row_has_a_case_or_tests() -> None:
    """The 56 rows are there, each once, as a program or as a reference to tests."""
    rows = [case.row for case in CASES.values()]
    assert len(rows) == len(set(rows))
    assert set(rows) | set(TESTS) == set(ROWS) and not set(rows) & set(TESTS)


@pytest.mark.parametrize("row", sorted(TESTS))
def test_tests_that_stand_for_a_row_exist(row: int) -> None:
    """Each name leads to a file, and to a test in it."""
    for name in TESTS[row][1]:
        path, _, function = name.partition("::")
        defined = {
            node.name for node in ast.parse((REPOSITORY / path).read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert not function or function in defined, name


def test_nothing_unpickles_outside_the_sandbox() -> None:
    """Of the trusted side no module calls pickle, marshal's or torch's loaders, or numpy's with pickles allowed."""
    found = []
    for path in (REPOSITORY / "grader").rglob("*.py"):
        if path.parent.name in ("recorder", "starter"):  # these run inside, or read what the grader itself wrote
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                call = ast.unparse(node.func)
                allowed = any(k.arg == "allow_pickle" and ast.unparse(k.value) == "True" for k in node.keywords)
                if call in ("torch.load", "pickle.load", "pickle.loads", "marshal.loads", "marshal.load") or allowed:
                    found.append(f"{path.name}: {call}")
    assert found == []
