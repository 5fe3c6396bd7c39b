"""What the sandbox is asked and what it answers; plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Level = Literal["full", "partial", "none"]
Status = Literal["finished", "timed_out", "out_of_memory", "crashed", "stopped"]


@dataclass(frozen=True)
class Probe:
    """One attack of the grader's on its own sandbox. `holds` says that it came to nothing, `detail` what was seen."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True)
class Isolation:
    """The isolation that this machine gives; each detail says in one line what is missing and the remedy.

    `probes` are the self-attack that the level has stood; empty for "none", where there is nothing to attack.
    """

    level: Level
    details: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()


@dataclass(frozen=True)
class Examined:
    """What became of one level here: its probes, why it is not given (None where it is), and what else to know."""

    level: Level
    probes: tuple[Probe, ...]
    failure: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What the reader of the evidence wants: bytes for the program's standard input, and whether to end the run."""

    send: bytes = b""
    stop: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a run ended. The parent alone decides it; nothing that the program says enters.

    `status` is "stopped" where `on_chunk` asked for the end (the normal one). `limit` names the limit that struck:
    "wall", "memory", "disk", "files", "processes", "evidence", "replies", or "cancelled"; None otherwise. `exit_code`
    is None where the program was killed by the grader, and 128 + N where it died of signal N. `message` is one
    sentence.
    `cpu_s` and `peak_memory_bytes` are of the whole tree, as seen every 50 ms. `tail` is the end of what
    the program wrote to its standard output and error: untrusted, for diagnosis only. `probes` says which attacks on
    this machine's sandbox came to nothing before the run.
    """

    status: Status
    message: str
    limit: str | None
    exit_code: int | None
    wall_s: float
    cpu_s: float
    peak_memory_bytes: int
    isolation: str
    tail: str = ""
    probes: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """A program to run in the sandbox: this interpreter with `arguments`, in a workspace of its own.

    `recorder` is a folder that appears inside, read-only, as the only importable package beside the installed ones,
    named `recorder`. `files` go into the workspace (relative POSIX names), `data` is the folder whose `train.npz` and
    `test.npz` appear in the workspace's `data/`. `hidden` are host paths that must not be visible even where an
    installed library's folder contains them. `preload` allows tcmalloc where it is found.
    """

    arguments: tuple[str, ...]
    recorder: Path | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    data: Path | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    hidden: tuple[Path, ...] = ()
    preload: bool = True
