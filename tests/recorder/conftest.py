"""What the recorder's tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.evidence import Frame, FrameReader
from grader.recorder.wire import Wire
from tests.recorder.runs import Run, record


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Run]:
    """Records one program: `run(cell, cell, ...)`, or `run(source, module=True)`."""
    return lambda *cells, **options: record(tmp_path, *cells, **options)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[tuple[Wire, Callable[[], list[Frame]]]]:
    """A wire into a file, and what reads the frames that were sent so far."""
    path = tmp_path / "frames"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    yield Wire(fd), lambda: FrameReader().feed(path.read_bytes())
    os.close(fd)
