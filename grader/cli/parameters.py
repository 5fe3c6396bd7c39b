"""Kinds of option values that click does not check closely enough."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A number within a range; `nan`, which no comparison rejects, and `inf` are outside of every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; fails as click's own range does."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return float(number)


class LimitChange(click.ParamType[tuple[str, float]]):
    """`disk_mb=500`: a limit by its name in a rubric, and its new value."""

    name = "limit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """The name and the number; which names there are and what they may be, the assignment knows."""
        if isinstance(value, tuple):
            return value
        name, _, text = value.partition("=")
        try:
            number = float(text)
        except ValueError:
            self.fail(f"{value!r} is not of the form NAME=NUMBER, such as disk_mb=500.", param, ctx)
        return name, int(number) if number.is_integer() else number


class GivenPath(click.Path):
    """A `pathlib.Path` that was really given: an empty text, such as an unset variable, is not the current folder."""

    def __init__(self, *, file_okay: bool = True):
        super().__init__(path_type=Path, file_okay=file_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; fails for an empty text."""
        if value == "":
            self.fail("The path is empty.", param, ctx)
        return super().convert(value, param, ctx)
