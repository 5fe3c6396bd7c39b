"""What a person sees of a class: progress while it is graded, a line a submission, and a summary at the end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from grader.pipeline import Result, Student

NOT_GRADABLE = ("rejected", "invalid_evidence", "failed")
MOST_SHOWN = 20
MOST_RUNNING = 4


class ClassProgress:
    """Done and total, failures, what runs now and the time that is left; nothing where nobody watches, as in CI."""

    def __init__(self, console: Console, total: int):
        watched = console.is_terminal and not os.environ.get("CI")
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failures]}", markup=False),
            TextColumn("{task.fields[running]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not watched,
            transient=True,
        )
        self._task = self._bar.add_task("grading", total=total, failures="", running="")
        self._failures = 0

    def __enter__(self) -> ClassProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def running(self, ids: Sequence[str]) -> None:
        """These are being run now."""
        more = f" and {len(ids) - MOST_RUNNING} more" if len(ids) > MOST_RUNNING else ""
        self._bar.update(self._task, running=f"now {', '.join(ids[:MOST_RUNNING])}{more}" if ids else "")

    def finished(self, result: Result) -> None:
        """One more is in place."""
        if result.row.status in NOT_GRADABLE:
            self._failures += 1
            self._bar.update(self._task, failures=f"{self._failures} not graded")
        self._bar.advance(self._task)


class Tally:
    """What the summary counts; of what was graded now it keeps the ids."""

    def __init__(self) -> None:
        self.kept = self.late = 0
        self.graded_ids: list[str] = []
        self._sum = 0.0
        self._max = 0.0
        self._scored = 0
        self.refused: list[str] = []
        self.refusals = 0
        self.own_failures = 0
        self.lowest_share = 1.0

    def add(self, result: Result) -> None:
        """Counts one."""
        row = result.row
        self.kept += result.how == "kept"
        if result.how == "graded":
            self.graded_ids.append(row.id)
        self.late += row.late
        if row.score is not None:
            self._scored += 1
            self._sum += row.score
            self._max = max(self._max, row.max_score)
        self.lowest_share = min(self.lowest_share, (row.score or 0.0) / row.max_score)
        if row.status in NOT_GRADABLE:
            self.refusals += 1
            self.own_failures += row.status == "failed"
            if len(self.refused) < MOST_SHOWN:
                self.refused.append(f"{row.id} could not be graded: {' '.join(row.message.split())}")

    @property
    def graded(self) -> int:
        """How many were graded now."""
        return len(self.graded_ids)

    def lines(self, absent: Sequence[Student]) -> list[str]:
        """The summary."""
        total = self.kept + self.graded + self.own_failures
        told = [f"{total} submissions: {self.graded} graded now, {self.kept} as before"]
        if self._scored:
            told[0] += f"; on average {self._sum / self._scored:.1f} of {self._max:g} points"
        if absent:
            names = ", ".join(student.id for student in absent[:MOST_SHOWN])
            told.append(f"nothing of {len(absent)} in the roster: {names}{', ...' if len(absent) > MOST_SHOWN else ''}")
        if self.late:
            told.append(f"{self.late} late")
        if self.refusals:
            told.append(f"{self.refusals} without a grade:")
            told += [f"  {text}" for text in self.refused]
            if self.refusals > len(self.refused):
                told.append(f"  and {self.refusals - len(self.refused)} more; grades.csv has them all")
        return told


def print_row(result: Result) -> None:
    """One line of a submission that was graded now."""
    row = result.row
    score = "     –" if row.score is None else f"{row.score:6.2f}"
    click.echo(f"{row.id:<32} {score} / {row.max_score:g}  {row.status}{', late' if row.late else ''}")
