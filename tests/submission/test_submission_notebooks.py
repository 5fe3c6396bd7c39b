"""Notebooks of every format become one plain form, and damaged ones are rejected with the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.submission.values import MAX_CELLS, MAX_NOTEBOOK_BYTES, MAX_SOURCE_BYTES
from tests.submission.uploads import as_bytes, code_cell, load, notebook, rejection, write


def format_3(*cells: dict[str, Any]) -> dict[str, Any]:
    """A notebook of nbformat 3 in two worksheets."""
    sheets = [{"cells": list(cells[:1]), "metadata": {}}, {"cells": list(cells[1:]), "metadata": {}}]
    return {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": sheets}


def test_nothing_stored_survives_but_the_sources(tmp_path: Path) -> None:
    """Outputs, counts, ids, tags, attachments and the kernel's name are dropped; the result is valid nbformat 4.5."""
    document = notebook(
        "%matplotlib inline\nimport torch", minor=5, kernelspec={"name": "evil", "argv": ["rm"]}, author="x"
    )
    document["cells"] += [
        code_cell("%%timeit\nx = 1", id="same"),
        code_cell("  \n", id="same"),
        {"cell_type": "markdown", "id": "same", "metadata": {"a": 1}, "source": ["# T\n", "text"], "attachments": {}},
        {"cell_type": "raw", "metadata": {}, "source": "raw"},
    ]
    submission = load(write(tmp_path / "hw.ipynb", document))
    assert submission.cells == ("%matplotlib inline\nimport torch", "%%timeit\nx = 1")
    assert (submission.kind, submission.entry, submission.entry_kind) == ("notebook", "hw.ipynb", "notebook")
    assert submission.notebook is not None
    assert submission.notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    cells = submission.notebook["cells"]
    assert [cell["cell_type"] for cell in cells] == ["code", "code", "code", "markdown", "raw"]
    assert cells[3]["source"] == "# T\ntext"
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(not cell.get("outputs") and not cell.get("execution_count") and not cell["metadata"] for cell in cells)
    nbformat.validate(nbformat.from_dict(submission.notebook))


@pytest.mark.parametrize("minor", [0, 1, 2, 3, 4, 5, 6])
def test_every_minor_of_format_4_gives_the_same(tmp_path: Path, minor: int) -> None:
    """The minor version, and whether a source is a string or a list of lines, change nothing."""
    old = load(write(tmp_path / "a" / "hw.ipynb", notebook("a = 1\nb = 2", minor=minor)))
    new = load(write(tmp_path / "b" / "hw.ipynb", notebook(["a = 1\n", "b = 2"], minor=5)))
    assert old.sha256 == new.sha256
    assert old.cells == ("a = 1\nb = 2",)


def test_format_3_is_converted_as_nbformat_does(tmp_path: Path) -> None:
    """Cell types and sources of format 3 come out as the reference implementation converts them."""
    document = format_3(
        {"cell_type": "heading", "level": 2, "source": ["Title"], "metadata": {}},
        {"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python", "outputs": [], "collapsed": False},
        {"cell_type": "markdown", "source": "text", "metadata": {}},
        {"cell_type": "html", "source": "<b>x</b>", "metadata": {}},
        {"cell_type": "raw", "source": "raw", "metadata": {}},
    )
    submission = load(write(tmp_path / "hw.ipynb", document))
    expected = nbformat.convert(nbformat.reads(json.dumps(document), as_version=3), 4)
    assert submission.notebook is not None
    assert [(cell["cell_type"], cell["source"]) for cell in submission.notebook["cells"]] == [
        (cell["cell_type"], cell["source"]) for cell in expected["cells"]
    ]
    assert submission.cells == ("x = 1\ny",)
    nbformat.validate(nbformat.from_dict(submission.notebook))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "python3", "language": "python"}, "language_info": {"name": "python"}},
        {"kernelspec": {"name": "conda-env-dl-py", "display_name": "R and Python"}},
        {"kernelspec": {"name": "python2", "language": "python"}, "language_info": {"name": "R"}},
        {"language_info": {"name": "ipython"}},
        {"kernelspec": ["not", "a", "table"], "language_info": 3},
    ],
)
def test_python_by_any_name_is_accepted(tmp_path: Path, metadata: dict[str, Any]) -> None:
    """A Python kernel is known by its language, not by its name, and oddities of metadata are ignored."""
    assert load(write(tmp_path / "hw.ipynb", notebook("x", **metadata))).cells == ("x",)


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "language": "R"}}, "R"),
        ({"language_info": {"name": "julia"}}, "julia"),
        ({"kernelspec": {"name": "julia-1.9"}}, "julia-1.9"),
        ({"kernelspec": {"name": "x", "language": "bash"}, "language_info": {"name": "python"}}, "bash"),
    ],
)
def test_other_languages_are_rejected(tmp_path: Path, metadata: dict[str, Any], language: str) -> None:
    """A notebook for another language is rejected with the language's name."""
    error = rejection(write(tmp_path / "hw.ipynb", notebook("x", **metadata)))
    assert error.message == f"is for {language}, not for Python"
    assert error.file == "hw.ipynb"


