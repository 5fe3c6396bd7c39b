"""Learning curves as SVG geometry.

Drawn here rather than by matplotlib, whose import alone costs more than everything else in a report, and so that the
colours can follow the reader's light or dark page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from grader.report.text import number
from grader.score import EpochMetrics, Training

WIDTH, HEIGHT = 400, 250
"""Size of a chart in user units."""

LEFT, RIGHT, TOP, BOTTOM = 46, 392, 10, 214
"""Edges of the plotted area in user units."""

_TICKS = 5
_MOST_DOTS = 30
_LARGEST = 1e9


@dataclass(frozen=True)
class Line:
    """One curve: `kind` is its CSS class, `path` its SVG path, `dots` its points in user units."""

    kind: str
    path: str
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Tick:
    """A labelled position along an axis, in user units."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart ready for the template; `description` says in words what it shows."""

    title: str
    description: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class _Series:
    kind: str
    name: str
    values: tuple[float | None, ...]


def learning_curves(training: Training) -> tuple[Chart, ...]:
    """Loss and accuracy by epoch, the student's over the reference's; a chart without any figure is left out."""
    charts = (
        _chart("Loss", training, ("train_loss", "test_loss"), number, top=None),
        _chart("Accuracy", training, ("train_accuracy", "test_accuracy"), _share, top=1.0),
    )
    return tuple(chart for chart in charts if chart is not None)


def _share(value: float, digits: int = 0) -> str:
    return f"{number(100 * value, max(digits - 2, 0))}%"


def _chart(
    title: str, training: Training, names: tuple[str, str], label: Callable[[float, int], str], top: float | None
) -> Chart | None:
    series = [
        *_series(training.reference_epochs, names, "reference"),
        *_series(training.epochs, names, "student"),
    ]
    if not any(one.kind.startswith("student") for one in series):
        return None
    values = [value for one in series for value in one.values if value is not None]
    ticks = nice_ticks(min(values), max(values) if top is None else max(top, *values), zero=top is None)
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    epochs = max(len(one.values) for one in series)
    x = _scale(1, max(epochs, 2), LEFT + 8, RIGHT - 8)
    y = _scale(ticks[0], ticks[-1], BOTTOM, TOP)
    return Chart(
        title=title,
        description=f"{title} by epoch. " + "; ".join(_in_words(one, label, digits + 2) for one in series) + ".",
        lines=tuple(_line(one, x, y) for one in series),
        x_ticks=tuple(Tick(x(epoch), str(epoch)) for epoch in range(1, epochs + 1, math.ceil(epochs / 10))),
        y_ticks=tuple(Tick(y(value), label(value, digits)) for value in ticks),
    )


def _series(epochs: Sequence[EpochMetrics], names: tuple[str, str], whose: str) -> Iterable[_Series]:
    for name in names:
        values = tuple(_plottable(getattr(epoch, name)) for epoch in epochs)
        if any(value is not None for value in values):
            split = name.partition("_")[0]
            yield _Series(f"{whose} {split}", f"{whose}'s {split}", values)


def _plottable(value: float | None) -> float | None:
    """Leave out what would flatten every other point: infinities, NaN and losses that have long since diverged."""
    return value if value is not None and abs(value) <= _LARGEST else None


def _in_words(series: _Series, label: Callable[[float, int], str], digits: int) -> str:
    known = [value for value in series.values if value is not None]
    return f"{series.name} {label(known[0], digits)} to {label(known[-1], digits)}"


def nice_ticks(low: float, high: float, zero: bool) -> tuple[float, ...]:
    """About five round values (steps of 1, 2 or 5) that cover `low` to `high`, from 0 if `zero` asks for it."""
    low = min(low, 0.0) if zero else low
    span = max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-9)
    magnitude = 10.0 ** math.floor(math.log10(span / _TICKS))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if span / (factor * magnitude) <= _TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(step * index for index in range(first, max(last, first + 1) + 1))


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: round(start + (value - low) / (high - low) * (end - start), 1)


def _line(series: _Series, x: Callable[[float], float], y: Callable[[float], float]) -> Line:
    """A path that breaks where a value is unknown; single points stay visible as dots."""
    parts: list[str] = []
    dots: list[tuple[float, float]] = []
    pen_down = False
    for epoch, value in enumerate(series.values, start=1):
        if value is None:
            pen_down = False
            continue
        dots.append((x(epoch), y(value)))
        parts.append(f"{'L' if pen_down else 'M'}{dots[-1][0]:g} {dots[-1][1]:g}")
        pen_down = True
    few = len(dots) <= _MOST_DOTS and series.kind.startswith("student")
    return Line(series.kind, "".join(parts), tuple(dots) if few or len(dots) == 1 else ())
