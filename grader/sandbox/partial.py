"""Partial isolation: what Landlock lets the program see where there are no namespaces, and its folder on the host."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from grader.sandbox import interpreter
from grader.sandbox.command import source_paths
from grader.sandbox.starter import landlock
from grader.sandbox.values import Program
from grader.sandbox.workspace import DATA, DATA_FILES, Layout

Rule = tuple[str, int]

ETC = ("passwd", "group", "hosts", "nsswitch.conf")
# What libraries ask about the machine. The rest of /proc tells of other people's processes.
PROC = ("cpuinfo", "meminfo", "stat", "version", "filesystems", "sys")
SHARED_MEMORY = "/dev/shm"
TERMINALS = ("/dev/ptmx", "/dev/pts")


@contextmanager
def private_folder(program: Program) -> Iterator[Layout]:
    """A folder on the host for one run, gone with all its content when the block is left.

    Its `home` is left for the supervisor to make, since only that knows whose it will be.
    """
    folder = tempfile.mkdtemp(prefix="grade-")
    try:
        # Another user than the grader's must be able to pass through, not to look around.
        os.chmod(folder, 0o711)
        packages = f"{folder}/packages"
        os.mkdir(packages)
        if program.recorder is not None:
            os.symlink(program.recorder, f"{packages}/recorder")
        yield Layout(home=f"{folder}/home", scratch=f"{folder}/home/tmp", packages=packages)
    finally:
        _remove(folder)


def data_links(program: Program, layout: Layout) -> list[tuple[str, str]]:
    """The symbolic links that make up the workspace's `data/`, as (place, target)."""
    if program.data is None:
        return []
    return [(f"{layout.work}/{DATA}/{name}", str(program.data / name)) for name in DATA_FILES]


def rules(program: Program, layout: Layout) -> list[Rule]:
    """Everything that the program may read, and the little that it may write."""
    shown = [path for path in interpreter.system_paths() if not os.path.islink(path)]
    shown += source_paths(program)
    readable, listable = _without(shown, interpreter.hidden_paths(program.hidden))
    readable += [f"/etc/{name}" for name in (*interpreter.SETTINGS, *ETC)]
    readable += [f"/proc/{name}" for name in PROC]
    readable += [*interpreter.PROCESSOR, layout.packages, "/dev/urandom", "/dev/random"]
    return [
        *((path, landlock.READ) for path in readable),
        *((path, landlock.READ_DIR) for path in listable),
        ("/dev/null", landlock.READ_FILE | landlock.WRITE_FILE),
        (layout.home, landlock.WRITE),
    ]


def other_user_rules(sole: bool) -> list[Rule]:
    """What only another user than the grader's may do: make terminals (IPython's `!command` does), since the same user
    could write to those of the person at the machine. And, where that user is this run's alone (`sole`), use shared
    memory: whose files lie there is otherwise not to be told, so that they could be neither counted nor removed.
    """
    rights = landlock.READ_FILE | landlock.READ_DIR | landlock.WRITE_FILE | landlock.IOCTL_DEV
    shared = [(SHARED_MEMORY, landlock.WRITE)] if sole else []
    return [*((path, rights) for path in TERMINALS), *shared]


def sweep(user: int) -> None:
    """Removes what a user whom only one run had has left in shared memory."""
    with os.scandir(SHARED_MEMORY) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # another program's, which has taken it away meanwhile
                if entry.stat(follow_symlinks=False).st_uid == user:
                    _remove(entry.path)


def _without(shown: Iterable[str], hidden: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Paths that together hold all of `shown` but `hidden`, and the folders on the way, which may only be listed.

    Landlock only allows, it cannot take back.
    """
    readable, listable = [], []
    waiting = list(shown)
    while waiting:
        path = waiting.pop()
        if path in hidden:
            continue
        if any(interpreter.is_beneath(secret, (path,)) for secret in hidden):
            listable.append(path)
            waiting += [entry.path for entry in os.scandir(path)]
        else:
            readable.append(path)
    return readable, listable


def _remove(path: str) -> None:
    # rm goes to any depth and follows no links; what a program made unreadable must be opened first.
    for command in (["rm", "-rf", "--", path], ["chmod", "-R", "u+rwX", "--", path], ["rm", "-rf", "--", path]):
        if not os.path.lexists(path):
            return
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
