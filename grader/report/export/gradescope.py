"""One grade as Gradescope's `results.json`.

Facts from Gradescope's documentation: `score` on the top level overrides the sum of the tests; a test without a score
is informational; line ends are `\\n`; any hidden test hides the total from the student, which would give it away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from grader.report import facts
from grader.report.export.moodle import feedback
from grader.report.text import clean, number, source_line, where_text
from grader.score import CheckResult, Finding, QuestionMark, Standing, Where
from grader.score.release import release

_TEXT_LIMIT = 2000
_VISIBILITY = {"after_deadline": "after_due_date", "hidden": "hidden"}


def render(standing: Standing, visibilities: Mapping[str, str] = MappingProxyType({})) -> str:
    """The JSON text: one test a check, and one a question that a person marked, whose checks are informational.

    `visibilities` has the checks that students see `after_deadline` or never (`hidden`), by id: so are their tests, and
    nothing outside of them tells how they went.
    """
    grade = standing.grade
    results: dict[str, Any] = {
        "score": standing.total,
        "output": _summary(replace(standing, grade=release(grade, visibilities))),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": _tests(standing, visibilities),
        "extra_data": {
            "status": grade.status,
            "rubric_sha256": grade.assignment.rubric_sha256,
            "submission_sha256": grade.submission.sha256,
            "review": [clean(reason) for reason in facts.review_reasons(grade)],
        },
    }
    if grade.run is not None:
        results["execution_time"] = round(grade.run.wall_s, 3)
    return json.dumps(results, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _summary(standing: Standing) -> str:
    grade = standing.grade
    lines = [
        f"{'' if standing.scored else 'The submission could not be graded: '}{clean(facts.explanation(grade))}",
        _decisions(standing),
        f"Late: -{number(standing.late_points)}, {clean(standing.late_reason)}" if standing.late_points else "",
        f"{open_}: a person should look at them" if (open_ := clean(facts.open_text(grade))) else "",
        *map(_finding_text, facts.other_findings(grade)),
        clean(facts.coverage_text(grade.training)),
        clean(facts.accuracy_text(grade.accuracy)),
        *(f"Comment: {clean(comment, _TEXT_LIMIT)}" for comment in standing.comments),
    ]
    return "\n".join(line for line in lines if line)


def _decisions(standing: Standing) -> str:
    if not any(mark.manual for mark in standing.marks):
        return ""
    return f"Marked by a person: {clean(feedback(standing), _TEXT_LIMIT)}"


def _tests(standing: Standing, visibilities: Mapping[str, str]) -> list[dict[str, Any]]:
    tests = []
    marks = {mark.question: mark for mark in standing.marks if mark.manual}
    for question in standing.grade.questions:
        mark = marks.pop(question.id, None)
        if mark is not None:
            tests.append(_by_hand(mark))
        tests += [
            _test(f"{question.id}.{index}", question.title, check, scored=mark is None)
            | {"visibility": _VISIBILITY.get(visibilities.get(check.id, ""), "visible")}
            for index, check in enumerate(question.checks, 1)
        ]
    return [*tests, *map(_by_hand, marks.values())]


def _by_hand(mark: QuestionMark) -> dict[str, Any]:
    return {
        "number": mark.question,
        "name": clean(facts.question_name(mark.question, mark.title), 120),
        "score": mark.points,
        "max_score": mark.max_points,
        "output": f"Marked by {clean(mark.by, 80)}: {clean(mark.because, _TEXT_LIMIT)}",
        "visibility": "visible",
    }


def _test(place: str, title: str, check: CheckResult, scored: bool) -> dict[str, Any]:
    test: dict[str, Any] = {
        "number": place,
        "name": clean(f"{title}: {check.id}", 160),
        "output": check_text(check),
        "tags": [check.finding] if check.finding else [],
    }
    if scored and check.points is not None:
        test |= {
            "score": check.points,
            "max_score": check.max_points,
            "status": "passed" if check.outcome == "met" else "failed",
        }
    return test


def _finding_text(finding: Finding) -> str:
    """What no test tells, such as the error that ended the run."""
    return f"{finding.severity}: {clean(finding.message)}" + (f" ({_place(finding.where)})" if finding.where else "")


def _place(where: Where) -> str:
    return f"{where_text(where)}: {source_line((where.source or '').strip())}"


def check_text(check: CheckResult) -> str:
    """What a check says, as plain lines: outcome, expected, seen, where, hint."""
    lines = [
        f"{facts.OUTCOME_TITLES[check.outcome]}: {clean(check.message)}".rstrip(": "),
        f"expected: {clean(check.expected)}",
        f"seen: {clean(check.observed)}" if check.observed else "",
        f"where: {_place(check.where)}" if check.where else "",
        f"hint: {clean(check.hint)}" if check.hint and check.outcome in ("partly", "unmet") else "",
    ]
    return "\n".join(line for line in lines if line)
