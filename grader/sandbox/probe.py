"""Which isolation this machine gives: each level is claimed only where the grader's attack on it comes to nothing."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from grader.errors import IsolationError
from grader.sandbox.selfattack import Attacked, attack
from grader.sandbox.starter import landlock
from grader.sandbox.values import Examined, Isolation, Level

LEVELS: tuple[Level, ...] = ("full", "partial")
SCOPED_ABI = 6  # the first Landlock that keeps signals and abstract sockets in

APPARMOR_PROFILE = """\
abi <abi/4.0>,
include <tunables/global>
profile bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
  include if exists <local/bwrap>
}
"""
"""Allows bubblewrap, and nothing else, its user namespaces on Ubuntu 24.04; for /etc/apparmor.d/bwrap."""


def available_isolation(allow_none: bool = False, force: str | None = None) -> Isolation:
    """The best isolation that really works here, or the level `force`; each level is tried once in a process.

    Raises IsolationError where only none is possible and `allow_none` is False, or where the forced level is not
    possible.
    """
    if sys.platform != "linux":
        raise IsolationError("students' code is isolated on Linux only", remedy="Run the grader in a Linux container")
    if force is not None:
        return _forced(force, allow_none)
    details: list[str] = []
    for level in LEVELS:
        examined = examine(level)
        if examined.failure is None:
            return Isolation(level, (*details, *examined.notes), examined.probes)
        details.append(f"{level} isolation is not possible: {examined.failure}")
    if not allow_none:
        raise IsolationError("; ".join(details), remedy="--allow-unsandboxed runs students' code without isolation")
    return Isolation("none", tuple(details))


def _forced(level: str, allow_none: bool) -> Isolation:
    if level == "none" and allow_none:
        return Isolation("none", ("isolation was turned off on request",))
    for known in LEVELS:
        if level == known:
            examined = examine(known)
            if examined.failure is None:
                return Isolation(known, examined.notes, examined.probes)
            raise IsolationError(f"{level} isolation is not possible: {examined.failure}")
    raise IsolationError(f"{level!r} is not a level of isolation that is allowed here")


@lru_cache(maxsize=len(LEVELS))
def examine(level: Level) -> Examined:
    """Attacks `level` once in this process; its failure names what got through, or what keeps it from starting."""
    if level == "partial" and landlock.version() == 0:
        missing = "this kernel has no Landlock. Boot Linux 5.13 or later with landlock in its lsm= list"
        return Examined(level, (), missing)
    try:
        attacked = attack(level)
    except IsolationError as error:
        complaint = f"{error}. {_remedy(error.message)}".rstrip(". ") if level == "full" else str(error)
        return Examined(level, (), complaint)
    failed = [probe for probe in attacked.probes if not probe.holds]
    through = "; ".join(f"{probe.name}: {probe.detail}" for probe in failed)
    failure = f"the grader's attack on its own sandbox got through ({through})" if failed else None
    if failure is not None and level == "partial" and landlock.version() < SCOPED_ABI:
        failure += ". Linux 6.12 or later keeps signals and abstract sockets in"
    return Examined(level, attacked.probes, failure, _notes(level, attacked))


def _notes(level: Level, attacked: Attacked) -> tuple[str, ...]:
    notes = []
    if level == "partial" and attacked.user == os.getuid():
        notes.append("the program runs as the grader's own user: it can connect to that user's sockets")
    if level == "partial" and not attacked.shares_memory:
        notes.append(
            "the program has no shared memory (/dev/shm), since nothing would tell whose it is: a DataLoader does "
            "without workers, and a program that stops for want of it is not charged, but not assessed either"
        )
    remedy = "Make full isolation possible, or run the grader as root with a Python that other users may read"
    return (f"{'; '.join(notes)}. {remedy}",) if notes else ()


def _remedy(complaint: str) -> str:
    """What a person can do about bubblewrap's `complaint`, where the machine's settings tell."""
    if "Unknown option" in complaint:
        return "bubblewrap 0.7 or later is needed"
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor forbids user namespaces (Ubuntu 24.04): allow them to bubblewrap by a profile in "
            "/etc/apparmor.d/bwrap, which `grade doctor` prints, or to all by "
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        )
    if _setting("kernel/unprivileged_userns_clone") == "0":
        return "User namespaces are turned off: sysctl kernel.unprivileged_userns_clone=1"
    if _setting("user/max_user_namespaces") == "0":
        return "User namespaces are turned off: sysctl user.max_user_namespaces=10000"
    if "amespace" in complaint or "ermission" in complaint or "ermitted" in complaint:
        options = " ".join(f"--security-opt {name}=unconfined" for name in ("seccomp", "apparmor", "systempaths"))
        return f"In a container, allow user namespaces: docker run {options}"
    return ""


def _setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text(encoding="ascii").strip()
    except OSError:
        return None
