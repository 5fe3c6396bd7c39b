"""Root's part: what the unprivileged user must reach is made reachable, then root's rights are given up."""

from __future__ import annotations

import os

from . import system

OTHERS_MAY_ENTER = 0o001


def expose(paths: list[str]) -> None:
    """Makes host `paths` reachable for any user at their own places, for this process and its children only.

    A closed folder on the way (root's own home, say) is covered by an empty one that holds nothing but the way to
    `paths`, so nothing else in it becomes visible. Needs no right where every path is reachable as it is.
    """
    behind: dict[str, list[str]] = {}
    for path in paths:
        barrier = _closed_ancestor(path)
        if barrier is not None:
            behind.setdefault(barrier, []).append(path)
    if not behind:
        return
    system.private_mounts()
    handles = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for paths in behind.values() for path in paths}
    for barrier in sorted(behind):
        system.mount("tmpfs", barrier, "tmpfs", system.MS_NOSUID | system.MS_NODEV, "size=1m,nr_inodes=1k,mode=755")
        for path in sorted(behind[barrier]):
            _bind(handles[path], path)
    for handle in handles.values():
        os.close(handle)


def become(uid: int, gid: int) -> None:
    """Turns root into an ordinary user for good."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    # The change of user made the process undumpable, and with that its own /proc files root's.
    system.prctl(system.PR_SET_DUMPABLE, 1)


def _closed_ancestor(path: str) -> str | None:
    """The outermost folder above `path`, symbolic links followed, that others may not enter."""
    ancestors = []
    parent = os.path.dirname(path)
    while parent != "/":
        ancestors.append(parent)
        parent = os.path.dirname(parent)
    for ancestor in reversed(ancestors):
        if not os.stat(ancestor).st_mode & OTHERS_MAY_ENTER:
            return os.path.realpath(ancestor)
    return None


def _bind(handle: int, path: str) -> None:
    source = f"/proc/self/fd/{handle}"
    if not os.path.lexists(path):
        if os.path.isdir(source):
            os.makedirs(path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
    system.mount(source, path, None, system.MS_BIND | system.MS_REC)
