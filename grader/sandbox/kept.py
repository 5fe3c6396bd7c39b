"""The zygote of a process that runs one submission after another; it is used only where it isolates as well."""

from __future__ import annotations

import contextlib
import threading

from grader.errors import IsolationError
from grader.sandbox.run import RECORDER
from grader.sandbox.selfattack import attack_fork
from grader.sandbox.values import Level
from grader.sandbox.zygote import Zygote, ZygoteError

_lock = threading.Lock()
_kept: Zygote | None = None
_tried = False


def keep_zygote() -> None:
    """Has this process's runs forked from one process from now on, which starts at once and is not waited for."""
    global _kept
    with _lock:
        if _kept is None and not _tried:
            with contextlib.suppress(OSError):  # the machine gives no further process now: every run starts by itself
                _kept = Zygote(str(RECORDER))


def kept_zygote(level: Level) -> Zygote | None:
    """What runs at `level` can be forked from; None where nothing is kept, and where a fork would be isolated less.

    The first call waits for it, and attacks a fork of it as the level itself was attacked.
    """
    global _kept, _tried
    if level != "full":
        return None
    with _lock:
        if _kept is not None and not _tried:
            _tried = True
            if _failure(_kept) is not None:
                _kept.close()
                _kept = None
        return _kept


def examine_forks() -> str | None:
    """Attacks full isolation from within a fork, once; why forks cannot be used here, or None where they can."""
    zygote = Zygote(str(RECORDER))
    try:
        return _failure(zygote)
    finally:
        zygote.close()


def _failure(zygote: Zygote) -> str | None:
    try:
        failed = [probe for probe in attack_fork(zygote) if not probe.holds]
    except (ZygoteError, IsolationError) as error:
        return str(error)
    return "; ".join(f"{probe.name}: {probe.detail}" for probe in failed) or None
