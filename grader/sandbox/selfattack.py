"""The grader attacks its own sandbox, and sees for itself what comes of it: what a level is worth on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.assignment import Limits
from grader.errors import IsolationError
from grader.sandbox.command import LAYOUT
from grader.sandbox.partial import SHARED_MEMORY
from grader.sandbox.run import execute
from grader.sandbox.values import Level, Outcome, Probe, Program, Reply
from grader.sandbox.workspace import environment
from grader.sandbox.zygote import Zygote

MEBIBYTE = 1 << 20
LIMITS = Limits(
    wall_s=30.0,
    memory_bytes=512 * MEBIBYTE,
    processes=64,
    file_bytes=4 * MEBIBYTE,
    disk_bytes=16 * MEBIBYTE,
    entries=1000,
    output_bytes=1 << 16,
    evidence_bytes=1 << 20,
)
MEMORY_BYTES = 48 * MEBIBYTE  # an interpreter alone takes 10
LIMIT_S = 120.0  # a busy machine is slow to start a program, and no less safe for it
ATTACKER = "attacker.py"
HERE = Path(__file__).resolve().parent
SECRETS = (HERE / "values.py", HERE.parent / "errors.py")
FILTERED = 2  # the kernel's name for a process with a filter of system calls


@dataclass(frozen=True)
class Attacked:
    """Which attacks came to nothing, who the program is inside, and whether it can use shared memory."""

    probes: tuple[Probe, ...]
    user: int
    shares_memory: bool


def attack(level: Level) -> Attacked:
    """Attacks the sandbox of `level` once in each way.

    Takes a fraction of a second. Raises IsolationError where the sandbox does not start, or says nothing.
    """
    with ThreadPoolExecutor(3, thread_name_prefix="self-attack") as pool:
        memory, disk = pool.submit(_memory, level), pool.submit(_disk, level)
        looked = pool.submit(_look, level).result()
        return replace(looked, probes=(*looked.probes, memory.result(), disk.result()))


def attack_fork(zygote: Zygote) -> tuple[Probe, ...]:
    """Attacks full isolation from within a fork of `zygote`; the limits, which hold from outside, are not tried.

    Raises IsolationError or ZygoteError where the fork does not start, or says nothing.
    """
    return _look("full", zygote).probes


def _look(level: Level, zygote: Zygote | None = None) -> Attacked:
    with _bait() as bait:
        _, told = _run(level, "look", bait.arguments, LIMITS, zygote)
        seen = _Seen(level, bait, told)
        found = (
            *(seen.files(), seen.shared_memory(), seen.network(), seen.processes()),
            *(seen.environment(), seen.descriptors(), seen.rights()),
        )
    return Attacked(found, seen.user, seen.shares_memory)


def _memory(level: Level) -> Probe:
    limits = replace(LIMITS, memory_bytes=MEMORY_BYTES, wall_s=LIMIT_S)
    outcome, _ = _run(level, "memory", {"blocks": 2 * MEMORY_BYTES // MEBIBYTE}, limits)
    return _limit("memory", outcome.limit == "memory", MEMORY_BYTES, outcome)


def _disk(level: Level) -> Probe:
    limits = replace(LIMITS, wall_s=LIMIT_S)
    outcome, told = _run(level, "disk", {"blocks": 2 * limits.disk_bytes // MEBIBYTE}, limits)
    refused = told.get("error") is not None and told["written"] <= limits.disk_bytes
    return _limit("disk", refused or outcome.limit == "disk", limits.disk_bytes, outcome)


def _limit(name: str, holds: bool, size: int, outcome: Outcome) -> Probe:
    what = "was kept" if holds else f"was not kept ({outcome.message})"
    return Probe(name, holds, f"a limit of {size // MEBIBYTE} MiB {what}")


def _run(
    level: Level, way: str, arguments: dict[str, Any], limits: Limits, zygote: Zygote | None = None
) -> tuple[Outcome, dict[str, Any]]:
    """One run of the attacker, and what it told. A limit that lets it finish is given the time to strike after all."""
    said = b""

    def listen(chunk: bytes) -> Reply:
        nonlocal said
        said += chunk
        return Reply(stop=said.endswith(b"\n") and (way == "look" or json.loads(said)["error"] is not None))

    words = ("-c", (HERE / ATTACKER).read_text(encoding="utf-8"), way, json.dumps(arguments))
    # A fork has whatever the zygote has loaded; by itself the attacker needs neither packages nor an allocator.
    program = Program(("-I", "-S", *words), preload=False) if zygote is None else Program(("-P", *words))
    outcome = execute(program, level, limits, listen, zygote=zygote)
    if not said and outcome.limit is None:
        raise IsolationError(f"the sandbox's own attack did not report ({outcome.message} {outcome.tail.strip()})")
    return outcome, json.loads(said) if said else {}


@dataclass(frozen=True)
class _Bait:
    """Things of the host's that the attack is after, each harmless to lose."""

    arguments: dict[str, Any]
    tcp: socket.socket
    udp: socket.socket
    abstract: socket.socket
    victim: subprocess.Popen[bytes]


