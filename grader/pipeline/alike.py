"""Which submissions of a class are more alike than work done apart: by their code, and by their trained weights.

Nothing here accuses: a group is a reason for a person to compare. So whatever has an innocent explanation is left out:
code that the skeleton gives, code that a good part of the class writes (the practical asks for it), and equal weights
of equal starts, for every run begins with the same seed and the same program then ends with the same numbers.

A class may be of any size: what is compared lies in a database on disk, a program's fingerprints are made once, and
only programs that have something in common are looked at together.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from grader.assignment import cache_directory, load_assignment
from grader.errors import GraderError
from grader.pipeline.fingerprints import VERSION, WINDOW, common_excerpt, fingerprints
from grader.score import Grade, Weights
from grader.score.alike import AlikeGroup, Likeness, Pair
from grader.store import FingerprintStore
from grader.submission import Candidate, load_submission

LEAST_SHARE = 0.8
"""Share of the one's own fingerprints that the other has too, from which on two are alike."""

LEAST_OWN = 20
"""A submission with fewer fingerprints of its own is not compared: too little of it is the student's."""

COMMON_SHARE, COMMON_COUNT = 0.02, 6
"""A fingerprint that more than this share of the class has, and more than so many, is the practical's, not a copy's."""

MOST_EXCERPTS = 20
"""Of how many pairs of a group the common code is shown, the likest first."""

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE works (number INTEGER PRIMARY KEY, id TEXT NOT NULL, initial TEXT, final TEXT);
CREATE TABLE marks (mark INTEGER NOT NULL, work INTEGER NOT NULL);
CREATE TABLE given (mark INTEGER PRIMARY KEY);
"""
# `own` are the marks that are neither given nor common, `shared` those of them that another has too.
_PREPARE = """
CREATE INDEX by_mark ON marks (mark, work);
CREATE TABLE counts (mark INTEGER PRIMARY KEY, works INTEGER NOT NULL);
INSERT INTO counts SELECT mark, count(*) FROM marks WHERE mark NOT IN given GROUP BY mark HAVING count(*) <= {most};
CREATE TABLE sizes (work INTEGER PRIMARY KEY, own INTEGER NOT NULL);
INSERT INTO sizes SELECT work, count(*) FROM marks JOIN counts USING (mark) GROUP BY work HAVING count(*) >= {least};
CREATE TABLE shared (mark INTEGER, work INTEGER, PRIMARY KEY (mark, work)) WITHOUT ROWID;
INSERT INTO shared SELECT mark, work FROM counts JOIN marks USING (mark) JOIN sizes USING (work) WHERE works > 1;
CREATE INDEX by_work ON shared (work, mark);
"""
_ALIKE_CODE = """
SELECT b.work, count(*) * 1.0 / min(ours.own, theirs.own) AS share
FROM shared a JOIN shared b ON b.mark = a.mark AND b.work > a.work
JOIN sizes ours ON ours.work = a.work JOIN sizes theirs ON theirs.work = b.work
WHERE a.work = ? GROUP BY b.work HAVING share >= ?
"""
_TRAINED = "(SELECT * FROM works WHERE final IS NOT NULL AND final IS NOT initial)"
# Equal trained weights from different starts, and one that starts with what another has trained.
_ALIKE_WEIGHTS = f"""
SELECT a.id, b.id FROM {_TRAINED} a JOIN {_TRAINED} b ON b.final = a.final AND b.number > a.number
WHERE a.initial IS NOT b.initial AND a.final IN
(SELECT final FROM {_TRAINED} GROUP BY final HAVING count(DISTINCT coalesce(initial, '')) > 1)
UNION
SELECT iif(a.number < b.number, a.id, b.id), iif(a.number < b.number, b.id, a.id)
FROM {_TRAINED} a JOIN works b ON b.initial = a.final AND b.number != a.number
"""

_REASONS: dict[Likeness, str] = {
    "code": "much of their own code is the same",
    "weights": "trained weights equal to the last bit, which a common seed does not explain",
}


class Source(NamedTuple):
    """A program's text, and whether that is all of it, so that its fingerprints are those of the submission."""

    text: str
    whole: bool


@contextmanager
def comparison(assignment: Path | None, known: FingerprintStore | None = None) -> Iterator[Comparison]:
    """A comparison of a class that does this assignment; `known` keeps fingerprints, by default for this user."""
    store = known or FingerprintStore(cache_directory() / "fingerprints.sqlite")
    room = sqlite3.connect("")  # a file of its own, which goes when it is closed
    room.executescript(_TABLES)
    try:
        yield Comparison(room, store, _skeleton(assignment))
    finally:
        room.close()
        store.close()


