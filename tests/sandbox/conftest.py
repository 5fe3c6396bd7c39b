"""The levels of isolation that this machine gives, and a data set to look at."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from grader.errors import IsolationError
from grader.sandbox import available_isolation, tree
from grader.sandbox.run import RECORDER
from grader.sandbox.values import Level
from grader.sandbox.zygote import Zygote
from tests.sandbox import programs


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of a module that says FORKS try full isolation in both ways: by programs of their own, and by forks."""
    full = ["full", "forked"] if getattr(metafunc.module, "FORKS", False) else ["full"]
    given = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    for name, ways in (("level", [*full, "partial"]), ("full", full)):
        if name in metafunc.fixturenames and name not in given:
            metafunc.parametrize(name, ways, indirect=True)


@pytest.fixture
def level(request: pytest.FixtureRequest) -> Level:
    """Each level that protects; a test is skipped, with the reason, where the machine does not give it."""
    return _require_way(request)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> Level:
    """Full isolation, or a skip with the reason."""
    return _require_way(request)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """A zygote with the grader's own recorder."""
    made = Zygote(str(RECORDER))
    yield made
    made.close()


@pytest.fixture
def childless(zygote: Zygote) -> Iterator[Zygote]:
    """The zygote, which must have nothing left below it when a test's runs are over."""
    yield zygote
    assert tree.descendants(zygote.pid) == []


@pytest.fixture
def partial() -> Level:
    """Partial isolation, or a skip with the reason."""
    return _require("partial")


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """`tmp_path`, made so that every user may enter it; pytest closes its folders."""
    folder, top = tmp_path, Path(tempfile.gettempdir())
    while folder.is_relative_to(top) and folder != top:
        folder.chmod(0o755)
        folder = folder.parent
    return tmp_path


@pytest.fixture
def data(open_path: Path) -> Path:
    """A folder with a tiny train.npz and test.npz, and a third file that is nobody's business."""
    folder = open_path / "data"
    folder.mkdir()
    for name in ("train.npz", "test.npz"):
        np.savez(folder / name, X=np.zeros((3, 4), np.float32), Y=np.eye(3, dtype=np.float32))
    (folder / "labels.txt").write_text("secret", encoding="ascii")
    return folder


def _require_way(request: pytest.FixtureRequest) -> Level:
    """The level of a way to isolate; programs of this test are forks where that is the way."""
    if request.param != "forked":
        return _require(request.param)
    required = _require("full")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setattr(programs, "zygote", request.getfixturevalue("childless"))
    return required


def _require(level: Level) -> Level:
    try:
        available_isolation(force=level)
    except IsolationError as error:
        if os.environ.get("CI") == "true":  # there, nothing may go untested unnoticed
            pytest.fail(str(error))
        pytest.skip(str(error))
    return level
