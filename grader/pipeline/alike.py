"""Which submissions of a class are more alike than work done apart: by their code, and by their trained weights.

Nothing here accuses: a group is a reason for a person to compare. So whatever has an innocent explanation is left out:
code that the skeleton gives, code that a good part of the class writes (the practical asks for it), and equal weights
of equal starts, for every run begins with the same seed and the same program then ends with the same numbers.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from grader.assignment import load_assignment
from grader.errors import GraderError
from grader.score import Grade, Weights
from grader.score.alike import AlikeGroup, Likeness, Pair
from grader.submission import Candidate, load_submission

if TYPE_CHECKING:
    from copydetect import CodeFingerprint

NOISE, WINDOW = 25, 8
"""Shortest run of characters of normalised code that counts as common, and how many of those give one fingerprint."""

LEAST_SHARE = 0.8
"""Share of the one's own fingerprints that the other has too, from which on two are alike."""

LEAST_OWN = 20
"""A submission with fewer fingerprints of its own is not compared: too little of it is the student's."""

COMMON_SHARE, COMMON_COUNT = 0.02, 6
"""A fingerprint that more than this share of the class has, and more than so many, is the practical's, not a copy's."""

_EXCERPT_LINES = 12


@dataclass(frozen=True)
class Work:
    """What is compared of one submission: its whole source, and the digests of its weights."""

    id: str
    source: str
    weights: Weights | None


def work_of(grade: Grade) -> Work:
    """The work behind a stored grade: all its source where it still lies unchanged at its path, else its cells."""
    source = "\n".join(text for _, text in grade.cells)
    try:
        submission = load_submission(Candidate(grade.submission.id, Path(grade.submission.path)))
    except (GraderError, OSError):
        return Work(grade.submission.id, source, grade.weights)
    if submission.sha256 == grade.submission.sha256:
        modules = (content.decode("utf-8", "replace") for name, content in sorted(submission.files.items())
                   if name.endswith(".py"))  # fmt: skip
        source = "\n".join([*submission.cells, *modules])
    return Work(grade.submission.id, source, grade.weights)


def find_alike(works: Sequence[Work], assignment: Path | None) -> tuple[AlikeGroup, ...]:
    """The groups of a class, those that are alike by code first."""
    return (*_groups("code", _alike_code(works, _skeleton(assignment))), *_groups("weights", _alike_weights(works)))


def _skeleton(assignment: Path | None) -> str:
    """The source of the assignment's notebooks that students are given; the solution is not among them."""
    folder = load_assignment(assignment).directory
    given = [path for path in sorted(folder.glob("*.ipynb")) if path.stem != "solution"]
    given.append(folder / "helper_functions.py")
    return "\n".join(cell for path in given for cell in load_submission(Candidate(path.stem, path)).cells)


def _alike_code(works: Sequence[Work], skeleton: str) -> list[Pair]:
    given = _fingerprint("skeleton", skeleton, 1).hashes
    prints = {work.id: _fingerprint(work.id, work.source, WINDOW) for work in works}
    counts = Counter(mark for found in prints.values() for mark in found.hashes)
    most = max(COMMON_COUNT, COMMON_SHARE * len(prints))
    for found in prints.values():
        found.hashes = {mark for mark in found.hashes if mark not in given and counts[mark] <= most}
    own = {id_: found for id_, found in prints.items() if len(found.hashes) >= LEAST_OWN}
    pairs = []
    for (first, second), common in _overlaps(own).items():
        share = common / min(len(own[first].hashes), len(own[second].hashes))
        if share >= LEAST_SHARE:
            pairs.append(Pair(first, second, share, _excerpt(own[first], own[second])))
    return pairs


def _overlaps(own: dict[str, CodeFingerprint]) -> Counter[tuple[str, str]]:
    """How many fingerprints each two have in common, by way of who has which: most pairs have none at all."""
    having: dict[int, list[str]] = defaultdict(list)
    for id_, found in own.items():
        for mark in found.hashes:
            having[mark].append(id_)
    return Counter(pair for ids in having.values() for pair in combinations(ids, 2))


def _fingerprint(name: str, source: str, window: int) -> CodeFingerprint:
    """Tokens without names, texts and comments, as hashes of their runs (winnowing)."""
    from copydetect import CodeFingerprint

    return CodeFingerprint(name, NOISE, window, language="python", fp=io.StringIO(source + "\n" + "#" * NOISE))


def _excerpt(first: CodeFingerprint, second: CodeFingerprint) -> tuple[str, ...]:
    """The longest stretch of the first one's source that the second has too, its first lines."""
    from copydetect import compare_files

    _, _, (slices, _) = compare_files(first, second)
    if not len(slices) or not len(slices[0]):
        return ()
    start, end = max(zip(*slices, strict=True), key=lambda ends: ends[1] - ends[0])
    return tuple(first.raw_code[int(start) : int(end)].strip("\n").splitlines()[:_EXCERPT_LINES])


def _alike_weights(works: Sequence[Work]) -> Iterator[Pair]:
    """Equal trained weights from different starts, and one that starts with what another has trained."""
    known = [(work.id, work.weights) for work in works if work.weights is not None]
    for (first, a), (second, b) in combinations(known, 2):
        trained = [w.final for w in (a, b) if w.final is not None and w.final != w.initial]
        same_end = len(trained) == 2 and a.final == b.final and a.initial != b.initial
        handed_on = (a.final in trained and a.final == b.initial) or (b.final in trained and b.final == a.initial)
        if same_end or handed_on:
            yield Pair(first, second)


_REASONS: dict[Likeness, str] = {
    "code": "much of their own code is the same",
    "weights": "trained weights equal to the last bit, which a common seed does not explain",
}


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
