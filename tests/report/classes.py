"""A class of grades: the samples, and work that lost marks in other places, under names that a page must bear."""

from __future__ import annotations

from dataclasses import replace

from grader.report.classroom import Classroom, Entry, entry
from grader.score import Accuracy, Finding, Grade
from tests.report.conftest import HOSTILE, REFERENCE, faulty, grade_with, lost, perfect, rejected, timed_out

BAND = (0.955, 0.985)
STRIDE = lost("layers.convolution", 2, "stride 1", finding="layer.stride", message="The stride is 1.")
EPOCHS = lost("training.epochs", 0, "3 epochs", finding="train.epochs")


def named(grade: Grade, id_: str, **fields: object) -> Grade:
    """The grade as that of another submission."""
    submission = replace(grade.submission, id=id_, path=f"submissions/{id_}.ipynb")
    return replace(grade, submission=submission, **fields)  # type: ignore[arg-type]


def a_class() -> list[Grade]:
    """Fourteen grades in the order of their ids: ten by number, and one of each odd kind."""
    grades = []
    for number in range(10):
        changes = {check.id: check for check, has in ((STRIDE, number % 2), (EPOCHS, number % 3 == 0)) if has}
        accuracy = Accuracy(0.90 + 0.01 * number, 0.9, REFERENCE, 2_000, band=BAND)
        told = tuple(
            Finding(c.finding or "", c.question, "fault", "proved", c.message, checks=(c.id,)) for c in changes.values()
        )
        grades.append(named(grade_with(changes, accuracy=accuracy, findings=told), f"student-{number}"))
    grades += [
        named(perfect(), "ångström-önne"),
        named(faulty(), f"mallory {HOSTILE['html']}"),
        named(rejected(), "smith-jo"),
        named(timed_out(), "lee-sam"),
    ]
    return sorted(grades, key=lambda grade: grade.submission.id)


def room(grades: list[Grade], **fields: object) -> Classroom:
    """The class's page of these grades."""
    entries: tuple[Entry, ...] = tuple(map(entry, grades))
    return replace(Classroom("Practical 5", entries), **fields)  # type: ignore[arg-type]
