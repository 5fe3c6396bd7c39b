"""Charts, blocks, filter images and source excerpts hold up to whatever a run recorded."""

from __future__ import annotations

import base64
import math
import struct
import sys
import zlib
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.report import FORMATS, charts, figures
from grader.report.excerpt import SourceLine, excerpt
from grader.score import EpochMetrics, Grade, Training, Where

LOSSES = st.one_of(st.none(), st.floats())


def _numbers(points: str) -> list[float]:
    return [float(part) for part in points.replace(",", " ").replace("M", " ").replace("L", " ").split()]


@given(st.lists(st.builds(EpochMetrics, LOSSES, LOSSES, LOSSES, LOSSES), max_size=6))
def test_curves_stay_inside_the_chart(epochs: list[EpochMetrics]) -> None:
    """NaN, infinite and enormous values never leave the plotted area nor stop the report."""
    for chart in charts.learning_curves(Training(tuple(epochs))):
        for line in chart.lines:
            numbers = _numbers(line.path)
            assert all(charts.LEFT <= x <= charts.RIGHT for x in numbers[::2])
            assert all(charts.TOP <= y <= charts.BOTTOM for y in numbers[1::2])


def test_a_curve_breaks_where_a_value_is_unknown() -> None:
    """A missing epoch is a gap, not a straight line across it."""
    epochs = tuple(EpochMetrics(train_loss=value) for value in (2.0, 1.0, None, 0.5))
    (chart,) = charts.learning_curves(Training(epochs))
    assert chart.lines[0].path.count("M") == 2
    assert len(chart.lines[0].dots) == 3


def test_no_curves_without_figures() -> None:
    """The reference alone is no learning curve."""
    assert charts.learning_curves(Training(reference_epochs=(EpochMetrics(1.0, 0.5, 1.0, 0.5),))) == ()


@pytest.mark.parametrize(
    ("low", "high", "zero", "ticks"),
    [
        (0.1, 2.3, True, (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)),
        (0.55, 1.0, False, (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
    ],
)
def test_ticks_are_round(low: float, high: float, zero: bool, ticks: tuple[float, ...]) -> None:
    """Steps of 1, 2 or 5, and from 0 for a loss."""
    assert charts.nice_ticks(low, high, zero) == pytest.approx(ticks)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.booleans())
def test_ticks_cover_the_values(one: float, other: float, zero: bool) -> None:
    """The first and last tick enclose the values; there are two to eight, all different."""
    low, high = sorted((one, other))
    ticks = charts.nice_ticks(low, high, zero)
    slack = 1e-6 * max(abs(low), abs(high), 1e-3)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(set(ticks)) == len(ticks) <= 8


@given(st.lists(st.integers(-5, 10**12), max_size=4))
def test_blocks_stay_inside_their_picture(shape: list[int]) -> None:
    """Any shape, absurd ones included, is drawn within the picture."""
    block = figures.block(shape)
    for face in (block.front, block.top, block.side):
        numbers = _numbers(face)
        assert all(0 <= x <= figures.BLOCK_WIDTH for x in numbers[::2])
        assert all(0 <= y <= figures.BLOCK_HEIGHT for y in numbers[1::2])


def test_larger_tensors_are_larger_blocks() -> None:
    """An image of 28×28 is taller than an activation of 11×11, and 13×13 differs visibly from it."""
    heights = []
    for shape in ((28, 28, 1), (13, 13, 10), (11, 11, 10)):
        y = _numbers(figures.block(shape).front)[1::2]
        heights.append(max(y) - min(y))
    assert heights[0] > heights[1] > heights[2] + 3


def _pixels(uri: str) -> tuple[int, int, bytes]:
    data = base64.b64decode(uri.partition(",")[2])
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    return width, height, zlib.decompress(chunks[b"IDAT"])


def test_a_filter_is_a_valid_png_with_one_pixel_a_weight() -> None:
    """Blue below zero, red above, near white at zero, on one scale for all filters."""
    first, second = figures.filter_images((((-1.0, 0.0, 0.5),), ((2.0, math.nan, -2.0),)))
    width, height, pixels = _pixels(first.uri)
    assert (width, height, pixels[0]) == (3, 1, 0)
    blue, zero, red = pixels[1:4], pixels[4:7], pixels[7:10]
    assert blue[2] > blue[0]
    assert zero == bytes((247, 247, 247))
    assert red[0] > red[2]
    assert _pixels(second.uri)[2][1:4] == bytes((178, 24, 43))
    assert (second.low, second.high) == (-2.0, 2.0)


def test_filters_that_are_no_pictures_are_left_out() -> None:
    """Empty and ragged kernels have no image; of very many, only the first are shown."""
    assert figures.filter_images(((), ((),), ((1.0,), (1.0, 2.0)))) == ()
    assert len(figures.filter_images((((1.0,),),) * 500)) == figures.MOST_FILTERS


CELL = "import torch\n\ndef f(x):\n    y = x\n    return y\n\n\nf(1)"


def test_an_excerpt_marks_the_line_among_its_neighbours() -> None:
    """Two lines either side without blank ends, in their own numbers, with the common indentation removed."""
    lines = excerpt(Where("a.ipynb", 2, 4, "    y = x"), ((2, CELL),))
    assert lines == (
        SourceLine(3, "def f(x):", False),
        SourceLine(4, "    y = x", True),
        SourceLine(5, "    return y", False),
    )
    assert [line.text for line in excerpt(Where("a.ipynb", 2, 5, None), ((2, CELL),))] == [
        "def f(x):",
        "    y = x",
        "    return y",
    ]


@pytest.mark.parametrize(
    "where",
    [
        Where("a.ipynb", 9, 1, "lonely()"),
        Where("a.ipynb", 2, 99, "lonely()"),
        Where("a.ipynb", 2, 4, "lonely()"),
        Where("other.py", None, 4, "lonely()"),
        Where("a.ipynb", 2, None, "lonely()"),
    ],
)
def test_a_line_that_is_not_in_the_cell_stands_alone(where: Where) -> None:
    """Where cells are missing or say something else, the recorded line is shown, and no wrong neighbours."""
    assert excerpt(where, ((2, CELL),)) == (SourceLine(where.line, "lonely()", True),)


def test_a_module_is_its_only_cell() -> None:
    """A place in a module has no cell number; its one source is searched, if the line is the recorded one."""
    assert len(excerpt(Where("main.py", None, 4, "    y = x"), ((1, CELL),))) == 3
    assert excerpt(Where("main.py", None, 4, None), ((1, CELL),)) == ()


def test_lines_are_counted_as_python_counts_them() -> None:
    """Form feeds and Unicode separators, at which str.splitlines breaks, do not shift the line numbers."""
    lines = excerpt(Where("a.ipynb", 1, 2, "wrong()"), ((1, "'\u2028\x0c\x85'\r\nwrong()"),))
    assert [(line.number, line.marked) for line in lines] == [(1, False), (2, True)]


def test_the_formats_are_a_table(grade: Grade) -> None:
    """Each format is found by its name; all but the terminal's give text that ends with a line end."""
    assert list(FORMATS) == ["terminal", "json", "markdown", "html"]
    for name in ("json", "markdown", "html"):
        text = FORMATS[name](grade)
        assert isinstance(text, str)
        assert text.endswith("\n")


def test_reports_import_little() -> None:
    """Importing the formats loads neither torch, numpy, matplotlib nor Jinja2: `grade --help` stays quick."""
    code = "import sys, grader.report\nprint(*{'torch', 'numpy', 'matplotlib', 'jinja2'} & set(sys.modules))"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
