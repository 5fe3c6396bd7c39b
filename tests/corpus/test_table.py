"""The published figures: counted as they are defined, written by the command alone, and not altered by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus.cases import Case
from tests.corpus.judge import Count, Said, Verdict
from tests.corpus.table import (
    BLOCK,
    NOT_MEASURED,
    Figures,
    by_asserts,
    judged,
    markdown,
    publish,
    share,
    stored,
    text,
)

NONE = frozenset[str]()


def verdict(name: str, expected: str = "", charged: str = "", finding: str = "") -> Verdict:
    """What a grader that charged these questions said of a case that should lose others; one mistake at most."""
    questions, faults = tuple(expected.split()), frozenset(finding.split())
    wanted = ("layer.stride",) if expected else ()
    case = Case(name, "module", "", "", questions=questions, findings=wanted, faults=1 if expected else 0)
    return Verdict(case, Said(frozenset(charged.split()), NONE, faults, NONE, (), "graded"))


VERDICTS = [
    verdict("correct"),
    verdict("accused", charged="2.1 accuracy"),
    verdict("found", "2.1", "2.1 accuracy", "layer.stride"),
    verdict("missed", "2.1"),
    verdict("collateral", "2.1", "2.1 2.2", "layer.padding"),
]
FAILED = {
    "correct": {"2.1": "not found: no variable holds the model"},
    "accused": {},
    "found": {"2.1": "the weights have shapes", "accuracy": "the accuracy is 0.800"},
    "missed": {"2.1": "not found: no variable holds the model", "2.2": "not found: no variable holds the model"},
    "collateral": {"2.2": "the output has shape"},
}


@pytest.fixture
def figures() -> Figures:
    """The figures of five programs."""
    return Figures("2026-01-31", "MNIST", 2, 3, judged(VERDICTS), by_asserts(VERDICTS, FAILED))


def test_verdicts_are_counted_as_defined(figures: Figures) -> None:
    """Accused are correct programs that lose marks; collateral are faulty ones that lose others, accuracy excepted."""
    grader = figures.grader
    assert (grader.accused, grader.caught, grader.collateral) == (1, 2, 1)
    assert grader.questions == {"2.1": Count(2, 1, 1), "2.2": Count(0, 0, 1), "accuracy": Count(0, 0, 1)}
    assert grader.findings == {"layer.stride": Count(1, 2, 0), "layer.padding": Count(0, 0, 1)}


def test_asserts_are_counted_like_the_grader(figures: Figures) -> None:
    """A failed assert charges its question; programs of which only a variable is missing are told apart."""
    asserts = figures.asserts
    assert (asserts.accused, asserts.caught, asserts.collateral, asserts.unfound) == (1, 3, 2, (1, 1))
    assert asserts.questions == {"2.1": Count(2, 1, 1), "2.2": Count(0, 0, 2)}


def test_table_shows_both_graders(figures: Figures) -> None:
    """Counts, shares and the comparison stand in the rows; a finding has a row of its own."""
    lines = markdown(figures).splitlines()
    assert lines[0] == "2 correct and 3 faulty programs on MNIST, 2026-01-31."
    assert "| correct programs accused | 1 of 2 | 1 of 2 |" in lines
    assert "| faulty programs caught | 2 of 3 | 3 of 3 |" in lines
    assert "| questions: recall | 66.6% | 66.6% |" in lines
    assert "| 2.1 | 2 | 1 | 1 | 66.6% | 66.6% | 2 | 1 | 1 |" in lines
    assert "| `layer.stride` | 1 | 2 | 0 | 33.3% | 100.0% |" in lines


def test_terminal_shows_every_row_of_the_table(figures: Figures) -> None:
    """What the README says is printed, too, without Markdown."""
    shown = text(figures)
    assert not {"|", "<", "`"} & set(shown)
    for line in markdown(figures).splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            assert line.replace("`", "").replace("|", " ").split() in [row.split() for row in shown.splitlines()]


@pytest.mark.parametrize(("value", "written"), [(None, "-"), (1.0, "100.0%"), (0.9999, "99.9%"), (0.7, "70.0%")])
def test_shares_are_rounded_down(value: float | None, written: str) -> None:
    """Nothing but all is 100%."""
    assert share(value) == written


def test_publishing_replaces_the_block_alone(figures: Figures, tmp_path: Path) -> None:
    """The README's other text stays, the figures can be read again, and publishing twice is publishing once."""
    readme, path = tmp_path / "README.md", tmp_path / "figures.json"
    readme.write_text(f"# before\n\n{BLOCK.begin}\nold\n{BLOCK.end}\nafter\n", encoding="utf-8")
    publish(figures, readme, path)
    publish(figures, readme, path)
    assert readme.read_text(encoding="utf-8") == f"# before\n\n{BLOCK.begin}\n{markdown(figures)}{BLOCK.end}\nafter\n"
    assert stored(path) == figures


def test_readme_without_markers_is_refused(figures: Figures, tmp_path: Path) -> None:
    """Figures are never written to a place that nobody chose."""
    readme = tmp_path / "README.md"
    readme.write_text(f"# no end\n{BLOCK.begin}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="markers"):
        publish(figures, readme, tmp_path / "figures.json")


def test_readme_shows_what_was_measured() -> None:
    """The README's table is what the command writes for the figures that are kept beside the corpus."""
    figures = stored()
    assert BLOCK.read() == (NOT_MEASURED if figures is None else markdown(figures))
