"""The layering of the design, held against every import statement, those inside functions included."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
GRADER = REPOSITORY / "grader"

# Who may import whom; the order is the flow.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "recorder": set(),
    "evidence": {"errors"},
    "submission": {"errors"},
    "assignment": {"errors"},
    "sandbox": {"submission", "assignment", "evidence", "errors"},
    "verify": {"evidence", "assignment", "errors"},
    "checks": {"evidence", "verify", "assignment", "errors"},
    "score": {"checks", "assignment"},
    "report": {"score"},
    "store": {"evidence", "score", "errors"},
    "gradebook": {"score", "errors"},
    "pipeline": {
        "errors", "recorder", "evidence", "submission", "assignment", "sandbox", "verify", "checks", "score", "store",
        "gradebook",
    },
    "cli": {"pipeline", "gradebook", "report", "score", "errors"},
    "pytest_plugin": {"pipeline", "report", "score", "errors"},
}  # fmt: skip
# Single modules that may be imported besides: both sides must name an image's row by the same function.
MAY_ALSO_IMPORT = {"verify": {"grader.recorder.fingerprint"}}
# The entry points, which only start the command line.
STARTS_CLI = {"__main__"}

RECORDER_LIBRARIES = {
    "torch", "numpy", "IPython", "ipykernel", "nbclient", "nbformat", "jupyter_client", "traitlets", "matplotlib",
}  # fmt: skip
TOP_LEVEL = {
    "reference", "grader", "submissions", "tests", "pyproject.toml", "README.md", "Makefile", "LICENSE", "CHANGELOG.md",
}  # fmt: skip

LONGEST_MODULE = 320
LONGEST_FUNCTION = 50


@dataclass(frozen=True)
class Import:
    """One import: the module that has it, its line, and the full name of what it imports."""

    importer: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def modules() -> dict[str, ast.Module]:
    """Every module of grader by its full name, parsed."""
    return {_module_name(path): ast.parse(path.read_bytes()) for path in sorted(GRADER.rglob("*.py"))}


def imports_of(name: str, tree: ast.Module, is_package: bool) -> Iterator[Import]:
    """All imports in a module, relative ones resolved, and `from package import module` as package.module too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(name, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = name.split(".") if is_package else name.split(".")[:-1]
            base = parts[: len(parts) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(name, node.lineno, f"{source}.{alias.name}") for alias in node.names)


def all_imports() -> list[Import]:
    """Every import in grader."""
    names = modules()
    packages = {name for name in names if any(other.startswith(f"{name}.") for other in names)}
    return [found for name, tree in names.items() for found in imports_of(name, tree, name in packages)]


def part_of(module: str) -> str:
    """The part of the design that a module of grader belongs to: `checks` for grader.checks.result."""
    return module.split(".")[1] if module.count(".") else ""


def allowed(found: Import) -> bool:
    """Whether the layering allows this import of one part of grader by another."""
    importer, target = part_of(found.importer), part_of(found.target)
    if importer in STARTS_CLI:
        return target == "cli"
    if importer == target or target in MAY_IMPORT.get(importer, set()) or found.target == "grader.__version__":
        return True
    exceptions = MAY_ALSO_IMPORT.get(importer, set())
    return any(found.target == name or found.target.startswith(f"{name}.") for name in exceptions)


def test_every_part_is_in_the_table() -> None:
    """No module of grader stands outside the design's table, where no rule would hold it."""
    parts = {part_of(name) for name in modules()} - {""} - STARTS_CLI
    assert parts <= set(MAY_IMPORT)


def test_layers_import_only_what_the_design_allows() -> None:
    """Imports go one way: each part imports only the parts that the design's table lists for it."""
    inner = [found for found in all_imports() if found.target.split(".")[0] == "grader"]
    assert [str(found) for found in inner if not allowed(found)] == []


def test_nothing_but_an_entry_point_is_imported_from_the_top_package() -> None:
    """`grader/__init__.py` imports nothing of grader, so importing any part drags in no other."""
    top = [found for found in all_imports() if found.importer == "grader" and found.target.startswith("grader.")]
    assert [str(found) for found in top] == []


def test_recorder_imports_only_what_the_sandbox_has() -> None:
    """The recorder runs beside the student's code, where nothing else of grader exists."""
    foreign = [
        str(found)
        for found in all_imports()
        if part_of(found.importer) == "recorder"
        and not found.target.startswith("grader.recorder")
        and found.target.split(".")[0] not in RECORDER_LIBRARIES | set(sys.stdlib_module_names)
    ]
    assert foreign == []


def test_recorder_imports_itself_relatively() -> None:
    """Inside the sandbox the recorder is the top-level package `recorder`, so an absolute name would not resolve."""
    absolute = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if part_of(name) == "recorder"
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "grader")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "grader" for alias in node.names))
    ]
    assert absolute == []


def test_checks_do_not_import_torch() -> None:
    """Checks are arithmetic on evidence and on verified results: whatever needs torch belongs in verify."""
    found = [
        str(found)
        for found in all_imports()
        if part_of(found.importer) in {"checks", "score", "report", "store"} and found.target.split(".")[0] == "torch"
    ]
    assert found == []


def test_only_the_command_line_prints() -> None:
    """No part but cli calls print() or holds a rich Console; the others return values and raise errors."""
    printing = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if part_of(name) != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    consoles = [str(found) for found in all_imports() if found.target == "rich.console.Console"]
    assert printing == []
    assert [found for found in consoles if not found.startswith("grader.cli")] == []


@pytest.mark.parametrize("heavy", ["torch", "matplotlib.pyplot", "nbclient"])
@pytest.mark.parametrize("name", ["cli", "assignment", "submission", "evidence", "checks", "report"])
def test_start_up_stays_light(name: str, heavy: str) -> None:
    """Importing a part of the trusted side does not import torch and its like, which take seconds to load."""
    command = f"import sys, grader.{name}; sys.exit({heavy!r} in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    finished = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr or f"grader.{name} imports {heavy}"


def test_top_level_holds_only_what_the_design_lists() -> None:
    """The repository's top level has the four folders, the files that tools need, and nothing else."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so built files cannot be told from the project's own")
    top = {line.strip('"').split("/")[0] for line in listed.stdout.splitlines()}
    assert {entry for entry in top if not entry.startswith(".")} <= TOP_LEVEL


def test_modules_and_functions_stay_small() -> None:
    """A module or function that outgrew its size has two jobs; the limits leave some room over the house style's."""
    too_long = []
    for name, tree in modules().items():
        length = max((node.end_lineno or 0 for node in ast.walk(tree) if isinstance(node, ast.stmt)), default=0)
        if length > LONGEST_MODULE:
            too_long.append(f"{name} ({length} lines)")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    too_long.append(f"{name}:{node.lineno} {node.name} ({lines} lines)")
    assert too_long == []


def test_the_table_catches_a_forbidden_import() -> None:
    """The rules can fail: a report that reads the sandbox, also within a function, relative or absolute, is caught."""
    source = (
        "def f():\n    from grader.sandbox import run\n    from ..sandbox import run\n    from grader import pipeline\n"
    )
    found = list(imports_of("grader.report.html", ast.parse(source), is_package=False))
    assert [each.target for each in found] == ["grader.sandbox.run", "grader.sandbox.run", "grader.pipeline"]
    assert not any(allowed(each) for each in found)


def _module_name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
