"""Reads a notebook of nbformat 3 or 4 and writes it anew as 4.5, with nothing kept but its cells' sources.

Stored outputs, execution counts, ids, attachments, the kernel's name and all metadata are dropped:
nothing that was stored may pass for something that was run, and none of it may steer the run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from grader.errors import SubmissionRejected
from grader.submission.names import shown
from grader.submission.sources import invisible_notes, plain_lines, without_surrogates
from grader.submission.values import MAX_CELLS, MAX_SOURCE_BYTES, MEBIBYTE

_SAVE_AGAIN = "Open it in Jupyter, save it and submit it again"
_SUBMIT_ITSELF = "Submit the .ipynb file itself, whole, as Jupyter saved it"
# Each list and object costs memory far above its size in the file; plots and tables need fewer than this.
_MAX_CONTAINERS = 1_000_000
# Where no language is stored, the kernel's name has to do; Python's may have any.
_OTHER_KERNELS = frozenset({"ir", "julia", "bash", "javascript", "deno", "octave", "matlab", "scala", "sagemath"})
_SIGNATURES = (
    (b"PK", "is a zip archive, whatever its name says"),
    (b"%PDF", "is a PDF file, whatever its name says"),
    (b"<", "is a web page, whatever its name says, or holds an unresolved merge conflict"),
    (b"\xff\xfe", "is saved as UTF-16"),
    (b"\xfe\xff", "is saved as UTF-16"),
)


@dataclass(frozen=True)
class Notebook:
    """`document` is nbformat 4.5 JSON; `cells` are the sources of its code cells that are not empty."""

    document: dict[str, Any]
    cells: tuple[str, ...]
    notes: tuple[str, ...]


def read_notebook(content: bytes, name: str) -> Notebook:
    """Parse and normalise a notebook; the same cells always give the same document.

    Raises:
        SubmissionRejected: not a notebook, damaged, of an unknown format or for another language than Python.
    """
    document = _parse(content, name)
    version, raw_cells = _version_and_cells(document, name)
    language_note = _check_language(document.get("metadata"), name)
    if len(raw_cells) > MAX_CELLS:
        raise _reject(f"has more than {MAX_CELLS} cells", name, remedy="Leave only the cells that are needed")
    cells: list[dict[str, Any]] = []
    replaced = False
    for number, raw in enumerate(raw_cells, start=1):
        kind, source = _cell_v3(raw, name, number) if version == 3 else _cell_v4(raw, name, number)
        text = plain_lines(source)
        clean = without_surrogates(text)
        replaced = replaced or clean != text
        cells.append(_normal_cell(kind, clean, number))
    code = tuple(cell["source"] for cell in cells if cell["cell_type"] == "code" and cell["source"].strip())
    _check_code(code, name)
    notes = [language_note] if language_note else []
    if replaced:
        notes.append("characters that are not valid Unicode were replaced by U+FFFD")
    notes += invisible_notes((f"cell {number}", source) for number, source in enumerate(code, start=1))
    return Notebook(_document(cells), code, tuple(notes))


def _parse(content: bytes, name: str) -> dict[str, Any]:
    if not content.strip():
        raise _reject("is empty", name, remedy="Save the notebook and submit it again")
    for signature, reason in _SIGNATURES:
        if content.startswith(signature):
            raise _reject(reason, name, remedy=_SUBMIT_ITSELF)
    if content.count(b"[") + content.count(b"{") > _MAX_CONTAINERS:
        raise _reject("holds too many lists and objects", name, remedy="Clear the stored outputs and submit it again")
    try:
        text = content.decode("utf-8-sig")
        document = json.loads(text)
    except UnicodeDecodeError as error:
        raise _reject("is not UTF-8 text, so it is not a notebook", name, f"byte {error.start}") from None
    except json.JSONDecodeError as error:
        cut_off = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        reason = "ends too early, the file was cut off" if cut_off else f"is not valid JSON ({error.msg})"
        remedy = _SUBMIT_ITSELF if cut_off else _SAVE_AGAIN
        raise _reject(reason, name, f"line {error.lineno}, column {error.colno}", remedy) from None
    except RecursionError:
        raise _reject("is nested too deeply to be a notebook", name) from None
    except ValueError as error:  # an integer with thousands of digits
        raise _reject(f"is not valid JSON ({shown(str(error))})", name) from None
    if not isinstance(document, dict):
        raise _reject("is JSON, but not a notebook", name)
    return document


def _version_and_cells(document: dict[str, Any], name: str) -> tuple[int, list[Any]]:
    version = document.get("nbformat")
    if type(version) is not int:
        raise _reject("is JSON, but not a notebook: it has no 'nbformat' number", name)
    if version not in (3, 4):
        age = "older than 3" if version < 3 else "newer than 4"
        raise _reject(f"is of notebook format {version}, {age}", name)
    sheets = [document] if version == 4 else document.get("worksheets")
    lists = [_table(sheet).get("cells") for sheet in sheets] if isinstance(sheets, list) else []
    if not lists or not all(isinstance(cells, list) for cells in lists):
        raise _reject("is JSON, but not a notebook: it has no list of cells", name)
    return version, [cell for cells in lists for cell in cells or ()]


def _check_language(metadata: object, name: str) -> str | None:
    """A note where the notebook is for Python 2, None for Python.

    Raises:
        SubmissionRejected: it is for another language.
    """
    kernel = _table(_table(metadata).get("kernelspec"))
    info = _table(_table(metadata).get("language_info"))
    # What the author chose counts before what the last run reported.
    language = next((text for text in (kernel.get("language"), info.get("name")) if isinstance(text, str) and text), "")
    kernel_name = kernel.get("name")
    if not language and isinstance(kernel_name, str) and kernel_name.split("-")[0].lower() in _OTHER_KERNELS:
        language = kernel_name
    if language and not language.lower().startswith(("python", "ipython")):
        remedy = "Submit a notebook with a Python kernel"
        raise _reject(f"is for {shown(language)}, not for Python", name, remedy=remedy)
    version = info.get("version")
    if isinstance(version, str) and version.startswith("2."):
        return "the notebook was last run with Python 2"
    return None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _cell_v4(raw: object, name: str, number: int) -> tuple[str, str]:
    if not isinstance(raw, dict):
        raise _reject("a cell is not an object", name, _place(number))
    kind = raw.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        raise _reject("a cell has no known type", name, _place(number))
    return kind, _joined(raw.get("source"), name, number)


def _cell_v3(raw: object, name: str, number: int) -> tuple[str, str]:
    """A cell of format 3, translated as `nbformat` does."""
    if not isinstance(raw, dict):
        raise _reject("a cell is not an object", name, _place(number))
    kind = raw.get("cell_type")
    if kind == "code":
        language = raw.get("language", "python")
        if language not in ("python", "ipython"):
            raise _reject("a code cell is not in Python", name, _place(number))
        return "code", _joined(raw.get("input", ""), name, number)
    source = _joined(raw.get("source", ""), name, number)
    if kind == "heading":
        level = raw.get("level", 1)
        depth = level if type(level) is int and level in range(1, 7) else 1
        return "markdown", f"{'#' * depth} {' '.join(source.splitlines())}"
    if kind in ("markdown", "html"):
        return "markdown", source
    if kind in ("raw", "plaintext", "rst"):
        return "raw", source
    raise _reject("a cell has no known type", name, _place(number))


def _joined(source: object, name: str, number: int) -> str:
    """A source is one string or, as Jupyter stores it, a list of lines with their ends."""
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    if not isinstance(source, str):
        raise _reject("a cell has no source text", name, _place(number))
    return source


def _check_code(code: tuple[str, ...], name: str) -> None:
    for number, source in enumerate(code, start=1):
        if "\0" in source:
            raise _reject("a code cell holds null characters", name, f"cell {number}")
    if sum(len(source) for source in code) > MAX_SOURCE_BYTES:
        raise _reject(
            f"holds more than {MAX_SOURCE_BYTES // MEBIBYTE} MiB of code",
            name,
            remedy="Read data from files instead of writing it into cells",
        )


def _normal_cell(kind: str, source: str, number: int) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell


def _document(cells: list[dict[str, Any]]) -> dict[str, Any]:
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _place(number: int) -> str:
    return f"cell {number}, counting all cells"


def _reject(reason: str, name: str, place: str | None = None, remedy: str = _SAVE_AGAIN) -> SubmissionRejected:
    return SubmissionRejected(reason, file=shown(name), place=place, remedy=remedy)
