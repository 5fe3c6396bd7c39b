"""The figures as a table in the terminal and as a Markdown file."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.reproduce.figures import Column, Figure, columns, over_first, over_windows, single_figures, train_losses
from tests.reproduce.published import EPOCHS, SEEDS
from tests.reproduce.runs import Runs

Rows = Sequence[Sequence[str]]

MISSED = "NOT REPRODUCED"

WHY = """\
The report's loops take `X[i : i + 30]` for i = 0, 1, 2, ..., so an epoch's 2,000 steps see 2,029 training images, and
its test phase sees 199 test images. Its losses are the batches' means, added up and divided by 60,000; at no epoch are
they those of the correct loop.

**Why the printed test accuracy is not that of the 199 images.** The test phase takes 100 windows of 100 images, and
counts an image once for every window that it is in: image 99 a hundred times, images 0 and 198 once. So one image in
the middle weighs a whole point. Counted once each, the same weights classify the same images with another accuracy;
both stand in the table. Each is computed again from the final weights, in a model that is not the program's.

**Why its training accuracy is 9.52 in every epoch.** It calls `hits(L, Y_i)` on the loss, a single number, whose
argmax is always 0: it counts the zeros in the windows.
"""


def by_epoch(runs: Runs) -> tuple[Sequence[str], Rows]:
    """Headings and rows: the report's columns beside the overlapping loop's, and the correct loop's training loss."""
    compared = columns(runs)
    titles = ["epoch", *(f"{column.title}{side}" for column in compared for side in (" (report)", ""))]
    correct = train_losses(runs.correct)
    rows = []
    for epoch in range(1, EPOCHS + 1):
        cells = [cell for column in compared for cell in _pair(column, epoch)]
        rows.append([str(epoch), *cells, number(_at(correct, epoch), 4)])
    return [*titles, "correct loop's training loss"], rows


def _pair(column: Column, epoch: int) -> tuple[str, str]:
    """What the report prints and what the run has at an epoch."""
    found = number(_at(column.reproduced, epoch), column.digits)
    figure = column.figures.get(epoch)
    if figure is None:
        return "missing", found
    return number(figure.expected, column.digits), found if figure.holds else f"{found} {MISSED}"


def _at(values: Sequence[float | None], epoch: int) -> float | None:
    return values[epoch - 1] if epoch <= len(values) else None


def by_figure(runs: Runs) -> tuple[Sequence[str], Rows]:
    """Headings and rows of the columns as a whole and of every single figure."""
    headings = ("figure", "from", "expected", "found", "reproduced")
    return headings, [*(_column_row(column) for column in columns(runs)), *map(_figure_row, single_figures(runs))]


def _figure_row(figure: Figure) -> Sequence[str]:
    expected, found = (number(value, figure.digits) for value in (figure.expected, figure.reproduced))
    return figure.name, figure.source, f"{expected}{tolerance(figure)}", found, verdict(figure.holds)


def _column_row(column: Column) -> Sequence[str]:
    """One row for a column: how far its worst epoch is off."""
    figures = list(column.figures.values())
    distances = [abs(f.reproduced - f.expected) for f in figures if f.reproduced is not None]
    worst = f"within {number(max(distances, default=None), 5)}"
    held = all(figure.holds for figure in figures)
    expected = f"{len(figures)} epochs{tolerance(figures[0])}"
    return f"{column.title}, epoch by epoch", figures[0].source, expected, worst, verdict(held)


def over_which(runs: Runs) -> tuple[Sequence[str], Rows]:
    """Headings and rows: test accuracy of each loop by what it is taken over."""
    headings = ("loop", "seed", "over the report's windows", "first 199, each once", "all 10,000 (the grader's)")
    rows = [
        (run.title, str(run.seed), number(over_windows(run, runs), 2), number(over_first(run), 2),
         number(run.measured, 2))
        for run in (runs.overlapping, runs.softmax, runs.correct)
    ]  # fmt: skip
    return headings, rows


def number(value: float | None, digits: int) -> str:
    """The figure with so many digits; a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def tolerance(figure: Figure) -> str:
    """How much a figure may be off, to stand behind it."""
    return f" ± {figure.tolerance:g}" if figure.tolerance else ", exactly"


def verdict(holds: bool) -> str:
    """Yes, or a no that nobody overlooks."""
    return "yes" if holds else MISSED


def show(console: Console, runs: Runs) -> None:
    """Prints the three tables."""
    for title, (headings, rows) in _tables(runs):
        table = Table(title=title, title_justify="left")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            failed = any(cell.endswith(MISSED) for cell in row)
            table.add_row(*(Text(cell, style="bold red" if failed else "") for cell in row))
        console.print(table)


def markdown(runs: Runs, data: str, picture: str) -> str:
    """The whole account as Markdown; `data` names the data set, `picture` is the figure's file."""
    parts = [
        "# The report's figures, reproduced",
        f"Data: {data}. Every run went through the grader, in its sandbox.",
        f"![Training losses and test accuracies]({picture})",
    ]
    parts += [f"## {title}\n\n{_markdown_table(headings, rows)}" for title, (headings, rows) in _tables(runs)]
    parts += [f"## What explains them\n\n{WHY.strip()}", f"## How much the seed matters\n\n{SEEDS.strip()}"]
    return "\n\n".join(parts) + "\n"


def _tables(runs: Runs) -> tuple[tuple[str, tuple[Sequence[str], Rows]], ...]:
    return (
        ("Epoch by epoch", by_epoch(runs)),
        ("Test accuracy, per cent", over_which(runs)),
        ("Reproduced or not", by_figure(runs)),
    )


def _markdown_table(headings: Sequence[str], rows: Rows) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
