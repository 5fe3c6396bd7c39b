"""The corpus is whole: every edit fits its base once, every case is a program of its kind, every id exists."""

from __future__ import annotations

import nbformat
import pytest

from grader.pipeline import all_kinds
from tests.corpus.cases import Case, load_corpus

CORPUS = load_corpus()
QUESTIONS = {"1", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3", "4"}


def test_corpus_is_as_large_as_it_is_said_to_be() -> None:
    """At least 60 correct programs, 200 faulty ones, and 30 with two or three faults."""
    faults = [case.faults for case in CORPUS.values()]
    assert faults.count(0) >= 60
    assert sum(count > 0 for count in faults) >= 200
    assert sum(count > 1 for count in faults) >= 30


@pytest.mark.parametrize("case", CORPUS.values(), ids=lambda case: case.name)
def test_case_is_well_formed(case: Case) -> None:
    """Its expectation names questions and findings that exist; a notebook is valid; a folder has its main file."""
    assert set(case.questions) <= QUESTIONS
    known = {kind.id for kind in all_kinds()}
    assert {name for wanted in case.findings for name in wanted.split("|")} <= known
    if case.correct:
        assert not case.questions
    if case.kind == "notebook":
        nbformat.validate(case.notebook())
        assert any(kind == "code" for kind, _ in case.cells())
    if case.kind == "folder":
        assert {"main.py", "submission.py"} & set(case.files())
