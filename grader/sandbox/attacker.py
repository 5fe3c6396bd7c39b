"""What a hostile program tries first. The self-attack runs this file inside the sandbox that it tries out.

`python attacker.py WAY ARGUMENTS`, with ARGUMENTS one JSON object. Standard library only. What came of each attack goes
out through the evidence pipe as a line of JSON; whether it did harm, the grader sees for itself outside.
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

EVIDENCE = 3  # the pipe's number inside
OPEN_FILES = 4096
PR_GET_SECCOMP = 21
CAPABILITY_VERSION = 0x20080522
BLOCK = 1 << 20
GRACE_S = 10  # in which a limit that was exceeded may still strike


def tell(**found: Any) -> None:
    """Sends one line; the run may be killed right afterwards."""
    os.write(EVIDENCE, json.dumps(found).encode() + b"\n")


def attempt(call: Callable[..., Any], *arguments: Any) -> str:
    """What became of a call: "done", or the error in the system's words."""
    try:
        call(*arguments)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return "done"


def read(path: str) -> str:
    """The beginning of a file, empty where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(4096)
    except OSError:
        return ""


def files(paths: list[str], target: str) -> dict[str, Any]:
    """Reads the grader's own files, and writes one where the grader would see it."""
    return {"read": [read(path)[:80] for path in paths], "write": attempt(lambda: open(target, "w").close())}


def shared_memory(path: str, target: str) -> dict[str, str]:
    """Reads what another program has in shared memory, and leaves something there."""
    return {"read": read(path)[:80], "write": attempt(lambda: open(target, "w").close())}


def network(port: int, abstract: str) -> dict[str, str]:
    """Knocks at what listens on the host's loopback: TCP, UDP, an abstract socket."""

    def datagram() -> None:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))

    return {
        "tcp": attempt(lambda: socket.create_connection(("127.0.0.1", port), 1)),
        "udp": attempt(datagram),
        "abstract": attempt(lambda: socket.socket(socket.AF_UNIX).connect(abstract)),
    }


def processes(victim: int) -> dict[str, str]:
    """Kills and reads a process of the host."""
    if victim in (1, os.getpid(), os.getppid()):  # in a process namespace that number is somebody else's
        return {"kill": "not there", "memory": "not there"}
    return {
        "memory": attempt(lambda: open(f"/proc/{victim}/mem", "rb").close()),
        "kill": attempt(os.kill, victim, signal.SIGKILL),
    }


def environment() -> list[str]:
    """The names of all variables in all environments that can be read."""
    texts = ["\0".join(f"{name}=" for name in os.environ)]
    texts += [read(path) for path in glob.glob("/proc/[0-9]*/environ")]
    return sorted({entry.partition("=")[0] for text in texts for entry in text.split("\0") if "=" in entry})


def descriptors() -> list[str]:
    """Open files that nobody gave to this program, its own and those of the sandbox's first process."""
    found = []
    for number in range(EVIDENCE + 1, OPEN_FILES):
        if attempt(os.fstat, number) == "done":
            found.append(f"descriptor {number}")
    for path in glob.glob("/proc/1/fd/*"):
        try:
            target = os.readlink(path)
        except OSError:
            continue
        if target.startswith("/") and target != "/dev/null":
            found.append(target)
    return found


def rights() -> dict[str, Any]:
    """What this process may do: its user, its capabilities, and whether a filter of system calls is in force."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    known = libc.capget(header, sets) == 0
    return {"user": os.getuid(), "capabilities": known and any(sets), "filter": libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0)}


def look(arguments: dict[str, Any]) -> None:
    """Every attack that needs no limit to stop it."""
    tell(
        descriptors=descriptors(),
        rights=rights(),
        environment=environment(),
        files=files(arguments["read"], arguments["write"]),
        shared_memory=shared_memory(arguments["shared_read"], arguments["shared_write"]),
        network=network(arguments["port"], arguments["abstract"]),
        processes=processes(arguments["victim"]),
    )


def disk(arguments: dict[str, Any]) -> None:
    """Writes files until something stops it, or twice the limit is written."""
    written = 0
    for index in range(arguments["blocks"]):
        try:
            with open(f"block{index}", "wb", buffering=0) as stream:
                written += stream.write(bytes(BLOCK))
        except OSError as error:
            tell(written=written, error=error.strerror)
            break
    else:
        tell(written=written, error=None)
    time.sleep(GRACE_S)


def memory(arguments: dict[str, Any]) -> None:
    """Takes memory, and uses it, until something stops it, or twice the limit is taken."""
    taken = [os.urandom(64) * (BLOCK // 64) for _ in range(arguments["blocks"])]
    tell(taken=len(taken) * BLOCK, error=None)
    time.sleep(GRACE_S)


if __name__ == "__main__":
    {"look": look, "disk": disk, "memory": memory}[sys.argv[1]](json.loads(sys.argv[2]))
