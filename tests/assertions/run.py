"""Runs a program of the corpus bare, to its end, and applies the asserts to the variables that it leaves.

Every program runs in a process of its own, forked from one that has torch imported. Nothing isolates it: the corpus is
ours. As in nbgrader the cells after a failed one are run.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.corpus.cases import Case

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
LIMIT_SECONDS = 120.0
SEED = 5
UNFINISHED = "the program did not end"
_FORK = ForkContext()


def measure(case: Case, data: Path) -> dict[str, str]:
    """The asserts that `case` fails on the data set in `data`, each with its reason."""
    from tests.assertions.asserts import ASSERTS

    with tempfile.TemporaryDirectory(prefix="assertions-") as folder:
        receiver, sender = _FORK.Pipe(duplex=False)
        child = _FORK.Process(target=_child, args=(case, data, Path(folder), sender))
        child.start()
        sender.close()
        try:
            ended = receiver.poll(case.limit_seconds or LIMIT_SECONDS)
            return dict(json.loads(receiver.recv_bytes())) if ended else dict.fromkeys(ASSERTS, UNFINISHED)
        except EOFError:
            return dict.fromkeys(ASSERTS, UNFINISHED)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # what the program started, too
            child.kill()
            child.join()


def _child(case: Case, data: Path, folder: Path, answer: Connection) -> None:
    """Runs the program, applies the asserts and sends what failed; never returns."""
    os.setsid()
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    namespace = run(case, data, folder)
    from tests.assertions.asserts import failed_asserts

    answer.send_bytes(json.dumps(failed_asserts(namespace, case.text, data)).encode())
    os._exit(0)


def run(case: Case, data: Path, folder: Path) -> Mapping[str, Any]:
    """Runs the program in `folder`, beside a copy of the data, and returns its global variables."""
    import torch

    path = case.write(folder)
    home = path if path.is_dir() else folder
    shutil.copytree(data, home / "data", dirs_exist_ok=True)
    shutil.copy(REFERENCE / "helper_functions.py", home)
    os.chdir(home)
    sys.path.insert(0, str(home))
    sys.argv = [str(path)]
    torch.manual_seed(SEED)
    if case.kind == "notebook":
        return run_cells([source for kind, source in case.cells() if kind == "code"])
    if path.is_dir():
        path = next(path / name for name in ("submission.py", "main.py") if (path / name).is_file())
    return run_script(path)


def run_cells(cells: list[str]) -> Mapping[str, Any]:
    """Runs a notebook's cells in IPython; a cell that fails ends alone."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    for source in cells:
        shell.run_cell(source)
    return shell.user_ns


def run_script(path: Path) -> Mapping[str, Any]:
    """Runs a script as `python script.py` does; what it had defined when it failed counts."""
    module = ModuleType("__main__")
    module.__file__ = str(path)
    sys.modules["__main__"] = module
    with contextlib.suppress(BaseException):
        exec(compile(path.read_bytes(), path, "exec"), module.__dict__)  # noqa: S102  (a program of our own corpus)
    return vars(module)
