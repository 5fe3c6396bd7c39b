"""Which isolation there is, found by trying; and what a person is told where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.errors import IsolationError
from grader.sandbox import available_isolation, interpreter, probe
from grader.sandbox.values import Level
from tests.ordinary import ordinary_python


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No result of an earlier probe counts, and none of these is left for other tests."""
    probe.examine.cache_clear()
    yield
    probe.examine.cache_clear()


def test_the_best_level_is_found(full: Level) -> None:
    """Where full isolation works it is chosen, with nothing to say about it."""
    isolation = available_isolation()
    assert (isolation.level, isolation.details) == ("full", ())


def test_partial_is_next(partial: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without bubblewrap it is partial isolation, and the details name the missing program and how to get it."""
    monkeypatch.setattr("grader.sandbox.full.bubblewrap", lambda: None)
    isolation = available_isolation()
    assert isolation.level == "partial"
    assert "apt-get install bubblewrap" in isolation.details[0]


def test_none_must_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither level works the grader refuses, unless it was told to go on without."""
    monkeypatch.setattr("grader.sandbox.full.bubblewrap", lambda: None)
    monkeypatch.setattr("grader.sandbox.starter.landlock.version", lambda: 0)
    with pytest.raises(IsolationError, match=r"Landlock.*--allow-unsandboxed"):
        available_isolation()
    isolation = available_isolation(allow_none=True)
    assert isolation.level == "none" and len(isolation.details) == 2


def test_a_missing_libseccomp_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libseccomp there is no isolation, and both lines say what to install."""
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    from grader.sandbox import seccomp

    seccomp.program.cache_clear()
    isolation = available_isolation(allow_none=True)
    assert isolation.level == "none"
    assert all("libseccomp2" in detail for detail in isolation.details)


def test_a_broken_bubblewrap_is_not_believed(full: Level, open_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bubblewrap that fails leads to its own words in the details, not to a crash."""
    probe.examine.cache_clear()
    fake = open_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n", encoding="ascii")
    fake.chmod(0o755)
    monkeypatch.setattr("grader.sandbox.full.bubblewrap", lambda: str(fake))
    isolation = available_isolation(allow_none=True)
    assert isolation.level != "full"
    assert "Permission denied" in isolation.details[0] and "ser namespaces" in isolation.details[0]


@pytest.mark.parametrize("level", ["none", "complete"])
def test_a_level_that_is_not_allowed_cannot_be_forced(level: str) -> None:
    """Forcing none without allowing it, or a level that does not exist, is an error."""
    with pytest.raises(IsolationError):
        available_isolation(force=level)


def test_none_can_be_forced_where_allowed() -> None:
    """With both switches the grader runs without isolation, and says so."""
    assert available_isolation(allow_none=True, force="none").level == "none"


def test_outermost_and_beneath() -> None:
    """Folders inside others are dropped; a common beginning of a name is not a common folder."""
    assert interpreter.outermost(["/a/b", "/a", "/ab", "/a/b/c"]) == ["/a", "/ab"]
    assert not interpreter.is_beneath("/ab", ["/a"])


def test_a_prefix_is_not_shown_whole() -> None:
    """Of a Python's prefix only its programs and libraries are shown, and never a home folder."""
    paths = interpreter.library_paths()
    assert sys.prefix not in paths and sys.base_prefix not in paths and str(Path.home()) not in paths
    everything = (*paths, *interpreter.SYSTEM)
    for needed in (sys.executable, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")):
        assert interpreter.is_beneath(os.path.abspath(needed), everything)


ORDINARY = """
from grader.sandbox import available_isolation
from tests.sandbox.programs import run_code
import os
for level in ("full", "partial"):
    isolation = available_isolation(force=level)
    code = "import numpy; send([os.getuid(), attempt(open, '/etc/hostname'), int(numpy.arange(3).sum())])"
    seen = run_code(code, level)
    greedy = run_code("x = bytearray(400 << 20); sys.stdin.read()", level, memory_bytes=200 << 20, wall_s=20.0)
    quick = seen.outcome.wall_s < 5
    print(level, seen.outcome.status, seen.evidence, greedy.outcome.limit, quick, *isolation.details, sep="|")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_has_it_too(full: Level, partial: Level, open_path: Path) -> None:
    """A grader that is not root isolates as well, with a Python that its user can reach."""
    python, environment = ordinary_python(open_path)
    command = [*python, "-c", ORDINARY]
    result = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    lines = [line.split("|") for line in result.stdout.splitlines()]
    assert [line[:2] for line in lines] == [["full", "finished"], ["partial", "finished"]]
    assert lines[0][2] == "[1000, 'FileNotFoundError', 3]" and lines[1][2] == "[65534, 'PermissionError', 3]"
    assert [line[3:5] for line in lines] == [["memory", "True"], ["memory", "True"]]
    assert "own user" in lines[1][5] and "no shared memory" in lines[1][5] and "full isolation" in lines[1][5]
