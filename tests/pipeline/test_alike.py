"""Copies are found whatever they were renamed to, and work done apart is left alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from grader.pipeline import fingerprints
from grader.pipeline.alike import Source, comparison
from grader.score import Weights
from grader.score.alike import AlikeGroup
from grader.store import FingerprintStore

CORRECT = Path(__file__).resolve().parents[1] / "corpus" / "correct"


@dataclass(frozen=True)
class Work:
    """A submission: its source, and its weights where it has any."""

    id: str
    source: str
    weights: Weights | None = None


def find_alike(works: Sequence[Work], known: FingerprintStore | None = None) -> tuple[AlikeGroup, ...]:
    """The groups of a class."""
    sources = {work.id: Source(work.source, True) for work in works}
    with comparison(None, known) as compared:
        for work in works:
            sha256 = hashlib.sha256(work.source.encode()).hexdigest()
            compared.add(work.id, sha256, work.weights, partial(sources.__getitem__, work.id))
        return compared.groups(sources.__getitem__)


@pytest.fixture(autouse=True)
def own_cache(cache: Path) -> None:
    """Fingerprints of these tests alone."""


def programs() -> list[Work]:
    """The corpus' correct programs, which were written apart from each other."""
    return [Work(path.stem, path.read_text(encoding="utf-8")) for path in sorted(CORRECT.glob("*.py"))]


def disguised(source: str) -> str:
    """The same program with other names, other comments and other blank lines."""
    names = set(re.findall(r"\b(?:self\.)?([a-z]\w{3,})\b(?= = )", source))
    for at, name in enumerate(sorted(names)):
        source = re.sub(rf"\b{name}\b", f"other_name_{at}", source)
    return "# all my own work\n" + re.sub(r"\n\n+", "\n\n\n", source)


def test_no_two_programs_of_the_corpus_are_alike() -> None:
    """Sixty-eight right answers to the same practical: none may be taken for a copy of another."""
    assert find_alike(programs()) == ()


@pytest.mark.parametrize("copied", ["nb_namedtuple_output", "dir_engine_registry", "base_classic"])
def test_a_disguised_copy_is_found(copied: str) -> None:
    """New names, comments and blank lines hide nothing; the group names both and shows the code."""
    works = programs()
    original = next(work for work in works if work.id == copied)
    copy = disguised(original.source)
    assert copy != original.source
    (group,) = find_alike([*works, Work("copy", copy)])
    assert group.members == tuple(sorted((copied, "copy")))
    assert group.pairs[0].share > 0.8
    assert any(line in original.source for line in group.pairs[0].excerpt if line.strip())


def test_what_the_skeleton_gives_is_no_likeness(repo_root: Path) -> None:
    """Students who hand in the skeleton as it is have nothing of their own in common."""
    source = (repo_root / "reference" / "helper_functions.py").read_text()
    assert find_alike([Work("a", source), Work("b", source), *programs()]) == ()


def test_three_copies_are_one_group() -> None:
    """Copies of copies hang together."""
    source = next(work.source for work in programs() if work.id == "dir_engine_registry")
    (group,) = find_alike([Work(name, source) for name in "cab"])
    assert group.members == ("a", "b", "c")
    assert len(group.pairs) == 3


def group_of(*weights: Weights | None) -> list[tuple[str, ...]]:
    """The groups of as many submissions with these weights."""
    return [g.members for g in find_alike([Work(str(at), "", w) for at, w in enumerate(weights)])]


def test_equal_weights_of_equal_starts_are_innocent() -> None:
    """Every run begins with the same seed: the plain solution ends with the same numbers in many hands."""
    assert group_of(Weights("start", "end"), Weights("start", "end"), Weights("start", "end")) == []


def test_equal_weights_of_different_starts_are_told() -> None:
    """No seed explains how two starts end at the same numbers."""
    assert group_of(Weights("a", "end"), Weights("b", "end"), Weights("a", "other")) == [("0", "1")]


def test_starting_with_another_s_trained_weights_is_told() -> None:
    """A program that begins where another one ended had its weights from there."""
    assert group_of(Weights("a", "end"), Weights("end", "later")) == [("0", "1")]


def test_weights_that_were_never_trained_or_never_seen_tell_nothing() -> None:
    """An untrained model, one that diverged, and a run without weights are like no other."""
    assert group_of(Weights("a", "a"), Weights("a", "a"), None, Weights("b", None), Weights("c", None)) == []


def test_a_program_is_fingerprinted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that was compared before is compared again, and with one more, without reading what is known; the groups
    are those that a new comparison finds."""
    works = programs()[:12]
    first = find_alike([*works, Work("copy", disguised(works[3].source))], FingerprintStore(tmp_path / "known.sqlite"))
    assert [group.members for group in first] == [tuple(sorted((works[3].id, "copy")))]
    read: list[str] = []

    def fingerprinted(source: str, window: int) -> object:
        read.append(source)
        return fingerprints.fingerprints(source, window)

    monkeypatch.setattr("grader.pipeline.alike.fingerprints", fingerprinted)
    more = [*works, Work("copy", disguised(works[3].source)), Work("new", "x = 1")]
    assert find_alike(more, FingerprintStore(tmp_path / "known.sqlite")) == first
    assert read == ["x = 1"]


def test_half_a_source_is_not_kept(tmp_path: Path) -> None:
    """Where a submission's file is gone and only its cells are left, what they give is not taken for the whole."""
    whole = programs()[0].source
    for source, found in ((Source("x = 1", False), 0), (Source(whole, True), 1), (Source("x = 1", False), 1)):
        with comparison(None, FingerprintStore(tmp_path / "known.sqlite")) as compared:
            compared.add("a", "sha", None, partial(Source, *source))
            compared.add("b", "other", None, partial(Source, whole, True))
            assert len(compared.groups()) == found


def test_a_store_that_cannot_be_used_costs_time_only(tmp_path: Path) -> None:
    """A damaged file, and a folder in its place, change no group."""
    (tmp_path / "damaged").write_text("no database at all" * 100)
    (tmp_path / "folder").mkdir()
    works = [*programs()[:5], Work("copy", programs()[2].source)]
    for path in ("damaged", "folder"):
        assert len(find_alike(works, FingerprintStore(tmp_path / path))) == 1
