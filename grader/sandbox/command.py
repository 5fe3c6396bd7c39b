"""The bubblewrap command of full isolation: what the program sees of the machine, and it is little."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.sandbox import interpreter
from grader.sandbox.values import Program
from grader.sandbox.workspace import DATA, DATA_FILES, Layout

if TYPE_CHECKING:
    from grader.assignment import Limits

USER = 1000
LAYOUT = Layout(home="/home/student", scratch="/tmp", packages="/opt/grade")
STARTER = "/opt/start"
SMALL = "65536"  # bytes, for folders that only hold mounts
VOLUMES = (LAYOUT.home, LAYOUT.scratch, "/dev/shm")  # what is writable inside, each of the limit's size

ETC = {
    "/etc/passwd": f"root:x:0:0:root:/root:/bin/sh\nstudent:x:{USER}:{USER}:student:{LAYOUT.home}:/bin/sh\n",
    "/etc/group": f"root:x:0:\nstudent:x:{USER}:\n",
    "/etc/hosts": "127.0.0.1 localhost student\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


@dataclass(frozen=True)
class Descriptors:
    """The child's numbers of the open files that bubblewrap itself reads: `etc` has those of the files of ETC."""

    info: int
    seccomp: int
    etc: Mapping[str, int]


def bubblewrap_options(program: Program, limits: Limits, descriptors: Descriptors) -> list[str]:
    """The options up to the command, in the order in which bubblewrap carries them out."""
    return [
        *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup-try", "--uid", str(USER), "--gid", str(USER), "--hostname", "student"),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--seccomp", str(descriptors.seccomp), "--info-fd", str(descriptors.info)),
        *_writable(limits),
        *_system(descriptors.etc),
        *_workspace(program),
        *_hidden(program),
        # Else it would be a writable file system of half the machine's memory.
        *("--remount-ro", "/"),
    ]


def source_paths(program: Program) -> list[str]:
    """The host paths outside the system's folders that are shown, and that another user may not be able to reach."""
    return [*interpreter.library_paths(), starter_folder(), *program_paths(program)]


def program_paths(program: Program) -> list[str]:
    """The host paths that are shown for this program's sake."""
    data = [str(program.data / name) for name in DATA_FILES] if program.data else []
    return [*([str(program.recorder)] if program.recorder else []), *data]


def starter_folder() -> str:
    """The host's folder of the programs that run first."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "starter")


def _writable(limits: Limits) -> list[str]:
    # Before all other mounts, since a library may well lie in /tmp.
    options = ["--proc", "/proc", "--dev", "/dev"]
    for path in VOLUMES:
        perms = "0700" if path == LAYOUT.home else "1777"
        options += ["--perms", perms, "--size", str(limits.disk_bytes), "--tmpfs", path]
    # Shared mappings of /dev/zero are memory that no limit counts.
    return [*options, "--dev-bind", "/dev/null", "/dev/zero", "--remount-ro", "/dev"]


def _system(etc: Mapping[str, int]) -> list[str]:
    options: list[str] = []
    for path in interpreter.system_paths():
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        else:
            options += ["--ro-bind", path, path]
    for name in interpreter.SETTINGS:
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for path in (*interpreter.library_paths(), *interpreter.PROCESSOR):
        options += ["--ro-bind-try", path, path]
    for path, descriptor in etc.items():
        options += ["--perms", "0444", "--file", str(descriptor), path]
    return options


def _workspace(program: Program) -> list[str]:
    options = ["--ro-bind", starter_folder(), f"{STARTER}/starter"]
    if program.recorder is not None:
        options += ["--ro-bind", str(program.recorder), f"{LAYOUT.packages}/recorder"]
    if program.data is not None:
        inside = f"{LAYOUT.work}/{DATA}"
        options += ["--size", SMALL, "--tmpfs", inside]
        for name in DATA_FILES:
            options += ["--ro-bind", str(program.data / name), f"{inside}/{name}"]
        options += ["--remount-ro", inside]
    return options


def _hidden(program: Program) -> list[str]:
    options: list[str] = []
    for path in interpreter.hidden_paths(program.hidden):
        options += ["--perms", "0555", "--size", SMALL, "--tmpfs", path, "--remount-ro", path]
    return options
