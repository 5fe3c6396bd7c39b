"""The grader's attack on its own sandbox: it finds what holds, and notices each wall that is taken away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.errors import IsolationError
from grader.sandbox import available_isolation, command, launch, partial, probe, seccomp
from grader.sandbox.partial import SHARED_MEMORY
from grader.sandbox.selfattack import attack
from grader.sandbox.starter import landlock
from grader.sandbox.values import Level
from grader.sandbox.watch import Watch

NAMES = ("files", "shared memory", "network", "processes", "environment", "descriptors", "rights", "memory", "disk")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No result of an earlier attack counts, and none of these is left for other tests."""
    probe.examine.cache_clear()
    yield
    probe.examine.cache_clear()


def failed(level: Level) -> set[str]:
    """The attacks that got through."""
    return {each.name for each in attack(level).probes if not each.holds}


def test_every_attack_comes_to_nothing(level: Level) -> None:
    """All nine attacks are made, and each level stands them; the isolation that is claimed carries the result."""
    isolation = available_isolation(force=level)
    assert tuple(each.name for each in isolation.probes) == NAMES
    assert all(each.holds and each.detail for each in isolation.probes)


def test_without_isolation_they_get_through() -> None:
    """The control: on a program that is not isolated the same attacks succeed, but for the limits, which still hold."""
    found = failed("none")
    assert {"files", "shared memory", "network", "processes", "environment", "rights"} <= found
    assert not {"memory", "disk"} & found


def test_an_open_file_system_is_noticed(partial: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Landlock rule too many shows the grader's files, and the level is no longer claimed."""
    wanted = partial_rules()
    monkeypatch.setattr("grader.sandbox.partial.rules", lambda *_: [*wanted(*_), ("/", landlock.READ)])
    assert "files" in failed("partial")
    probe.examine.cache_clear()
    with pytest.raises(IsolationError, match=r"got through.*files"):
        available_isolation(force="partial")


def test_shared_memory_that_keeps_something_is_noticed(partial: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program may write to it and nobody sweeps it, what an attack has left there is found."""
    wanted = partial_rules()
    shared = (SHARED_MEMORY, landlock.WRITE)
    monkeypatch.setattr("grader.sandbox.partial.rules", lambda *_: [*wanted(*_), shared])
    monkeypatch.setattr("grader.sandbox.partial.sweep", lambda _: None)
    assert "shared memory" in failed("partial")


def test_shared_memory_of_others_that_can_be_read_is_noticed() -> None:
    """What lies there and may be read is what the probe says."""
    (probe_of_it,) = [each for each in attack("none").probes if each.name == "shared memory"]
    assert "could be read" in probe_of_it.detail and "stays" in probe_of_it.detail


def partial_rules() -> Any:
    """The real rules, before a test replaces them."""
    return partial.rules


def test_an_open_network_is_noticed(partial: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the filter that is meant for a network namespace, a datagram leaves where there is none."""
    real = seccomp.program
    monkeypatch.setattr("grader.sandbox.seccomp.program", lambda network_namespace: real(network_namespace=True))
    assert "network" in failed("partial")


@pytest.mark.parametrize("name", ["memory", "disk"])
def test_a_limit_that_nobody_watches_is_noticed(partial: Level, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Where memory or disk is not watched, the attack takes twice what is allowed, and says so."""
    monkeypatch.setattr(Watch, {"memory": "_memory", "disk": "_files"}[name], lambda *_: None)
    assert name in failed("partial")


def test_a_starter_that_closes_nothing_is_noticed(
    level: Level, open_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the sandbox itself needed to start is found open inside where the last step before the program leaves it."""
    starter = open_path / "leaking" / "starter"
    shutil.copytree(command.starter_folder(), starter, ignore=shutil.ignore_patterns("__pycache__"))
    wall = '_descriptors(plan["pipe"], ready)'
    text = (starter / "inside.py").read_text(encoding="utf-8")
    assert text.count(wall) == 1
    (starter / "inside.py").write_text(text.replace(wall, 'os.dup2(plan["pipe"], PIPE)'), encoding="utf-8")
    monkeypatch.setattr(command, "starter_folder", lambda: str(starter))
    monkeypatch.setattr(launch, "STARTER_PARENT", str(starter.parent))
    assert "descriptors" in failed(level)


def test_the_starter_closes_what_the_grader_passes_on(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grader that passes on every file that it holds open gives none of them to the program: there are two walls."""
    monkeypatch.setattr("grader.sandbox.ends.subprocess", Leaking())
    assert "descriptors" not in failed(level)


class Leaking:
    """The module `subprocess`, for one that starts processes with everything open that may be inherited."""

    DEVNULL = subprocess.DEVNULL

    @staticmethod
    def Popen(arguments: list[str], *, pass_fds: list[int], **options: Any) -> subprocess.Popen[bytes]:
        for handle in pass_fds:
            os.set_inheritable(handle, True)
        return subprocess.Popen(arguments, close_fds=False, **options)