class Comparison:
    """The submissions of a class, taken in one at a time; made by `comparison`."""

    def __init__(self, room: sqlite3.Connection, known: FingerprintStore, skeleton: str):
        self._room = room
        self._known = known
        text = Source(skeleton, True)
        given = self._marks(hashlib.sha256(skeleton.encode()).hexdigest(), lambda: text, window=1)
        room.executemany("INSERT INTO given VALUES (?)", ((mark,) for mark in given.tolist()))

    def add(self, id_: str, sha256: str, weights: Weights | None, source: Callable[[], Source]) -> None:
        """Takes in a submission; its `source` is called for only where the fingerprints of its content (`sha256`) are
        not known."""
        initial, final = (None, None) if weights is None else (weights.initial, weights.final)
        values = (id_, initial, final)
        number = self._room.execute("INSERT INTO works (id, initial, final) VALUES (?, ?, ?)", values).lastrowid
        marks = self._marks(sha256, source, WINDOW)
        self._room.executemany("INSERT INTO marks VALUES (?, ?)", ((mark, number) for mark in marks.tolist()))

    def groups(self, source: Callable[[str], Source] | None = None) -> tuple[AlikeGroup, ...]:
        """The groups of all that were taken in, those that are alike by code first. To be called once, at the end.

        `source` finds a submission's by its id; without it the common code is not shown.
        """
        by_code = _groups("code", self._alike_code())
        if source is not None:
            by_code = (self._with_excerpts(group, source) for group in by_code)
        by_weights = _groups("weights", (Pair(first, second) for first, second in self._room.execute(_ALIKE_WEIGHTS)))
        return (*by_code, *by_weights)

    def _marks(self, sha256: str, source: Callable[[], Source], window: int) -> np.ndarray:
        key = f"{VERSION}:{window}:{sha256}"
        found = self._known.find(key)
        if found is not None:
            return np.frombuffer(found, dtype=np.int64)
        text, whole = source()
        marks = fingerprints(text, window)
        if whole:
            self._known.save(key, marks.tobytes())
        return marks

    def _alike_code(self) -> Iterator[Pair]:
        (count,) = self._room.execute("SELECT count(*) FROM works").fetchone()
        most = max(COMMON_COUNT, COMMON_SHARE * count)
        self._room.executescript(_PREPARE.format(most=most, least=LEAST_OWN))
        for number, id_ in self._room.execute("SELECT number, id FROM works JOIN sizes ON number = work"):
            for other, share in self._room.execute(_ALIKE_CODE, (number, LEAST_SHARE)):
                yield Pair(id_, self._id(other), share)

    def _id(self, number: int) -> str:
        return str(self._room.execute("SELECT id FROM works WHERE number = ?", (number,)).fetchone()[0])

    def _with_excerpts(self, group: AlikeGroup, source: Callable[[str], Source]) -> AlikeGroup:
        shown = (self._with_excerpt(pair, source) for pair in group.pairs[:MOST_EXCERPTS])
        return replace(group, pairs=(*shown, *group.pairs[MOST_EXCERPTS:]))

    def _with_excerpt(self, pair: Pair, source: Callable[[str], Source]) -> Pair:
        of = "(SELECT mark FROM shared JOIN works ON number = work WHERE id = ?)"
        query = f"SELECT mark FROM {of} JOIN {of} USING (mark)"
        common = {mark for (mark,) in self._room.execute(query, (pair.first, pair.second))}
        return replace(pair, excerpt=common_excerpt(source(pair.first).text, source(pair.second).text, common))


def source_of(grade: Grade) -> Source:
    """The source behind a stored grade: all of it where it still lies unchanged at its path, else its cells."""
    try:
        submission = load_submission(Candidate(grade.submission.id, Path(grade.submission.path)))
    except (GraderError, OSError):
        submission = None
    if submission is None or submission.sha256 != grade.submission.sha256:
        return Source("\n".join(text for _, text in grade.cells), False)
    modules = (content.decode("utf-8", "replace") for name, content in sorted(submission.files.items())
               if name.endswith(".py"))  # fmt: skip
    return Source("\n".join([*submission.cells, *modules]), True)


def _skeleton(assignment: Path | None) -> str:
    """The source of the assignment's notebooks that students are given; the solution is not among them."""
    folder = load_assignment(assignment).directory
    given = [path for path in sorted(folder.glob("*.ipynb")) if path.stem != "solution"]
    given.append(folder / "helper_functions.py")
    return "\n".join(cell for path in given for cell in load_submission(Candidate(path.stem, path)).cells)


def _groups(likeness: Likeness, pairs: Iterable[Pair]) -> Iterator[AlikeGroup]:
    """Pairs that hang together are one group; the largest first, and in it the likest pair."""
    groups: list[tuple[set[str], list[Pair]]] = []
    for pair in sorted(pairs, key=lambda pair: (-pair.share, pair.first, pair.second)):
        members, joined = {pair.first, pair.second}, [pair]
        for other in [group for group in groups if group[0] & members]:
            groups.remove(other)
            members, joined = members | other[0], [*other[1], *joined]
        groups.append((members, joined))
    for members, joined in sorted(groups, key=lambda group: (-len(group[0]), min(group[0]))):
        yield AlikeGroup(likeness, tuple(sorted(members)), tuple(joined), _REASONS[likeness])
