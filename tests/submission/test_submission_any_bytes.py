"""Whatever the bytes, intake ends in a Submission or in a rejection: never in a traceback."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.errors import SubmissionRejected
from grader.submission import Candidate, Submission, load_submission
from tests.submission.uploads import notebook, write, write_zip

LENIENT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
# zipfile writes neither lone surrogates nor null characters.
NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading", "html"]) | JSON,
        "source": JSON,
        "input": JSON,
        "level": JSON,
        "language": JSON,
        "metadata": JSON,
        "outputs": JSON,
    },
)


def check(path: Path) -> None:
    """Load a path and check what every submission and every rejection keeps; any other error fails the test."""
    result = outcome(path)
    if isinstance(result, SubmissionRejected):
        assert result.remedy
        assert str(result).isprintable()


def outcome(path: Path) -> Submission | SubmissionRejected:
    """What loading gives."""
    try:
        submission = load_submission(Candidate("x", path))
    except SubmissionRejected as error:
        return error
    assert len(submission.sha256) == 64
    assert pickle.dumps(submission), "it has to reach the worker that runs it"
    json.dumps(submission.notebook).encode()
    assert all(cell.encode() is not None and "\0" not in cell for cell in submission.cells)
    return submission


@LENIENT
@given(st.binary(max_size=300), st.sampled_from(["x.ipynb", "x.py", "x.zip"]))
def test_any_bytes(tmp_path: Path, content: bytes, name: str) -> None:
    """Random bytes under any name are loaded or rejected."""
    check(write(tmp_path / name, content))


@LENIENT
@given(JSON)
def test_any_json(tmp_path: Path, document: Any) -> None:
    """Any JSON named .ipynb is loaded or rejected."""
    check(write(tmp_path / "x.ipynb", json.dumps(document)))


@LENIENT
@given(st.lists(CELL, max_size=4), st.sampled_from([3, 4]), JSON)
def test_any_cells(tmp_path: Path, cells: list[Any], version: int, metadata: Any) -> None:
    """Notebooks of the right outer form with arbitrary cells and metadata are loaded or rejected."""
    document = {"nbformat": version, "metadata": metadata, "cells": cells, "worksheets": [{"cells": cells}]}
    check(write(tmp_path / "x.ipynb", json.dumps(document)))


@LENIENT
@given(st.data())
def test_any_damage_to_an_archive(tmp_path: Path, data: st.DataObject) -> None:
    """An archive with a few bytes overwritten is loaded or rejected."""
    content = bytearray(write_zip(tmp_path / "x.zip", {"hw.ipynb": notebook("x"), "a/b.py": "y"}).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    check(write(tmp_path / "x.zip", bytes(content)))


@LENIENT
@given(st.dictionaries(NAME.map(lambda text: f"{text}.py"), st.binary(max_size=20), max_size=4))
def test_any_names_in_an_archive(tmp_path: Path, files: dict[str, bytes]) -> None:
    """An archive with any names is loaded or rejected."""
    check(write_zip(tmp_path / "x.zip", files))


@LENIENT
@given(st.binary(max_size=40), st.sampled_from(["utf-7", "latin-1", "utf-8", "shift_jis", "euc_kr", "klingon", "hex"]))
def test_any_source_with_a_declaration(tmp_path: Path, content: bytes, codec: str) -> None:
    """Any bytes after any declared encoding are loaded or rejected."""
    check(write(tmp_path / "x.py", f"# coding: {codec}\n".encode() + content))
