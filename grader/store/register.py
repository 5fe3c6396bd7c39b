"""The register of one folder of grades: what was graded from what, the facts of each run, and how grades changed.

One SQLite file. A row is committed after the reports it speaks of are in place, so whatever stands here can be relied
on, and what is missing here is graded again. Rows are read one at a time: nothing grows with the class.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from grader.errors import UsageError
from grader.score.rows import ClassRow, QuestionPoints

REGISTER = ".register.sqlite"
SCHEMA = 1
CACHE_KIB = 256  # SQLite's own default is 2,000, which a large class would fill
WAIT_S = 30.0  # for another grader that writes to the same folder

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, row TEXT NOT NULL, content TEXT NOT NULL, setting TEXT NOT NULL,
    evidence TEXT NOT NULL, rubric TEXT NOT NULL, verifier TEXT NOT NULL, judgement TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (
    evidence TEXT NOT NULL, verifier TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (evidence, verifier));
CREATE TABLE IF NOT EXISTS history (
    id TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, rubric TEXT NOT NULL, score REAL, max_score REAL);
CREATE INDEX IF NOT EXISTS history_by_id ON history (id);
CREATE INDEX IF NOT EXISTS entries_by_position ON entries (position, id);
"""
# Where a submission stands that the latest call on a class did not find any more.
GONE = -1


@dataclass(frozen=True)
class Entry:
    """One submission of the register.

    `content` is the hash of the submission as it was handed in, `setting` that of everything else which the grade
    depends on; while both stay, so does the grade. `evidence` is the key of its run, empty where there was none;
    `rubric` and `verifier` are the hashes of what judged and verified it, `judgement` that of everything that its
    report says.
    """

    row: ClassRow
    content: str
    setting: str
    evidence: str
    rubric: str
    verifier: str
    judgement: str


@dataclass(frozen=True)
class Change:
    """One line of a submission's history: when (UTC, ISO 8601), why, under which rubric, and the score it then had."""

    at: str
    reason: str
    rubric: str
    score: float | None
    max_score: float | None


@contextmanager
def open_register(folder: Path) -> Iterator[Register]:
    """The register in `folder`; its file is made with the first entry.

    Raises UsageError where it cannot be read or written, or is of another version.
    """
    book = Register(folder / REGISTER)
    try:
        yield book
    except sqlite3.Error as error:
        raise UsageError(
            f"the register cannot be used ({error})",
            file=str(book.path),
            remedy="Delete it to grade everything again, or name another folder with --out",
        ) from error
    finally:
        book.close()