def test_a_notebook_run_with_python_2_is_noted(tmp_path: Path) -> None:
    """Python 2 is told to the reader, for its print statements fail."""
    document = notebook("print 1", language_info={"name": "python", "version": "2.7.18"})
    assert load(write(tmp_path / "hw.ipynb", document)).notes == ("the notebook was last run with Python 2",)


def test_marks_and_line_ends_are_normalised(tmp_path: Path) -> None:
    """A byte order mark and Windows line ends change nothing."""
    plain = load(write(tmp_path / "a" / "hw.ipynb", notebook("a\nb")))
    marked = load(write(tmp_path / "b" / "hw.ipynb", b"\xef\xbb\xbf" + as_bytes(notebook("a\r\nb"))))
    assert marked.sha256 == plain.sha256


def test_characters_that_cannot_be_stored_are_replaced(tmp_path: Path) -> None:
    """A lone surrogate becomes U+FFFD, with a note."""
    submission = load(write(tmp_path / "hw.ipynb", notebook("x = '\ud800'")))
    assert submission.cells == ("x = '\ufffd'",)
    assert any("U+FFFD" in note for note in submission.notes)
    assert not load(write(tmp_path / "ok.ipynb", notebook("x = '\ufffd'\r\n"))).notes


def test_bidirectional_controls_are_reported_with_cell_and_line(tmp_path: Path) -> None:
    """Characters that make code read otherwise than it runs are reported, where they are; text may hold them."""
    document = notebook("a = 1", " ", "b = 2\naccess = 'user\u202e'")
    document["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": "\u202e"})
    (note,) = load(write(tmp_path / "hw.ipynb", document)).notes
    assert note.startswith("cell 2, line 2: bidirectional control characters (U+202E)")


def test_a_student_error_is_not_a_rejection(tmp_path: Path) -> None:
    """Code with a syntax error, or so deep that no parser takes it, is loaded all the same."""
    submission = load(write(tmp_path / "hw.ipynb", notebook("def f(:", "(" * 100_000, "")))
    assert len(submission.cells) == 2


def test_a_notebook_without_code_is_loaded(tmp_path: Path) -> None:
    """An untouched or empty notebook is a submission with no cells, which is graded as such."""
    assert load(write(tmp_path / "hw.ipynb", notebook())).cells == ()


GOOD = json.dumps(notebook("x = 1"), indent=1)


