"""Commands that are timed with everything that they start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
GRADE = Path(sys.executable).with_name("grade")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Ran:
    """Seconds of the wall, and of the processor by all processes together; `peak_mb` is that of the largest one."""

    wall: float
    cpu: float
    peak_mb: float


def mean(one: Ran, other: Ran) -> Ran:
    """What the same work took on average, done twice."""
    return Ran((one.wall + other.wall) / 2, (one.cpu + other.cpu) / 2, max(one.peak_mb, other.peak_mb))


def run(
    command: Sequence[str | Path], folder: Path, extra: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)
) -> Ran:
    """Runs a command; raises RuntimeError with the end of what it said where it fails."""
    environment = {**os.environ, **ONE_THREAD, **(extra or {})}
    said, took = folder / ".said", folder / ".took"
    with said.open("wb") as output:
        code = subprocess.call(
            [sys.executable, "-S", "-E", LAUNCH, took, *command], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    if code not in codes:
        text = said.read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{command} ended with {code}: {text[-3000:]}")
    return Ran(**json.loads(took.read_bytes()))


def tell(text: str) -> None:
    """Says what is being done, at once."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