class Register:
    """See the module; made by `open_register`, used by one thread."""

    def __init__(self, path: Path):
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._held = False
        if path.exists():
            self._open()

    def close(self) -> None:
        """Closes the file; everything that was recorded is in it already."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def find(self, id_: str) -> Entry | None:
        """The entry of a submission."""
        return next(self._entries("WHERE id = ?", (id_,)), None)

    def entries(self) -> Iterator[Entry]:
        """The entries of the latest class, in its order."""
        return self._entries("WHERE position > ? ORDER BY position, id", (GONE,))

    def rows(self) -> Iterator[ClassRow]:
        """What is listed of each submission of the latest class, in its order."""
        return (entry.row for entry in self.entries())

    def gone(self) -> tuple[str, ...]:
        """The ids of submissions that were graded once and are not in the latest class."""
        return tuple(entry.row.id for entry in self._entries("WHERE position = ? ORDER BY id", (GONE,)))

    def facts(self, evidence: str, verifier: str) -> bytes | None:
        """The stored facts of a run, or None where this verifier has not looked at it."""
        if self._connection is None or not evidence:
            return None
        query = "SELECT content FROM facts WHERE evidence = ? AND verifier = ?"
        found = self._connection.execute(query, (evidence, verifier)).fetchone()
        return None if found is None else bytes(found[0])

    def history(self, id_: str) -> tuple[Change, ...]:
        """How a grade changed, the oldest first; the present one is the last."""
        if self._connection is None:
            return ()
        query = "SELECT at, reason, rubric, score, max_score FROM history WHERE id = ? ORDER BY rowid"
        return tuple(Change(*found) for found in self._connection.execute(query, (id_,)))

    def record(self, entry: Entry, at: str, reason: str, facts: bytes | None) -> None:
        """Enters a grade in the place of an earlier one of the same id, with its facts, and a line of history where
        the score is another one; all of it or nothing."""
        before = self.find(entry.row.id)
        with self._writing() as connection:
            if before is None or _differs(before, entry):
                line = (entry.row.id, at, reason, entry.rubric, entry.row.score, entry.row.max_score)
                connection.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)", line)
            position = self._position(connection, entry.row.id)
            connection.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    entry.row.id,
                    position,
                    _row_text(entry.row),
                    entry.content,
                    entry.setting,
                    entry.evidence,
                    entry.rubric,
                    entry.verifier,
                    entry.judgement,
                ),
            )
            if facts is not None and entry.evidence:
                _keep(connection, entry.evidence, entry.verifier, facts)

    def renew(self, evidence: str, verifier: str, facts: bytes) -> None:
        """Puts what this verifier found in a run in the place of what an earlier one did; no grade changes by it."""
        with self._writing() as connection:
            _keep(connection, evidence, verifier, facts)
            connection.execute("UPDATE entries SET verifier = ? WHERE evidence = ?", (verifier, evidence))

    def arrange(self, ids: Sequence[str]) -> None:
        """Makes `ids`, in this order, the class; entries of others stay but are not listed."""
        if self._connection is None or all(ours == id_ for ours, id_ in zip_longest(self._ids(), ids)):
            return
        with self._writing() as connection:
            connection.execute("UPDATE entries SET position = ?", (GONE,))
            connection.executemany(
                "UPDATE entries SET position = ? WHERE id = ?", ((number, id_) for number, id_ in enumerate(ids))
            )

    def _ids(self) -> Iterator[str]:
        assert self._connection is not None
        query = "SELECT id FROM entries WHERE position > ? ORDER BY position, id"
        return (id_ for (id_,) in self._connection.execute(query, (GONE,)))

    def _position(self, connection: sqlite3.Connection, id_: str) -> int:
        """Where an entry stands; a new one comes last."""
        found = connection.execute("SELECT position FROM entries WHERE id = ?", (id_,)).fetchone()
        if found is not None and found[0] != GONE:
            return int(found[0])
        (last,) = connection.execute("SELECT coalesce(max(position), -1) FROM entries").fetchone()
        return int(last) + 1

    def _entries(self, condition: str, values: tuple[object, ...]) -> Iterator[Entry]:
        if self._connection is None:
            return
        columns = "row, content, setting, evidence, rubric, verifier, judgement"
        for text, *rest in self._connection.execute(f"SELECT {columns} FROM entries {condition}", values):
            yield Entry(_row(text), *rest)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is recorded inside is committed at the end, all of it or nothing."""
        with self._writing():
            self._held = True
            try:
                yield
            finally:
                self._held = False

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None:
            self._open()
        assert self._connection is not None
        if self._held:
            yield self._connection
            return
        with self._connection:
            yield self._connection

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=WAIT_S)
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA):
            connection.close()
            raise UsageError(
                f"the register is of version {version}, and this grader writes {SCHEMA}",
                file=str(self.path),
                remedy="Use the grader that made it, or name another folder with --out",
            )
        if version != SCHEMA:
            connection.executescript(f"{_TABLES}; PRAGMA user_version = {SCHEMA}")
        self._connection = connection


def _keep(connection: sqlite3.Connection, evidence: str, verifier: str, facts: bytes) -> None:
    """What another verifier found in the same run is outdated by this."""
    connection.execute("DELETE FROM facts WHERE evidence = ?", (evidence,))
    connection.execute("INSERT INTO facts VALUES (?, ?, ?)", (evidence, verifier, facts))


def _differs(before: Entry, after: Entry) -> bool:
    return (before.row.score, before.row.max_score, before.row.status) != (
        after.row.score,
        after.row.max_score,
        after.row.status,
    )


def _row_text(row: ClassRow) -> str:
    values = {name: getattr(row, name) for name in ClassRow.__dataclass_fields__}
    return json.dumps({**values, "questions": [[q.id, q.score, q.max_score] for q in row.questions]})


def _row(text: str) -> ClassRow:
    values = json.loads(text)
    row = ClassRow(**{**values, "questions": ()})
    return replace(row, questions=tuple(QuestionPoints(*each) for each in values["questions"]))
