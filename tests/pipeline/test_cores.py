"""Processes that take a core each."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack

TAKE = """\
import os, subprocess, sys
from grader.pipeline.cores import take_core
core = take_core()
child = [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"]
print(core, *os.sched_getaffinity(0), subprocess.run(child, capture_output=True, text=True).stdout.strip(), flush=True)
sys.stdin.read()
"""


def test_no_two_processes_take_one_core() -> None:
    """Each stays on a core of its own, and so does what it starts; one more than there are cores goes everywhere. When
    one has ended, its core can be taken again."""
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as running:
        takers = [running.enter_context(_take()) for _ in cores]
        words = [_words(taker) for taker in takers]
        assert sorted(words) == [[str(core)] * 3 for core in cores]
        everywhere = [str(core) for core in cores]
        assert _words(running.enter_context(_take())) == ["None", *everywhere, *everywhere]
        _end(takers[0])
        assert _words(running.enter_context(_take())) == words[0]


def _take() -> subprocess.Popen[str]:
    """It ends when its input does."""
    return subprocess.Popen([sys.executable, "-c", TAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _words(taker: subprocess.Popen[str]) -> list[str]:
    assert taker.stdout is not None
    return taker.stdout.readline().split()


def _end(taker: subprocess.Popen[str]) -> None:
    assert taker.stdin is not None
    taker.stdin.close()
    taker.wait()
