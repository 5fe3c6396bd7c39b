"""Runs a command and writes what it and everything that it left took: a small process, so that its own size is in no
figure, and the reaper of what the command's processes leave behind, such as a sandbox that is killed.

usage: python -S launch.py RESULT COMMAND ...
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 5.0  # for what the command left running


def main() -> int:
    """Exits as the command does."""
    result, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = time.perf_counter()
    own = os.posix_spawnp(command[0], command, os.environ)
    took = {"wall": 0.0, "cpu": 0.0, "peak_mb": 0.0}
    code, until = None, 0.0
    while code is None or time.perf_counter() < until:
        try:
            pid, status, usage = os.wait4(-1, 0 if code is None else os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            time.sleep(0.02)
            continue
        took["cpu"] += usage.ru_utime + usage.ru_stime
        if pid == own:
            code = os.waitstatus_to_exitcode(status)
            took["wall"] = time.perf_counter() - started
            took["peak_mb"] = usage.ru_maxrss / 1024
            until = time.perf_counter() + PATIENCE_S
    with open(result, "w", encoding="ascii") as file:
        json.dump(took, file)
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
