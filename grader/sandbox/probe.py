"""Which isolation this machine gives, found out by trying each level on a program that looks around."""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from grader.assignment import Limits
from grader.errors import IsolationError
from grader.sandbox.run import execute
from grader.sandbox.starter import landlock
from grader.sandbox.values import Isolation, Level, Program, Reply

MEBIBYTE = 1 << 20
LIMITS = Limits(
    wall_s=30.0,
    memory_bytes=512 * MEBIBYTE,
    processes=64,
    file_bytes=MEBIBYTE,
    disk_bytes=16 * MEBIBYTE,
    output_bytes=1 << 16,
    evidence_bytes=1 << 16,
)
LEVELS: tuple[Level, ...] = ("full", "partial")
SCOPED_ABI = 6  # the first Landlock that keeps signals and abstract sockets in

# Standard library only, and a line of JSON out: what this process is and what it can reach.
LOOK = """
import json, os, socket, sys
def lines(path):
    try:
        return open(path).read().splitlines()
    except OSError:
        return []
def socket_error():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
    except OSError as error:
        return error.strerror
status = dict(line.split(":", 1) for line in lines("/proc/self/status"))
seen = {"uid": os.getuid(), "seccomp": status.get("Seccomp", "").strip(),
        "capabilities": status.get("CapEff", "").strip(),
        "interfaces": [line.split(":")[0].strip() for line in lines("/proc/net/dev")[2:]], "network": socket_error()}
try:
    open(sys.argv[1])
    seen["outside"] = True
except OSError:
    seen["outside"] = False
os.write(int(os.environ["GRADE_PIPE"]), json.dumps(seen).encode())
"""


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
        failure, notes = _try(level)
        if failure is None:
            return Isolation(level, (*details, *notes))
        details.append(f"{level} isolation is not possible: {failure}")
    if not allow_none:
        raise IsolationError("; ".join(details), remedy="--allow-unsandboxed runs students' code without isolation")
    return Isolation("none", tuple(details))


def _forced(level: str, allow_none: bool) -> Isolation:
    if level == "none" and allow_none:
        return Isolation("none", ("isolation was turned off on request",))
    for known in LEVELS:
        if level == known:
            failure, notes = _try(known)
            if failure is None:
                return Isolation(known, notes)
            raise IsolationError(f"{level} isolation is not possible: {failure}")
    raise IsolationError(f"{level!r} is not a level of isolation that is allowed here")


@lru_cache(maxsize=len(LEVELS))
def _try(level: Level) -> tuple[str | None, tuple[str, ...]]:
    """Why `level` does not work, None where it does, and what a person should know of it."""
    if level == "partial" and landlock.version() == 0:
        return "this kernel has no Landlock. Boot Linux 5.13 or later with landlock in its lsm= list", ()
    chunks: list[bytes] = []

    def keep(chunk: bytes) -> Reply:
        chunks.append(chunk)
        return Reply()

    try:
        outside = str(Path(__file__).resolve())
        program = Program(arguments=("-I", "-S", "-c", LOOK, outside))
        outcome = execute(program, level, LIMITS, keep)
        seen = json.loads(b"".join(chunks))
    except IsolationError as error:
        return f"{error}. {_remedy(error.message)}".rstrip(". ") if level == "full" else str(error), ()
    except ValueError:
        return f"the probe did not report ({outcome.message} {outcome.tail.strip()})", ()
    return (_full_failure(seen) if level == "full" else _partial_failure(seen)), _notes(level, seen)


def _full_failure(seen: dict[str, Any]) -> str | None:
    if int(seen["capabilities"], 16) or seen["seccomp"] != "2" or seen["uid"] == 0:
        return f"the program kept rights (user {seen['uid']}, capabilities {seen['capabilities']})"
    if seen["interfaces"] not in ([], ["lo"]) or seen["network"] is None:
        return f"the program has a network ({', '.join(seen['interfaces'])})"
    return "the program can read the grader's files" if seen["outside"] else None


def _partial_failure(seen: dict[str, Any]) -> str | None:
    if seen["network"] is None:
        return "the program has a network"
    return "the program can read the grader's files" if seen["outside"] else None


def _notes(level: Level, seen: dict[str, Any]) -> tuple[str, ...]:
    if level == "full":
        return ()
    notes = []
    if landlock.version() < SCOPED_ABI:
        notes.append("this kernel's Landlock lets programs send signals to the grader: Linux 6.12 or later does not")
    if seen["uid"] == os.getuid():
        notes.append(
            "the program runs as the grader's own user: it can connect to that user's sockets, and what it leaves in "
            "/dev/shm stays. Run the grader as root with a Python that other users may read, or make full isolation "
            "possible"
        )
    return tuple(notes)


def _remedy(complaint: str) -> str:
    """What a person can do about bubblewrap's `complaint`, where the machine's settings tell."""
    if "Unknown option" in complaint:
        return "bubblewrap 0.7 or later is needed"
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return "AppArmor forbids user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0"
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
