"""Grades in the forms of other systems: one module a system; text in, text out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from grader.report.export import canvas, csv_, gradescope, junit, moodle
from grader.report.export.people import Person
from grader.report.export.table import lines
from grader.score import Standing, standing_of

Rows = Callable[[Sequence[Standing], Mapping[str, Person], bool], Iterator[list[str]]]

_ROWS: Mapping[str, Rows] = MappingProxyType({"canvas": canvas.rows, "moodle": moodle.rows, "csv": csv_.rows})
TABLES = tuple(_ROWS)
"""The systems that take a class as a table."""


def table_csv(
    system: str, standings: Sequence[Standing], people: Mapping[str, Person], total_only: bool = False
) -> Iterator[str]:
    """The CSV file for one of TABLES, line by line; `people` by submission id. The standings are gone through several
    times, one at a time."""
    return lines(_ROWS[system](standings, people, total_only))


results_json = gradescope.render
junit_xml = junit.stream

__all__ = [
    "TABLES",
    "Person",
    "Standing",
    "junit_xml",
    "results_json",
    "standing_of",
    "table_csv",
]
