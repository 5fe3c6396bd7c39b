"""Entering a sandbox that bubblewrap has made, and giving up what its own programs do not have either."""

from __future__ import annotations

import os

from . import system

# In the order in which they are entered: the namespace of users that owns the others gives the right to enter those,
# and the one in which the program lives, beneath it, takes that right away again.
FLAGS = {
    "owner": 0x10000000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "net": 0x40000000,
    "pid": 0x20000000,  # of the children from here on
    "mnt": system.CLONE_NEWNS,  # and with it the root folder
    "user": 0x10000000,
}
REQUIRED = frozenset(FLAGS) - {"owner", "cgroup"}


def enter(handles: dict[str, int]) -> None:
    """Enters the namespaces of `handles` (kind -> descriptor), all of REQUIRED among them; raises OSError."""
    if missing := REQUIRED - handles.keys():
        raise OSError(f"no namespace of {', '.join(sorted(missing))}")
    if os.geteuid() == 0:
        os.setgroups([])
    for kind, flag in FLAGS.items():
        if kind in handles:
            system.setns(handles[kind], flag, kind)


def give_up(uid: int) -> None:
    """Becomes `uid`, as the namespace numbers it, without any capability and any way to gain one; raises OSError."""
    system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
    system.bound_capabilities()
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (uid, uid, uid):
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    system.drop_capabilities()
    # The change of user made the process undumpable, and with that its own /proc files root's.
    system.prctl(system.PR_SET_DUMPABLE, 1)
