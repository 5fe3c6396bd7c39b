"""Control groups, where the grader may make them: the kernel then holds a run's memory and processes itself.

Without one, memory is watched (every 50 ms), and what no process has mapped is not seen. Only cgroup v2, and only a
group that was handed over to the grader (https://systemd.io/CGROUP_DELEGATION): `systemd-run --user --scope
--property Delegate=yes grade ...` does, a container or a machine without systemd may.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import IsolationError
from grader.sandbox import tree

if TYPE_CHECKING:
    from grader.assignment import Limits

LEAF = "grade"  # where the grader's own processes go: a group with controllers may not hold processes itself
RUN = "grade-run-"
CONTROLLERS = ("memory", "pids")
REMOVE_S = 10.0
REMEDY = "systemd-run --user --scope --property Delegate=yes grade ..."
_making_ready = threading.Lock()


class Group:
    """The group of one run."""

    def __init__(self, path: Path, limits: Limits) -> None:
        """Makes the group; raises OSError where that is not possible after all."""
        path.mkdir()
        self._path = path
        try:
            self._set("memory.max", limits.memory_bytes)
            self._set("memory.oom.group", 1)
            self._set("pids.max", limits.processes)
            with contextlib.suppress(FileNotFoundError):  # a kernel without swap
                self._set("memory.swap.max", 0)
        except BaseException:
            path.rmdir()
            raise

    def entrance(self) -> int:
        """A descriptor; a process joins by writing 0 to it, whoever it has become meanwhile."""
        return os.open(self._path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has killed the run because it could have no more memory."""
        return _events(self._path).get("oom_kill", 0) > 0

    def kill(self) -> None:
        """Kills every process in it at one stroke; kernels before Linux 5.14 cannot."""
        with contextlib.suppress(FileNotFoundError):
            self._set("cgroup.kill", 1)

    def remove(self) -> None:
        """Takes the group away; nothing of the run may live. Raises IsolationError where something does."""
        end = time.monotonic() + REMOVE_S
        while time.monotonic() < end:  # killed processes leave it a moment after their end was told
            with contextlib.suppress(OSError):
                self._path.rmdir()
                return
            time.sleep(0.005)
        raise IsolationError(f"the control group {self._path} of a student's run does not empty")

    def _set(self, name: str, value: int) -> None:
        (self._path / name).write_text(str(value), encoding="ascii")


def new_group(limits: Limits) -> Group | None:
    """A group for one run; None where this machine gives none."""
    folder = parent()
    if folder is None:
        return None
    try:
        return Group(folder / f"{RUN}{os.getpid()}-{secrets.token_hex(4)}", limits)
    except OSError:
        return None


def parent() -> Path | None:
    """The group in which those of runs are made. At first use the grader's own processes go to a group beneath it."""
    with _making_ready:
        return _parent()


def who_holds_memory() -> str:
    """In one line, for people: what keeps a run within its memory on this machine."""
    folder = parent()
    if folder is None:
        return f"watched every 50 ms. Where cgroup v2 is handed over, the kernel holds it: {REMEDY}"
    return f"held by the kernel, in control groups beneath {folder}"


@lru_cache(maxsize=1)
def _parent() -> Path | None:
    own = _own()
    if own is None:
        return None
    if own.name == LEAF:  # another process of this grader has made all ready
        return own.parent
    try:
        if not _is_ours(own):
            return None
        if (own / "cgroup.type").exists():  # all groups but the root have one, and only the root may hold processes
            _move_down(own)
        (own / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS), encoding="ascii")
    except OSError:
        return None
    _sweep(own)
    return own


def _own() -> Path | None:
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    name = next((line[3:] for line in lines if line.startswith("0::")), None)
    places = [(words[3], words[4]) for words in mounts if words[words.index("-") + 1] == "cgroup2"]
    if name is None or not places or places[0][0] != "/":
        return None
    own = Path(places[0][1] + name)
    try:
        controllers = (own / "cgroup.controllers").read_text(encoding="ascii").split()
    except OSError:
        return None
    return own if set(CONTROLLERS) <= set(controllers) else None


def _is_ours(own: Path) -> bool:
    """Whether the group was handed over to the grader, and holds nobody else's processes."""
    if os.geteuid() != 0:
        handed_over = own.stat().st_uid == os.geteuid()
    elif Path("/run/systemd/system").is_dir():  # there, root may write to everything, and systemd alone should
        handed_over = "trusted.delegate" in os.listxattr(own)
    else:
        handed_over = True
    mine = {os.getpid(), *tree.descendants(os.getpid())}
    return handed_over and (not (own / "cgroup.type").exists() or _processes(own) <= mine)


def _move_down(own: Path) -> None:
    leaf = own / LEAF
    leaf.mkdir(exist_ok=True)
    for pid in _processes(own):
        with contextlib.suppress(ProcessLookupError):
            (leaf / "cgroup.procs").write_text(str(pid), encoding="ascii")


def _sweep(folder: Path) -> None:
    """Removes what killed graders have left, which is empty."""
    for path in folder.glob(f"{RUN}*"):
        if not Path("/proc", path.name.removeprefix(RUN).partition("-")[0]).exists():
            with contextlib.suppress(OSError):
                path.rmdir()


def _processes(path: Path) -> set[int]:
    return {int(word) for word in (path / "cgroup.procs").read_text(encoding="ascii").split()}


def _events(path: Path) -> dict[str, int]:
    lines = (path / "memory.events").read_text(encoding="ascii").splitlines()
    return {name: int(count) for name, count in (line.split() for line in lines)}
