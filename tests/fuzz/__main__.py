"""`make fuzz`: atheris on every target, each in a process of its own with a limit on memory and on one input's time.

`python -m tests.fuzz [SECONDS]` shares the time among the targets; `python -m tests.fuzz TARGET SECONDS` runs one.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import SCRATCH, TARGETS, seeds

TOTAL_S = 640
MEMORY_MB = 2048
ONE_INPUT_S = 10


def fuzz(name: str, seconds: int) -> None:
    """Fuzzes one target in this process; libFuzzer ends it, with a code other than 0 for a find."""
    import atheris

    for module in ("grader.evidence.frames", "grader.evidence.parse", "grader.submission.notebook",
                   "grader.submission.archive", "grader.submission.sources", "grader.assignment.arrays"):  # fmt: skip
        for value in vars(sys.modules[module]).values():
            if getattr(value, "__module__", None) == module and hasattr(value, "__code__"):
                atheris.instrument_func(value)
    corpus = SCRATCH / "corpus"
    corpus.mkdir()
    for index, seed in enumerate(seeds()[name]):
        (corpus / f"seed{index}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MB}", f"-timeout={ONE_INPUT_S}", "-max_len=20000"]
    options += [f"-artifact_prefix={tempfile.gettempdir()}/fuzz-{name}-", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Fuzzes every target and tells the figures of each; 1 where one was broken."""
    if len(sys.argv) == 3:
        fuzz(sys.argv[1], int(sys.argv[2]))
        return 0
    total = int(sys.argv[1]) if len(sys.argv) > 1 else TOTAL_S
    failed = False
    for name in TARGETS:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "tests.fuzz", name, str(total // len(TARGETS))]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=dict(os.environ), cwd=Path.cwd()
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        figures = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stderr))
        runs, peak = figures.get("number_of_executed_units", "?"), figures.get("peak_rss_mb", "?")
        verdict = "no find" if done.returncode == 0 else f"FOUND (exit {done.returncode})"
        print(f"{name:<12} {runs:>10} inputs  {seconds:6.1f} s of processor  {peak:>5} MB  {verdict}", flush=True)
        if done.returncode:
            failed = True
            print(done.stderr[-3000:], flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