@pytest.mark.parametrize(
    ("content", "reason", "place"),
    [
        ("", "is empty", None),
        (" \n\t", "is empty", None),
        (GOOD[:-20], "cut off", "line"),
        ("{", "cut off", "line 1, column 2"),
        (GOOD.replace('"nbformat": 4,', '"nbformat": 4'), "not valid JSON", "line 25, column"),
        ("[1, 2]", "is JSON, but not a notebook", None),
        ('{"nbformat": 4}', "no list of cells", None),
        ('{"nbformat": 4, "cells": {}}', "no list of cells", None),
        ('{"cells": []}', "no 'nbformat' number", None),
        ('{"nbformat": true, "cells": []}', "no 'nbformat' number", None),
        ('{"nbformat": 2, "cells": []}', "notebook format 2, older", None),
        ('{"nbformat": 5, "cells": []}', "notebook format 5, newer", None),
        ('{"nbformat": 3, "worksheets": [{}]}', "no list of cells", None),
        ('{"nbformat": 3, "worksheets": []}', "no list of cells", None),
        ('{"nbformat": ' + "1" * 5000 + "}", "not valid JSON", None),
        ("[" * 100_000, "nested too deeply", None),
        ("{" + '"a":{' * 100_000, "nested too deeply", None),
        ("[]," * 1_000_001, "too many lists", None),
        (b"\x80\x04\x95pickle", "not UTF-8", "byte 0"),
        (b"\xff\xfe{\0}\0", "UTF-16", None),
        (b"PK\x03\x04rest", "zip archive", None),
        (b"%PDF-1.7", "PDF", None),
        ("<!DOCTYPE html>", "web page", None),
    ],
)
def test_what_is_no_notebook_is_rejected_with_the_place(
    tmp_path: Path, content: str | bytes, reason: str, place: str | None
) -> None:
    """Damaged, foreign and hostile files named .ipynb are told apart, and the place is given where there is one."""
    error = rejection(write(tmp_path / "hw.ipynb", content))
    assert reason in error.message
    assert error.file == "hw.ipynb"
    assert (error.place or "").startswith(place or "")
    assert bool(error.place) == bool(place)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (3, "not an object"),
        ({"cell_type": "code"}, "no source"),
        ({"cell_type": "code", "source": [1]}, "no source"),
        ({"cell_type": "heading", "source": ""}, "no known type"),
        ({"cell_type": ["code"], "source": ""}, "no known type"),
        ({"source": ""}, "no known type"),
    ],
)
def test_a_broken_cell_is_rejected_with_its_number(tmp_path: Path, cell: object, reason: str) -> None:
    """A cell that no notebook has is rejected with its place among all cells."""
    document = notebook("x = 1")
    document["cells"].append(cell)
    error = rejection(write(tmp_path / "hw.ipynb", document))
    assert reason in error.message
    assert error.place == "cell 2, counting all cells"


@pytest.mark.parametrize(
    "cell",
    [
        3,
        {"cell_type": "code", "language": "ruby", "input": "x"},
        {"cell_type": "code", "input": 3},
        {"cell_type": "video", "source": ""},
    ],
)
def test_a_broken_cell_of_format_3_is_rejected(tmp_path: Path, cell: Any) -> None:
    """The same holds for format 3."""
    first = {"cell_type": "heading", "level": "9", "source": "T"}
    assert rejection(write(tmp_path / "hw.ipynb", format_3(first, cell))).place == "cell 2, counting all cells"


def test_null_characters_in_code_are_rejected(tmp_path: Path) -> None:
    """Null characters, which no Python source has, are rejected with the code cell's number."""
    assert rejection(write(tmp_path / "hw.ipynb", notebook("a", "b\0"))).place == "cell 2"


def test_size_is_bounded(tmp_path: Path) -> None:
    """Too many cells, too much code and too large a file are rejected, the last without being read."""
    assert "cells" in rejection(write(tmp_path / "a.ipynb", notebook(*["x"] * (MAX_CELLS + 1)))).message
    assert "code" in rejection(write(tmp_path / "b.ipynb", notebook("x" * (MAX_SOURCE_BYTES + 1)))).message
    huge = write(tmp_path / "c.ipynb", b" " * (MAX_NOTEBOOK_BYTES + 1))
    assert "larger than 25 MiB" in rejection(huge).message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=5), st.integers(0, 5))
def test_normalising_is_idempotent(tmp_path: Path, sources: list[str], minor: int) -> None:
    """Loading the normalised notebook again gives the same content, whatever text the cells hold."""
    document = notebook(*[source.replace("\0", "") for source in sources], minor=minor)
    first = load(write(tmp_path / "hw.ipynb", document))
    assert first.notebook is not None
    second = load(write(tmp_path / "hw.ipynb", first.notebook))
    assert (second.cells, second.notebook, second.sha256) == (first.cells, first.notebook, first.sha256)
    nbformat.validate(nbformat.from_dict(first.notebook))
