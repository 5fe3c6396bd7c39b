"""One line a submission: what a class lists of its grades."""

from __future__ import annotations

from dataclasses import dataclass

from grader.score import Grade


@dataclass(frozen=True)
class QuestionPoints:
    id: str
    score: float
    max_score: float


@dataclass(frozen=True)
class ClassRow:
    """One line in the list of a class.

    `score` is None where there is none: a submission that could not be graded, or (status `missing`) that is not
    there. `name` is the student's, empty where only an id is known; `attempt` counts from 1, None where the platform
    does not count; `accuracy` is the measured one; `review` counts the reasons why a person should look.
    """

    id: str
    name: str
    path: str
    status: str
    score: float | None
    max_score: float
    questions: tuple[QuestionPoints, ...] = ()
    accuracy: float | None = None
    review: int = 0
    message: str = ""
    attempt: int | None = None
    late: bool = False


def class_row(grade: Grade, name: str = "", attempt: int | None = None, late: bool = False) -> ClassRow:
    """What a class lists of one grade."""
    return ClassRow(
        id=grade.submission.id,
        name=name,
        path=grade.submission.path,
        status=grade.status,
        score=grade.score if grade.questions else None,
        max_score=grade.max_score,
        questions=tuple(QuestionPoints(q.id, q.score, q.max_score) for q in grade.questions),
        accuracy=grade.accuracy.measured,
        review=len(grade.review),
        message=grade.message,
        attempt=attempt,
        late=late,
    )
