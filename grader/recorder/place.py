"""Where in the student's work something happened: the nearest frame of theirs, as (file, cell, line)."""

from __future__ import annotations

import sys
from types import FrameType, TracebackType
from typing import Any

Place = dict[str, Any]


def leading_empty_lines(source: str) -> int:
    """How many lines of only blanks a cell begins with."""
    lines = source.splitlines()
    return next((number for number, line in enumerate(lines) if line.strip()), 0)


# What `%%time` and `%%timeit` compile the rest of their cell under.
TIMED = "<timed exec>"


class Places:
    """Knows which code files are the student's: the cells that ran, and every file under the workspace."""

    def __init__(self, workspace: str, entry: str):
        self._workspace = workspace.rstrip("/") + "/"
        self._entry = entry
        self._cells: dict[str, int] = {}
        self._skipped: dict[str, int] = {}

    def add_cell(self, filename: str, cell: int, source: str) -> None:
        """`filename` is the name that IPython compiles the cell under, without the empty lines that it begins with."""
        self._cells[filename] = self._cells[TIMED] = cell
        self._skipped[filename] = leading_empty_lines(source)
        self._skipped[TIMED] = self._skipped[filename] + 1

    def is_student(self, filename: str) -> bool:
        return filename in self._cells or (
            filename.startswith(self._workspace) and not filename.endswith("/helper_functions.py")
        )

    def describe(self, filename: str, line: int) -> Place:
        cell = self._cells.get(filename)
        name = self._entry if cell is not None else filename.removeprefix(self._workspace)
        return {"file": name, "cell": cell, "line": line + self._skipped.get(filename, 0)}

    def here(self, depth: int = 1) -> Place | None:
        """The innermost frame of the student's above the caller."""
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None:
            if self.is_student(frame.f_code.co_filename):
                return self.describe(frame.f_code.co_filename, frame.f_lineno)
            frame = frame.f_back
        return None

    def caller(self, depth: int = 1) -> Place | None:
        """The student's line that called the model: their innermost frame that is no forward pass itself."""
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None:
            code = frame.f_code
            if self.is_student(code.co_filename) and code.co_name not in ("forward", "__call__"):
                return self.describe(code.co_filename, frame.f_lineno)
            frame = frame.f_back
        return None

    def of_traceback(self, traceback: TracebackType | None) -> Place | None:
        """The innermost frame of the student's that an exception passed."""
        found = None
        while traceback is not None:
            filename = traceback.tb_frame.f_code.co_filename
            if self.is_student(filename):
                found = self.describe(filename, traceback.tb_lineno)
            traceback = traceback.tb_next
        return found
