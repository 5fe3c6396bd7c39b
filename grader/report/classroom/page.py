"""The teacher's page: one HTML file that opens from disk, with one script of its own and nothing loaded."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator
from importlib.resources import files

from grader.report.classroom import statistics
from grader.report.classroom.entries import Classroom, Entry, report_href
from grader.report.html import environment

PLOT_WIDTH, PLOT_HEIGHT = 720, 248
"""Size of the plot of accuracies in user units; its margins are the next line's."""

LEFT, RIGHT, TOP, BOTTOM = 44, 706, 12, 222

_LEAST_ERROR, _MOST_ERROR = 0.003, 0.95
_TICKS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)


def render(classroom: Classroom) -> str:
    """Return the page. Names and texts are escaped; the one script that may run is the grader's own, by its hash."""
    return "".join(stream(classroom))


def stream(classroom: Classroom) -> Iterator[str]:
    """The page in pieces, in the order in which they stand in it; entries are read as they come up."""
    from markupsafe import Markup

    entries = classroom.entries
    script = (files("grader.report") / "templates" / "index.js").read_text(encoding="utf-8")
    yield from (
        environment()
        .get_template("index.html.j2")
        .generate(
            room=classroom,
            script=Markup(script),  # a file of the grader's own
            answers_of=lambda entry: {question.id: question for question in entry.questions},
            script_hash=base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode("ascii"),
            scores=statistics.scores(entries),
            bins=statistics.distribution(entries),
            figures_by_question=statistics.questions(entries),
            common=statistics.findings(entries),
            reviews=statistics.review(entries),
            places=statistics.accuracy_places(entries),
            place_of=statistics.accuracy_place,
            bands=sorted({e.band for e in entries if e.band is not None and e.measured is not None}),
            dots=(_dot(entry) for entry in entries if entry.scored and entry.measured is not None),
            ticks=tuple((accuracy_x(tick), tick) for tick in _TICKS),
            accuracy_x=accuracy_x,
            datasets=sorted({entry.dataset for entry in entries if entry.scored}),
            rubrics=sorted({entry.rubric for entry in entries}),
            statuses=sorted({entry.status for entry in entries}),
            plot_size=(PLOT_WIDTH, PLOT_HEIGHT, LEFT, RIGHT, TOP, BOTTOM),
            alike_ids={member for group in classroom.alike for member in group.members},
            report_href=report_href,
        )
    )
    yield "\n"


def accuracy_x(accuracy: float) -> float:
    """Where an accuracy lies on the plot: a logarithmic axis of the error, so that 97% and 99% are apart."""
    error = min(max(1 - accuracy, _LEAST_ERROR), _MOST_ERROR)
    share = math.log(_MOST_ERROR / error) / math.log(_MOST_ERROR / _LEAST_ERROR)
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _dot(entry: Entry) -> tuple[float, float, str]:
    """Where the submission stands on the plot, and how its accuracy compares."""
    return (
        accuracy_x(entry.measured or 0.0),
        round(BOTTOM - min(max(entry.share, 0.0), 1.0) * (BOTTOM - TOP), 1),
        statistics.accuracy_place(entry),
    )
