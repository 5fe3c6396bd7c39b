"""Shared memory is the run's own, or it is closed: to a run that has its grader's user on the host."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox.values import Level
from tests.ordinary import ordinary_command

SHARED_MEMORY = Path("/dev/shm")

WORKER = """
import json, sys
from grader.sandbox.run import RECORDER
from grader.sandbox.values import Program
from tests.sandbox.programs import run_code
seen = run_code(sys.argv[2], sys.argv[1], program=Program((), recorder=RECORDER), arguments=(sys.argv[3],))
outcome = seen.outcome
print(json.dumps({"status": outcome.status, "told": json.loads(seen.evidence or "null"), "tail": outcome.tail}))
"""
FILES = """
import json
theirs, own = f"/dev/shm/{sys.argv[1]}", f"/dev/shm/own-{sys.argv[1]}"
def listed():
    if sys.argv[1] not in os.listdir("/dev/shm"):
        raise FileNotFoundError(theirs)
send(json.dumps({
    "read": attempt(open, theirs), "list": attempt(listed), "change": attempt(open, theirs, "r+"),
    "remove": attempt(os.unlink, theirs), "make": attempt(open, own, "w"),
    "folder": attempt(os.mkdir, own + "-folder"), "link": attempt(os.symlink, "/", own + "-link"),
    "nameless": attempt(lambda: os.close(os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR))),
}))
"""
WANTING = """
import json, multiprocessing, torch
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from multiprocessing.shared_memory import SharedMemory
from recorder import shared
from torch.utils.data import DataLoader

def hidden():
    try:
        multiprocessing.Pool(2)
    except OSError as error:
        raise ValueError("no pool") from error

def echo():
    try:
        multiprocessing.Queue()
    except OSError:
        undefined

def tell(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, shared.is_wanted(error)]
    return "done"

def bar():
    from tqdm import tqdm
    return list(tqdm(range(3), file=sys.stderr))

def process():
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.Process(target=theirs.send, args=(7,))
    child.start()
    child.join()
    assert ours.recv() == 7

calls = {
    "lock": multiprocessing.Lock, "pool": lambda: multiprocessing.Pool(2), "thread pool": lambda: ThreadPool(2),
    "array": lambda: multiprocessing.Array("i", 3), "tensor": lambda: torch.zeros(3).share_memory_(),
    "block": lambda: SharedMemory(create=True, size=8), "file": lambda: open("/dev/shm/x", "w"),
    "executor": lambda: ProcessPoolExecutor(1).submit(int).result(), "hidden": hidden, "echo": echo,
    "loader": lambda: list(DataLoader([1, 2], num_workers=1)),
    "another file": lambda: open("/etc/shadow"), "mistake": lambda: torch.zeros(3) @ torch.zeros(4),
    "bar": bar, "process": process, "threads": lambda: ThreadPoolExecutor(2).submit(int).result(),
}
send(json.dumps({"closed": shared.is_closed(), **{name: tell(call) for name, call in calls.items()}}))
"""


def as_ordinary(folder: Path, level: Level, code: str, argument: str = "") -> Mapping[str, Any]:
    """What `code` tells at `level`, run by a grader of an ordinary user."""
    python, environment = ordinary_command(folder)
    command = [*python, "-c", WORKER, level, code, argument]
    result = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert seen["status"] == "finished", seen
    told: Mapping[str, Any] = seen["told"]
    return told


@pytest.fixture
def theirs() -> Iterator[str]:
    """The name of a file in the host's shared memory that everyone may read and write."""
    name = f"grade-test-{uuid.uuid4().hex}"
    path = SHARED_MEMORY / name
    path.write_text("theirs", encoding="ascii")
    path.chmod(0o666)
    yield name
    for left in SHARED_MEMORY.glob(f"*{name}*"):
        left.rmdir() if left.is_dir() and not left.is_symlink() else left.unlink()


def test_an_ordinary_users_run_finds_it_closed(partial: Level, open_path: Path, theirs: str) -> None:
    """Partially isolated, it can read, list, change, remove and make nothing there, whatever the files' own rights."""
    told = as_ordinary(open_path, partial, FILES, theirs)
    assert set(told.values()) == {"PermissionError"}, told
    assert [path.name for path in SHARED_MEMORY.glob(f"*{theirs}*")] == [theirs]


def test_an_ordinary_users_run_has_its_own(full: Level, open_path: Path, theirs: str) -> None:
    """Fully isolated, it makes what it wants in shared memory of its own, and finds nothing of the host's there."""
    told = as_ordinary(open_path, full, FILES, theirs)
    assert {told[name] for name in ("make", "folder", "link", "nameless")} == {"done"}, told
    assert {told[name] for name in ("read", "list", "change", "remove")} == {"FileNotFoundError"}, told
    assert [path.name for path in SHARED_MEMORY.glob(f"*{theirs}*")] == [theirs]


@pytest.mark.skipif(os.geteuid() != 0, reason="the control's file is to be somebody else's")
def test_without_isolation_it_is_open(open_path: Path, theirs: str) -> None:
    """The control: the same calls work on the host, but for the removal of another user's file."""
    told = as_ordinary(open_path, "none", FILES, theirs)
    assert {name for name, came in told.items() if came != "done"} <= {"remove", "change"}, told
    assert (SHARED_MEMORY / f"own-{theirs}").exists()


def test_what_fails_for_want_of_it_is_told_apart(partial: Level, open_path: Path) -> None:
    """Where it is closed, whatever of multiprocessing needs it fails with an error that is told from a mistake, also
    behind other errors; progress bars, threads, and processes that talk through pipes work.
    """
    told = dict(as_ordinary(open_path, partial, WANTING))
    assert told.pop("closed") is True
    assert {name for name, came in told.items() if came == "done"} == {"bar", "process", "threads"}, told
    mistakes = {"another file": ["PermissionError", False], "mistake": ["RuntimeError", False]}
    assert {name: told[name] for name in mistakes} == mistakes
    wanting = {name for name, came in told.items() if came[1] is True}
    assert wanting == set(told) - {"bar", "process", "threads"} - set(mistakes), told


def test_where_it_is_the_runs_own_all_of_that_works(full: Level, open_path: Path) -> None:
    """Fully isolated, the same calls work but for the mistakes, and the recorder sees that it is not closed."""
    told = dict(as_ordinary(open_path, full, WANTING))
    assert told.pop("closed") is False
    failed = {name for name, came in told.items() if came != "done"}
    assert failed == {"another file", "mistake"}, told
