"""Gaps of the skeleton: what is one, which question it belongs to, and that it alone is charged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks.gaps import QUESTIONS, Gap, find_gaps, unanswered
from grader.checks.run import run_findings
from grader.checks.table import run_checks
from grader.evidence import parse_evidence
from grader.evidence.values import Evidence, Place, RunError
from tests.checks.cases import BROKEN, rubric

FILE = "a.ipynb"
NONE = "'NoneType' object is not callable"


def failed(line: int, text: str = NONE, cell: int = 2) -> Evidence:
    """A program that stopped at this line with a TypeError."""
    return replace(parse_evidence([]), errors=(RunError(cell, "TypeError", text, Place(FILE, cell, line)),))


def gaps(first: str, second: str, evidence: Evidence) -> list[tuple[int | None, int, str | None]]:
    """(cell, line, question) of the gaps in two cells."""
    found = find_gaps({(FILE, 1): first, (FILE, 2): second}, evidence)
    return [(gap.place.cell, gap.place.line, gap.question) for gap in found]


def test_an_ellipsis_is_a_gap_of_its_question() -> None:
    """In a forward pass it is the forward pass's, whatever the error says."""
    source = "class CNN:\n    def forward(self, x):\n        u_2 = ...\n        return u_2\n"
    assert gaps(source, "model(x)", failed(1, "linear(): argument must be Tensor, not ellipsis")) == [(1, 3, "2.2")]


def test_none_is_a_gap_where_the_program_stops_on_it() -> None:
    """A name that is None, used in the line that fails; other names that are None are nothing."""
    first = "best = None\noptimizer = torch.optim.SGD(model.parameters())\ncriterion = None\n"
    assert gaps(first, "for x in X:\n    loss = criterion(x)\n", failed(2)) == [(1, 3, "2.3")]
    assert gaps(first, "for x in X:\n    loss = criterion(x)\n", failed(2, "bad value")) == []


def test_an_empty_function_is_a_gap_where_its_result_is_missed() -> None:
    """The function of the line that fails, if there is nothing in it but a comment's text."""
    first = 'def evaluate(test_set):\n    """To do."""\n    pass\n\n\ndef other():\n    pass\n'
    stopped = failed(1, "cannot unpack non-iterable NoneType object")
    assert gaps(first, "a, b = evaluate(X)\n", stopped) == [(1, 1, "3.3")]
    assert gaps(first.replace("pass", "return None"), "a, b = evaluate(X)\n", stopped) == []


@pytest.mark.parametrize(
    ("questions", "open_"),
    [
        ([], frozenset()),
        (["2.3"], {"2.3"}),
        (["2.3", None], {"2.3"}),
        ([None], frozenset(QUESTIONS)),
        (["2.1", "2.2", "2.3", "3.1"], frozenset(QUESTIONS)),
    ],
)
def test_questions_without_an_answer(questions: list[str | None], open_: set[str]) -> None:
    """A few gaps explain their own questions; a notebook that was hardly begun explains all."""
    assert unanswered([Gap(Place(FILE, 1, n), question) for n, question in enumerate(questions, 1)]) == open_


def test_a_gap_is_charged_once_and_nothing_else_is() -> None:
    """The question of the gap loses, with the gap's place; what follows from it is not assessed."""
    case = replace(BROKEN, gaps=(Gap(Place(FILE, 1, 3), "2.3"),), sources={(FILE, 1): "a\nb\ncriterion = None"})
    results = [verdict.result for verdict in run_checks(case, rubric())]
    lost = {result.question for result in results if result.outcome in ("unmet", "partly")}
    assert "2.3" in lost
    assert lost <= {"2.3", "accuracy"}


def test_the_first_gap_of_a_cell_is_told() -> None:
    """One finding a cell, with its line."""
    sources: dict[tuple[str, int | None], str] = {(FILE, 1): "x = ...\ny = ...\n", (FILE, 2): "z = ...\n"}
    found = run_findings(failed(1), sources, FILE, None, "", False, (), find_gaps(sources, failed(1)))
    places = [(f.where.cell, f.where.line) for f in found if f.id == "run.placeholder" and f.where]
    assert places == [(1, 1), (2, 1)]
