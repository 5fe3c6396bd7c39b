"""What figures were measured with."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from grader.sandbox import available_isolation
from grader.sandbox.interpreter import tcmalloc

BUSY = 0.5  # a load average above which other programs take part in what is measured


def computer() -> str:
    """Processor, cores that may be used, and kernel."""
    cpus = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", cpus.read_text(encoding="utf-8")) if cpus.exists() else []
    cores = len(os.sched_getaffinity(0))
    return f"{models[0] if models else platform.machine()}, {cores} cores, {platform.release()}"


def versions() -> str:
    """Python and the packages that take part."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("grade-dl", "torch", "numpy", "ipykernel", "nbclient"))
    return f"Python {platform.python_version()}, {packages}"


def settings() -> str:
    """What of the machine the grader uses."""
    return f"isolation {available_isolation().level}, allocator {tcmalloc() or 'of the C library'}"


def load() -> str:
    """The load before anything is measured, and what that means."""
    now = os.getloadavg()[0]
    return f"{now:.2f}{' - other programs are running: the figures mean little' if now > BUSY else ''}"
