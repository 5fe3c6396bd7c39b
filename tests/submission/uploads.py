"""Builds what students upload: notebooks, folders and archives, honest and otherwise."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grader.errors import SubmissionRejected
from grader.submission import Candidate, Submission, load_submission


def code_cell(source: str | list[str], **extra: Any) -> dict[str, Any]:
    """A code cell of nbformat 4 as Jupyter stores one that was run."""
    output = {"output_type": "stream", "name": "stdout", "text": ["accuracy: 99.9\n"]}
    return {
        "cell_type": "code",
        "execution_count": 7,
        "metadata": {"tags": ["skip-execution"]},
        "outputs": [output],
        "source": source,
    } | extra


def notebook(*sources: str | list[str], minor: int = 4, **metadata: Any) -> dict[str, Any]:
    """A notebook of nbformat 4 with one code cell a source."""
    cells = [code_cell(source) for source in sources]
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def as_bytes(content: str | bytes | Mapping[str, Any]) -> bytes:
    """Text as UTF-8 and a notebook as JSON."""
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def write(path: Path, content: str | bytes | Mapping[str, Any]) -> Path:
    """Write one file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(content))
    return path


def write_folder(root: Path, files: Mapping[str, Any]) -> Path:
    """Write files by relative name."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write(root / name, content)
    return root


def write_zip(path: Path, files: Mapping[str | zipfile.ZipInfo, Any], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a zip of files by relative name (or by a prepared entry)."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, as_bytes(content))
    return path


def load(path: Path) -> Submission:
    """Load a path as one submission."""
    return load_submission(Candidate("ann", path))


def rejection(path: Path) -> SubmissionRejected:
    """The error that rejects a path, which has to be told in a person's words."""
    with pytest.raises(SubmissionRejected) as caught:
        load(path)
    error = caught.value
    assert error.remedy, "every rejection names a remedy"
    assert str(error).isprintable(), "no control characters reach a terminal"
    assert len(str(error)) < 600
    return error
