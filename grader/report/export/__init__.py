"""Grades in the forms of other systems: one module a system; text in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from grader.report.export import canvas, csv_, gradescope, junit, moodle
from grader.report.export.people import Person
from grader.score import Standing, standing_of

Table = Callable[[Sequence[Standing], Mapping[str, Person], bool], str]

TABLES: Mapping[str, Table] = MappingProxyType(
    {"canvas": canvas.render_class, "moodle": moodle.render_class, "csv": csv_.render_class}
)
"""The tables of a class by the name of the system: (standings, people by submission id, total only) -> CSV."""

results_json = gradescope.render
junit_xml = junit.stream

__all__ = [
    "TABLES",
    "Person",
    "Standing",
    "junit_xml",
    "results_json",
    "standing_of",
]
