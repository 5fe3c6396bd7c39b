"""A grade as one self-contained HTML page: no scripts, nothing loaded, light, dark, phone and print."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from grader.report import charts, facts, figures, prose, text
from grader.report.excerpt import excerpt
from grader.score import Grade

if TYPE_CHECKING:
    from jinja2 import Environment


def render(grade: Grade) -> str:
    """Return the page. Every value is escaped by the template and freed of control characters by `_finish`."""
    page = (
        environment()
        .get_template("report.html.j2")
        .render(
            grade=grade,
            lost=facts.lost_marks(grade),
            curves=charts.learning_curves(grade.training),
            filters=figures.filter_images(grade.filters),
            confusion=_confusion(grade),
            excerpt=lambda where: excerpt(where, grade.cells),
        )
    )
    return page + "\n"


def warm() -> None:
    """Compiles the templates, which takes as long as all the rest of a page; `render` then finds them compiled."""
    for name in environment().list_templates(filter_func=lambda name: not name.startswith("index.")):
        environment().get_template(name)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The template engine of every page, imported late because the other formats do without it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    engine = Environment(
        loader=PackageLoader("grader.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finish,
    )
    engine.globals.update(facts=facts, figures=figures, plot=charts)
    engine.globals.update(explanation=prose.explanation, finding_title=prose.title)
    engine.filters.update(
        number=text.number,
        percent=text.percent,
        seconds=text.seconds,
        shape=text.shape_text,
        place=text.where_text,
        block=figures.block,
        plural=text.plural,
        brief=lambda value: text.clean(value, 90),
        whole=_Whole,
        uncut=lambda value: _Whole(text.clean(value, None)),
    )
    return engine


class _Whole(str):
    """A string that the grader made and that may be long (a path, an image): escaped like any other, never cut."""

    __slots__ = ()


def _finish(value: Any) -> Any:
    """What Jinja2 does with every printed value before it escapes it; the template's own markup passes."""
    return text.clean(value) if type(value) is str else value


def _confusion(grade: Grade) -> tuple[tuple[tuple[int, float], ...], ...]:
    """Rows of (count, share of the row's images), which the table shades by."""
    return tuple(tuple((count, count / (sum(row) or 1)) for count in row) for row in grade.accuracy.confusion or ())