@contextmanager
def _bait() -> Iterator[_Bait]:
    name = f"\0grade-{secrets.token_hex(8)}"
    target = os.path.join(tempfile.gettempdir(), f"grade-{secrets.token_hex(8)}")
    shared = [f"{SHARED_MEMORY}/grade-{secrets.token_hex(8)}" for _ in range(2)]
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", tcp.getsockname()[1]))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(name)
        abstract.listen()
        for one in (tcp, udp, abstract):
            one.setblocking(False)
        # Ends by itself when the grader does, since that closes its standard input.
        victim = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={"GRADE_SECRET": "x"})
        stack.callback(_end, victim)
        kept = stack.enter_context(open(__file__, "rb"))
        os.set_inheritable(kept.fileno(), True)
        for path in (target, *shared):
            stack.callback(Path(path).unlink, missing_ok=True)
        _share(shared[0])
        arguments = {
            "read": [str(path) for path in SECRETS],
            "write": target,
            "shared_read": shared[0],
            "shared_write": shared[1],
            "port": tcp.getsockname()[1],
            "abstract": name,
            "victim": victim.pid,
        }
        yield _Bait(arguments, tcp, udp, abstract, victim)


def _share(path: str) -> None:
    """Leaves a file in shared memory as libraries do, for their own user alone; there may be no shared memory."""
    with contextlib.suppress(OSError), open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as stream:
        stream.write("shared")


def _end(victim: subprocess.Popen[bytes]) -> None:
    victim.kill()
    victim.communicate()


class _Seen:
    """What the attack told, beside what can be seen from outside."""

    def __init__(self, level: Level, bait: _Bait, told: dict[str, Any]) -> None:
        self._level = level
        self._bait = bait
        self._told = told
        self.user: int = told["rights"]["user"]
        self.shares_memory: bool = told["shared_memory"]["write"] == "done"

    def files(self) -> Probe:
        read = [str(path) for path, text in zip(SECRETS, self._told["files"]["read"], strict=True) if text]
        written = os.path.exists(self._bait.arguments["write"])
        what = [*(f"{path} could be read" for path in read), *(["a file could be written"] if written else [])]
        return Probe("files", not what, "; ".join(what) or "the host's files cannot be read or written")

    def shared_memory(self) -> Probe:
        left = os.path.exists(self._bait.arguments["shared_write"])
        what = ["another program's could be read"] if self._told["shared_memory"]["read"] else []
        what += ["what the program leaves there stays"] if left else []
        own = "the run's own" if self.shares_memory else "closed to the program"
        return Probe("shared memory", not what, "; ".join(what) or f"{own}: nothing is left in it for the next run")

    def network(self) -> Probe:
        arrived = [name for name in ("tcp", "udp", "abstract") if _arrived(name, getattr(self._bait, name))]
        got = f"the host's loopback was reached by {', '.join(arrived)}"
        return Probe("network", not arrived, got if arrived else "nothing on the host's loopback can be reached")

    def processes(self) -> Probe:
        told = self._told["processes"]
        what = [*(["a process of the host could be killed"] if self._bait.victim.poll() is not None else [])]
        what += ["a process of the host could be read"] if told["memory"] == "done" else []
        return Probe("processes", not what, "; ".join(what) or "the host's processes cannot be signalled or read")

    def environment(self) -> Probe:
        given = set(environment(LAYOUT, Program(())))
        leaked = sorted(set(self._told["environment"]) - given)
        detail = f"variables of the host can be read: {', '.join(leaked)}" if leaked else "holds nothing of the host's"
        return Probe("environment", not leaked, detail)

    def descriptors(self) -> Probe:
        leaked = self._told["descriptors"]
        return Probe("descriptors", not leaked, f"open inside: {', '.join(leaked)}" if leaked else "none is inherited")

    def rights(self) -> Probe:
        told = self._told["rights"]
        kept = [*(["capabilities"] if told["capabilities"] else [])]
        kept += ["all system calls"] if told["filter"] != FILTERED else []
        kept += ["root's user"] if self._level == "full" and told["user"] == 0 else []
        detail = f"the program keeps {', '.join(kept)}" if kept else "no capabilities, filtered system calls"
        return Probe("rights", not kept, detail)


def _arrived(name: str, listener: socket.socket) -> bool:
    try:
        if name == "udp":
            listener.recv(1)
        else:
            listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True
