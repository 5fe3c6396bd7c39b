"""What every kind of finding has: its id, its question, how grave it is, what to do, and its explanation."""

from __future__ import annotations

import inspect
from typing import ClassVar

from grader.checks.result import Severity

MEASURED = (
    "(Accuracies that we measured are those of MNIST's 10,000 test images split into 8,000 for training and 2,000 for "
    "testing, after 10 epochs. Yours are compared with a reference on the same data as yours.)"
)
"""Stands below every explanation that quotes a measured accuracy: students' own runs have other data."""


class FindingKind:
    """One kind of mistake that the checks can notice; each subclass is one, and its docstring is published.

    The first line of the docstring becomes `title`, without its full stop; the Markdown below it becomes `explanation`,
    with the paragraphs "What it is.", "Why it matters.", "How to see it." and "What to read.".

    `id` is stable: reports, links and expected results carry it. `question` is the question of the rubric that it
    costs, or "run" for what concerns the run as a whole. `severity` is "fault" where marks can be lost by it. `hint` is
    one sentence in plain text: what to do about it. `rows` are ids of rows in the developers' catalogue of mistakes.
    """

    id: ClassVar[str]
    question: ClassVar[str]
    severity: ClassVar[Severity]
    hint: ClassVar[str]
    rows: ClassVar[tuple[str, ...]]
    title: ClassVar[str]
    explanation: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Derive the texts once, when the class is defined; they are empty where Python drops docstrings (-OO)."""
        super().__init_subclass__()
        title, _, explanation = inspect.cleandoc(cls.__doc__ or "").partition("\n")
        cls.title = title.removesuffix(".")
        cls.explanation = explanation.strip()
        if "we measured" in " ".join(explanation.lower().split()):
            cls.explanation += f"\n\n{MEASURED}"
