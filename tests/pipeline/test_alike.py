"""Copies are found whatever they were renamed to, and work done apart is left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.pipeline.alike import Work, find_alike
from grader.score import Weights

CORRECT = Path(__file__).resolve().parents[1] / "corpus" / "correct"


def programs() -> list[Work]:
    """The corpus' correct programs, which were written apart from each other."""
    return [Work(path.stem, path.read_text(encoding="utf-8"), None) for path in sorted(CORRECT.glob("*.py"))]


def disguised(source: str) -> str:
    """The same program with other names, other comments and other blank lines."""
    names = set(re.findall(r"\b(?:self\.)?([a-z]\w{3,})\b(?= = )", source))
    for at, name in enumerate(sorted(names)):
        source = re.sub(rf"\b{name}\b", f"other_name_{at}", source)
    return "# all my own work\n" + re.sub(r"\n\n+", "\n\n\n", source)


def test_no_two_programs_of_the_corpus_are_alike() -> None:
    """Sixty-eight right answers to the same practical: none may be taken for a copy of another."""
    assert find_alike(programs(), None) == ()


@pytest.mark.parametrize("copied", ["nb_namedtuple_output", "dir_engine_registry", "base_classic"])
def test_a_disguised_copy_is_found(copied: str) -> None:
    """New names, comments and blank lines hide nothing; the group names both and shows the code."""
    works = programs()
    original = next(work for work in works if work.id == copied)
    copy = disguised(original.source)
    assert copy != original.source
    (group,) = find_alike([*works, Work("copy", copy, None)], None)
    assert group.members == tuple(sorted((copied, "copy")))
    assert group.pairs[0].share > 0.8
    assert any(line in original.source for line in group.pairs[0].excerpt if line.strip())


def test_what_the_skeleton_gives_is_no_likeness(repo_root: Path) -> None:
    """Students who hand in the skeleton as it is have nothing of their own in common."""
    source = (repo_root / "reference" / "helper_functions.py").read_text()
    assert find_alike([Work("a", source, None), Work("b", source, None), *programs()], None) == ()


def test_three_copies_are_one_group() -> None:
    """Copies of copies hang together."""
    source = next(work.source for work in programs() if work.id == "dir_engine_registry")
    (group,) = find_alike([Work(name, source, None) for name in "cab"], None)
    assert group.members == ("a", "b", "c")
    assert len(group.pairs) == 3


def group_of(*weights: Weights | None) -> list[tuple[str, ...]]:
    """The groups of as many submissions with these weights."""
    return [g.members for g in find_alike([Work(str(at), "", w) for at, w in enumerate(weights)], None)]


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
