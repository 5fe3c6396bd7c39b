"""Commands that are timed with everything that they start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRADE = Path(sys.executable).with_name("grade")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Ran:
    """Seconds of wall and of processor time, of all processes together; `peak_mb` is that of the largest one."""

    wall: float
    cpu: float
    peak_mb: float


def run(
    command: Sequence[str | Path], folder: Path, extra: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)
) -> Ran:
    """Runs a command; raises RuntimeError with the end of what it said where it fails."""
    environment = {**os.environ, **ONE_THREAD, **(extra or {})}
    said = folder / ".said"
    with said.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        text = said.read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{command} ended with {process.returncode}: {text[-3000:]}")
    return Ran(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def tell(text: str) -> None:
    """Says what is being done, at once."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
