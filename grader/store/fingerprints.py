"""Fingerprints of source code that was looked at before, by the content that they are of: one SQLite file a user."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

WAIT_S = 5.0
_AT_A_TIME = 200  # are written together, so that no other grader waits long for its turn


class FingerprintStore:
    """Bytes by content. Where the file cannot be used everything counts as absent: nothing is lost but time."""

    def __init__(self, path: Path):
        self._waiting: dict[str, bytes] = {}
        self._connection: sqlite3.Connection | None = None
        with suppress(sqlite3.Error, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=WAIT_S)
            connection.execute("CREATE TABLE IF NOT EXISTS fingerprints (key TEXT PRIMARY KEY, content BLOB NOT NULL)")
            self._connection = connection

    def find(self, key: str) -> bytes | None:
        """What was saved under a key."""
        if key in self._waiting or self._connection is None:
            return self._waiting.get(key)
        with suppress(sqlite3.Error):
            query = "SELECT content FROM fingerprints WHERE key = ?"
            found = self._connection.execute(query, (key,)).fetchone()
            return None if found is None else bytes(found[0])
        return None

    def save(self, key: str, content: bytes) -> None:
        """Keeps one; `close` at the latest puts it into the file."""
        self._waiting[key] = content
        if len(self._waiting) >= _AT_A_TIME:
            self._write()

    def close(self) -> None:
        """Writes what waits, and closes the file."""
        self._write()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error), self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO fingerprints VALUES (?, ?)", self._waiting.items())
        self._waiting.clear()
