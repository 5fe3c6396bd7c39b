"""Partial isolation: a supervisor that stays outside, and the doors that the student's side closes behind itself.

The supervisor adopts every orphan of the run, so that a daemon that left its session and its process group is still
found and killed. It ends the run when the parent asks, and when the parent itself is gone.
"""

from __future__ import annotations

import marshal
import os
import select
import signal

from . import identity, inside, landlock, system

TYPE_CHECKING = False  # importing typing would take longer than all the rest
if TYPE_CHECKING:
    from typing import Any


def supervise(plan_descriptor: int) -> None:
    """Runs the marshalled plan's program until it ends, or until the control descriptor says so; never returns."""
    with os.fdopen(plan_descriptor, "rb") as stream:
        plan: dict[str, Any] = marshal.load(stream)
    system.prctl(system.PR_SET_CHILD_SUBREAPER, 1)
    mounts = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    uid = _user(plan)
    woken = _wake_on_children()
    child = os.fork()
    if child == 0:
        _hand_over(plan, uid)
    status = _wait(child, plan["control"], woken)
    _kill_all(uid if plan["sole_user"] else None)
    if status is None and not os.read(plan["control"], 1):
        _tidy_up(os.path.dirname(plan["home"]), mounts)
    os._exit(0 if status is None else _exit_code(status))


def _user(plan: dict[str, Any]) -> int | None:
    """The user to become; None, for staying who we are, where root may not make the way free for another."""
    uid: int | None = plan["uid"]
    os.mkdir(plan["home"], 0o700)
    if uid is None:
        return None
    try:
        identity.expose(plan["expose"])
    except OSError:
        return None
    os.chown(plan["home"], uid, uid)
    return uid


def _hand_over(plan: dict[str, Any], uid: int | None) -> None:
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
        if plan["rules"] is not None:
            system.bound_capabilities()
        if uid is not None:
            identity.become(uid, uid)
        if plan["rules"] is not None:
            system.drop_capabilities()
        if plan["rules"] is not None:
            landlock.restrict(plan["rules"] + (plan["other_user_rules"] if uid is not None else []))
        if plan["seccomp"] is not None:
            system.load_seccomp(plan["seccomp"])
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        inside.fail(plan["ready"], error)
    inside.enter(plan["parcel"])


def _wake_on_children() -> int:
    """A descriptor that becomes readable when a child ends."""
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _wait(child: int, control: int, woken: int) -> int | None:
    """The wait status of `child`, or None where the parent asked for the end or is gone; reaps adopted orphans."""
    while True:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return status
            if pid == 0:
                break
        ready, _, _ = select.select([control, woken], [], [])
        if control in ready:
            return None
        os.read(woken, 4096)


def _kill_all(uid: int | None) -> None:
    """Kills what is left of the run, adopted or not, until nothing is."""
    while True:
        if uid is not None:
            _kill_user(uid)
        for pid in _descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        select.select([], [], [], 0.002)


def _kill_user(uid: int) -> None:
    """Kills everything of a user whom only this run has: at one stroke, so that no fork bomb can outrun it."""
    child = os.fork()
    if child == 0:
        try:
            identity.become(uid, uid)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _descendants(root: int) -> list[int]:
    found: list[int] = []
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as stream:
                    children = [int(word) for word in stream.read().split()]
                found += children
                waiting += children
        except OSError:  # it ended meanwhile
            continue
    return found


def _tidy_up(folder: str, mounts: int) -> None:
    """Does what the parent would have done, which is gone: removes the run's folder, where the host has it."""
    try:
        system.return_to_mounts(mounts)
    except PermissionError:  # not root: then it has the host's mounts already
        os.close(mounts)
    os.spawnv(os.P_WAIT, "/bin/rm", ["rm", "-rf", "--", folder])


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
