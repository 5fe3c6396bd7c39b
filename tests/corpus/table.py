"""The diagnosis' figures: kept as JSON beside the corpus, printed, and written into the README as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.corpus.cases import CORPUS
from tests.corpus.judge import Count, Said, Verdict, tally, total
from tests.readme import README, Block

FIGURES = CORPUS / "figures.json"
BLOCK = Block("<!-- diagnosis: written by make diagnose -->", "<!-- diagnosis: end -->")
NOT_MEASURED = "Not measured since the corpus was made: `make diagnose` writes the table here.\n"
NOT_FOUND = "not found: "


@dataclass(frozen=True)
class Judged:
    """What one grader said of all cases. `unfound`: the accused and caught programs that only lack a variable."""

    accused: int
    caught: int
    collateral: int
    unassessed: int
    unfound: tuple[int, int]
    questions: Mapping[str, Count]
    findings: Mapping[str, Count]


@dataclass(frozen=True)
class Figures:
    """A whole diagnosis: `correct` and `faulty` count the programs, `asserts` is the grader compared with."""

    date: str
    dataset: str
    correct: int
    faulty: int
    grader: Judged
    asserts: Judged


def judged(verdicts: Sequence[Verdict], unfound: frozenset[str] = frozenset()) -> Judged:
    """Counts one grader's verdicts; `unfound` names the cases of which it only said that a variable is missing."""
    counted = tally(verdicts)
    caught = [each for each in verdicts if each.caught]
    return Judged(
        accused=len(counted.accused),
        caught=len(caught),
        collateral=len(counted.collateral),
        unassessed=sum(counted.unassessed.values()),
        unfound=(
            sum(each.case.name in unfound for each in counted.accused),
            sum(each.case.name in unfound for each in caught),
        ),
        questions=dict(sorted(counted.questions.items())),
        findings=dict(sorted(counted.findings.items())),
    )


def by_asserts(verdicts: Sequence[Verdict], failed: Mapping[str, Mapping[str, str]]) -> Judged:
    """The same count of what the asserts say: a failed assert charges its question."""
    none = frozenset[str]()
    said = {
        name: Said(frozenset(reasons), none, none, none, tuple(reasons.values()), "graded")
        for name, reasons in failed.items()
    }
    unfound = {
        name
        for name, reasons in failed.items()
        if reasons and all(reason.startswith(NOT_FOUND) for reason in reasons.values())
    }
    return judged([Verdict(each.case, said[each.case.name]) for each in verdicts], frozenset(unfound))


def markdown(figures: Figures) -> str:
    """The tables of the README."""
    return "\n".join(_markdown(figures)) + "\n"


def _markdown(figures: Figures) -> Iterator[str]:
    grader, asserts = figures.grader, figures.asserts
    yield f"{figures.correct} correct and {figures.faulty} faulty programs on {figures.dataset}, {figures.date}."
    yield ""
    yield "| | this grader | four asserts |"
    yield "|---|---:|---:|"
    for title, size, counts in (
        ("correct programs accused", figures.correct, (grader.accused, asserts.accused)),
        ("faulty programs caught", figures.faulty, (grader.caught, asserts.caught)),
        ("faulty programs charged elsewhere, too", figures.faulty, (grader.collateral, asserts.collateral)),
    ):
        yield f"| {title} | {counts[0]} of {size} | {counts[1]} of {size} |"
    sums = [total(each.questions.values()) for each in (grader, asserts)]
    yield f"| questions: recall | {share(sums[0].recall)} | {share(sums[1].recall)} |"
    yield f"| questions: precision | {share(sums[0].precision)} | {share(sums[1].precision)} |"
    found = total(grader.findings.values())
    yield f"| findings: recall | {share(found.recall)} | - |"
    yield f"| findings: precision | {share(found.precision)} | - |"
    yield ""
    yield (
        f"Of {asserts.unfound[0]} of the accused and {asserts.unfound[1]} of the caught programs the asserts say only "
        "that a variable was not found."
    )
    yield ""
    yield "| question | found | missed | false | recall | precision | asserts: found | missed | false |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name in sorted({*grader.questions, *asserts.questions}):
        beside = asserts.questions.get(name, Count())
        cells = (*_cells(grader.questions.get(name, Count())), beside.hits, beside.misses, beside.false)
        yield f"| {name} | {' | '.join(map(str, cells))} |"
    yield ""
    yield "<details><summary>By finding</summary>"
    yield ""
    yield "| finding | found | missed | false | recall | precision |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, count in grader.findings.items():
        yield f"| `{name}` | {' | '.join(_cells(count))} |"
    yield ""
    yield "</details>"


def _cells(count: Count) -> tuple[str, ...]:
    return (*map(str, (count.hits, count.misses, count.false)), share(count.recall), share(count.precision))


def share(value: float | None) -> str:
    """A share as per cent, rounded down, so that 100% is all; a dash where there was nothing to count."""
    return "-" if value is None else f"{int(value * 1000 + 1e-9) / 10:.1f}%"


def text(figures: Figures) -> str:
    """The same tables for a terminal: columns instead of Markdown."""
    lines = markdown(figures).replace("`", "").split("\n")
    shown = [line for line in lines if not line.startswith(("|---", "<"))]
    return "\n".join(_columns(line) if line.startswith("|") else line for line in shown)


def _columns(row: str) -> str:
    first, *rest = (cell.strip() for cell in row.strip("|").split("|"))
    return f"{first:<40}" + "".join(f"{cell:>16}" for cell in rest)


def store(figures: Figures, path: Path = FIGURES) -> None:
    """Keeps the figures as JSON."""
    path.write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")


def stored(path: Path = FIGURES) -> Figures | None:
    """The figures of the last whole diagnosis; None where there was none."""
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Figures(**{**kept, "grader": _judged(kept["grader"]), "asserts": _judged(kept["asserts"])})


def _judged(kept: Mapping[str, object]) -> Judged:
    counts = {key: {name: Count(**count) for name, count in kept[key].items()} for key in ("questions", "findings")}
    return Judged(**{**kept, **counts, "unfound": tuple(kept["unfound"])})


def publish(figures: Figures, readme: Path = README, path: Path = FIGURES) -> None:
    """Keeps the figures and writes their tables into the README."""
    store(figures, path)
    BLOCK.write(markdown(figures), readme)
