"""What a cell may put out: the beginning and, where it floods, the end of its text, with a notice between them."""

from __future__ import annotations

import json
from typing import Any

KEPT_TEXT = 100_000  # characters of the end


class OutputCap:
    """Counts what one cell puts out; `begin` starts the next cell."""

    def __init__(self, limit: int):
        self._limit = limit
        self.begin()

    def begin(self) -> None:
        self._used = 0
        self._left_out = 0
        self._end = ""

    @property
    def cut(self) -> int:
        """How many bytes were left out of the cell's output."""
        return max(self._left_out - len(self._end), 0)

    def admits(self, message: dict[str, Any]) -> bool:
        """Whether an output message is still within the limit; the text of those that are not is kept from its end."""
        content = message["content"]
        text = str(content.get("text", "")) if message["msg_type"] == "stream" else ""
        size = len(text) if text else len(json.dumps(content, default=str))
        if not self._left_out and self._used + size <= self._limit:
            self._used += size
            return True
        self._left_out += size
        self._end = (self._end + text)[-KEPT_TEXT:]
        return False

    def rest(self) -> list[dict[str, Any]]:
        """The outputs that stand for what was not admitted: a notice and the end of the text."""
        if not self._left_out:
            return []
        notice = f"\n[output cut by the grader: {self.cut:,} bytes beyond the limit of {self._limit:,} are left out]\n"
        return [{"output_type": "stream", "name": "stdout", "text": notice + self._end}]
