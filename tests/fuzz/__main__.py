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

from tests.fuzz.targets import SCRATCH, TARGETS, seeds

TOTAL_S = 640
MEMORY_MB = 2048
ONE_INPUT_S = 10


def fuzz(name: str, seconds: int) -> None:
    """Fuzzes one target in this process; libFuzzer ends it, with a code other than 0 for a find."""
    import atheris

    for module in ("grader.evidence.frames", "grader.evidence.parse", "grader.submission.notebook",
                   "grader.submission.archive", "grader.submission.sources", "grader.assignment.arrays",
                   "grader.assignment.npz"):  # fmt: skip
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
    """Fuzzes every target for ten minutes of processor time, and tells the figures; 1 where one was broken."""
    if len(sys.argv) == 3:
        fuzz(sys.argv[1], int(sys.argv[2]))
        return 0
    total = int(sys.argv[1]) if len(sys.argv) > 1 else TOTAL_S
    clean = [_fuzz_for(name, total / len(TARGETS)) for name in TARGETS]
    return int(not all(clean))


def _fuzz_for(name: str, seconds: float) -> bool:
    """Fuzzes until so much processor time is used, however busy the machine is; whether nothing was found."""
    inputs, peak, used, code = 0, 0, 0.0, 0
    while used < seconds and code == 0:
        before = _processor_s()
        command = [sys.executable, "-m", "tests.fuzz", name, str(max(int(seconds - used), 1))]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
        used, code = used + _processor_s() - before, done.returncode
        figures = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stderr))
        inputs += int(figures.get("number_of_executed_units", 0))
        peak = max(peak, int(figures.get("peak_rss_mb", 0)))
    verdict = f"FOUND (exit {code})\n{done.stdout[-3000:]}{done.stderr[-1000:]}" if code else "no find"
    print(f"{name:<12} {inputs:>10,} inputs  {used:6.1f} s of processor  {peak:>5} MB  {verdict}", flush=True)
    return code == 0


def _processor_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
