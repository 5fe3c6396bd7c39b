"""Small real programs for the sandbox, and what a test needs to run them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from grader.assignment import Limits
from grader.sandbox import available_isolation
from grader.sandbox.run import execute
from grader.sandbox.values import Level, Outcome, Program, Reply
from grader.sandbox.zygote import Zygote

MEBIBYTE = 1 << 20
LIMITS = Limits(
    wall_s=60.0,
    memory_bytes=1536 * MEBIBYTE,
    processes=128,
    file_bytes=64 * MEBIBYTE,
    disk_bytes=64 * MEBIBYTE,
    entries=100_000,
    output_bytes=1 << 16,
    evidence_bytes=4 * MEBIBYTE,
)

# `send` writes evidence, `attempt` tells what a call comes to: "done" or the name of its error.
PRELUDE = """
import os, sys
def send(text):
    data = str(text).encode()
    while data:
        data = data[os.write(int(os.environ["GRADE_PIPE"]), data):]
def attempt(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:
        return type(error).__name__
    return "done"
"""


zygote: Zygote | None = None
"""What programs are forks of in a test of that way."""


@dataclass(frozen=True)
class Seen:
    """How a program's run ended, and the evidence that it sent."""

    outcome: Outcome
    evidence: str


def run_code(
    code: str,
    level: Level,
    *,
    answer: Callable[[bytes], Reply] | None = None,
    cancelled: threading.Event | None = None,
    program: Program | None = None,
    arguments: tuple[str, ...] = (),
    **limits: float,
) -> Seen:
    """Runs `code` (after PRELUDE) at `level`; `limits` replace those of LIMITS, `answer` gives the replies."""
    chunks: list[bytes] = []

    def keep(chunk: bytes) -> Reply:
        chunks.append(chunk)
        return answer(chunk) if answer else Reply()

    wanted = replace(program or Program(()), arguments=("-P", "-c", PRELUDE + code, *arguments))
    outcome = execute(wanted, level, replace(LIMITS, **limits), keep, cancelled, zygote_for(wanted))
    return Seen(outcome, b"".join(chunks).decode())


def zygote_for(program: Program) -> Zygote | None:
    """What this test's programs are forks of, where it has one and that fits."""
    return zygote if zygote is not None and zygote.fits(program) else None


def keeps_user(level: Level) -> bool:
    """Whether a run at `level` has the grader's own user on the host, which partial isolation may have to accept."""
    return level == "partial" and any("own user" in detail for detail in available_isolation(force=level).details)


def processes_with(marker: str) -> list[int]:
    """The living processes of this machine whose command line contains `marker`."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and marker.encode() in Path("/proc", name, "cmdline").read_bytes():
                found.append(int(name))
        except OSError:
            continue
    return found


def status_of(pid: int) -> Mapping[str, str]:
    """/proc/PID/status as the host sees it."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
