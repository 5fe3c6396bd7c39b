"""Python sources are decoded as Python would, and what reads otherwise than it runs is refused or reported."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.submission.values import MAX_SOURCE_BYTES
from tests.submission.uploads import load, rejection, write, write_folder


def test_a_module_is_its_text(tmp_path: Path) -> None:
    """A UTF-8 module is one cell, with no notebook, whatever its line ends and byte order mark."""
    plain = load(write(tmp_path / "a" / "hw.py", "x = 'ü'\ny = 2\n"))
    assert plain.cells == ("x = 'ü'\ny = 2\n",)
    assert plain.notebook is None
    assert plain.notes == ()
    assert (plain.kind, plain.entry, plain.entry_kind) == ("module", "hw.py", "module")
    marked = load(write(tmp_path / "b" / "hw.py", b"\xef\xbb\xbf" + "x = 'ü'\r\ny = 2\r".encode()))
    assert marked.sha256 == plain.sha256


@pytest.mark.parametrize("content", ["def f(:\n", "(" * 100_000, "", "print 1"])
def test_a_student_error_is_not_a_rejection(tmp_path: Path, content: str) -> None:
    """A module with a syntax error is loaded: it is graded, not refused."""
    assert load(write(tmp_path / "hw.py", content)).cells == (content,)


@pytest.mark.parametrize(
    ("codec", "name"), [("latin-1", "iso8859-1"), ("cp1252", "cp1252"), ("gbk", "gbk"), ("koi8-r", "koi8-r")]
)
def test_a_declared_encoding_is_honoured_and_rewritten(tmp_path: Path, codec: str, name: str) -> None:
    """The text is what Python reads, the declaration then says UTF-8, and Python reads the same from both."""
    character = {"gbk": "中", "koi8-r": "ж"}.get(codec, "é")
    content = f"#!/usr/bin/env python\n# -*- coding: {codec} -*-\nx = '{character}'\n".encode(codec)
    submission = load(write(tmp_path / "hw.py", content))
    staged = submission.cells[0].encode()
    assert ast.dump(ast.parse(staged)) == ast.dump(ast.parse(content))
    assert f"x = '{character}'" in submission.cells[0]
    assert submission.notes == (f"hw.py was converted from {name} to UTF-8",)


@pytest.mark.parametrize(
    "codec", ["utf-7", "utf_7", "unicode_escape", "raw-unicode-escape", "rot13", "iso2022_jp", "idna", "hz", "utf-16"]
)
def test_encodings_that_can_hide_code_are_refused(tmp_path: Path, codec: str) -> None:
    """Encodings in which a comment can be code are refused, in the module that is run and in those beside it."""
    content = f"# coding: {codec}\n# +AAo-import os\n"
    assert "encoding" in rejection(write(tmp_path / "hw.py", content)).message
    folder = write_folder(tmp_path / "folder", {"submission.py": "", "deep/tool.py": content})
    assert rejection(folder).file == "deep/tool.py"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_declaration_cannot_hide_behind_a_line_end(tmp_path: Path, end: str) -> None:
    """Python ends a line at a carriage return too; a declaration after any line end is seen."""
    path = write(tmp_path / "hw.py", f"# first{end}# coding: utf-7{end}x = '+AAo-'{end}")
    assert "encoding utf-7" in rejection(path).message


def test_a_declaration_that_only_some_readers_see_is_made_harmless(tmp_path: Path) -> None:
    """After a bare carriage return on the first line, readers differ; the staged text declares UTF-8 to all."""
    submission = load(write(tmp_path / "hw.py", b"\r# coding: utf-7\rx = '+AAo-'\r"))
    assert submission.cells == ("\n# coding: utf-8\nx = '+AAo-'\n",)


@pytest.mark.parametrize(
    ("content", "reason", "place"),
    [
        (b"x = 1\ny = '\xe9'\n", "not UTF-8", "line 2"),
        (b"y = '\xe9'\n", "not UTF-8", "line 1"),
        (b"\n\n\nx = 1\0\n", "null bytes", "line 4"),
        ("x = 1".encode("utf-16"), "UTF-16", None),
        (b"# coding: klingon\n", "unknown encoding", None),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding", None),
    ],
)
def test_what_is_no_source_is_rejected_with_the_line(
    tmp_path: Path, content: bytes, reason: str, place: str | None
) -> None:
    """Bytes that Python would not read as source are rejected with the line."""
    error = rejection(write(tmp_path / "hw.py", content))
    assert reason in error.message
    assert error.place == place
    assert error.file == "hw.py"


def test_bidirectional_controls_are_reported(tmp_path: Path) -> None:
    """They are reported with file and line, in the entry and beside it, and do not reject."""
    folder = write_folder(tmp_path, {"main.py": "x = 1\n# \u2066", "tool.py": "\u202e = 1"})
    notes = load(folder).notes
    assert [note.split(":")[0] for note in notes] == ["main.py, line 2", "tool.py, line 1"]


def test_reports_are_bounded(tmp_path: Path) -> None:
    """A module full of such characters gives few notes."""
    assert len(load(write(tmp_path / "hw.py", "# \u202e\n" * 1000)).notes) == 10


def test_size_is_bounded(tmp_path: Path) -> None:
    """A module above the cap is rejected."""
    assert "larger than 2 MiB" in rejection(write(tmp_path / "hw.py", b"#" * (MAX_SOURCE_BYTES + 1))).message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_text_without_declaration_survives(tmp_path: Path, text: str) -> None:
    """Any UTF-8 text comes out as itself up to line ends, where it declares no encoding."""
    if "coding" in text or text.startswith("\ufeff"):
        return
    assert load(write(tmp_path / "hw.py", text)).cells == (text.replace("\r\n", "\n").replace("\r", "\n"),)
