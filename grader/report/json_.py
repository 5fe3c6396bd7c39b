"""A grade as `report.json`, schema `grader.report/1`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from grader.score import CheckResult, Grade, QuestionScore

SCHEMA = "grader.report/1"

_FILTER_DECIMALS = 5
_NOT_PRINTED = re.compile(r"[^\x00-\x7e]+")  # what else is not, the encoder escapes


def render(grade: Grade) -> str:
    """Return the report as one JSON object, ASCII only, null for what is unknown or not a finite number."""
    report = _report(grade)
    try:
        text = msgspec.json.encode(report).decode()
    except UnicodeEncodeError:  # a student's string may hold half a character
        text = msgspec.json.encode(_whole(report)).decode()
    printable = _NOT_PRINTED.sub(lambda found: json.dumps(found[0])[1:-1], text)
    return f"{msgspec.json.format(printable, indent=2)}\n"


def _report(grade: Grade) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "assignment": msgspec.to_builtins(grade.assignment),
        "submission": msgspec.to_builtins(grade.submission),
        "status": grade.status,
        "message": grade.message,
        "score": grade.score,
        "max_score": grade.max_score,
        "questions": [_question(question) for question in grade.questions],
        "findings": [msgspec.to_builtins(finding) for finding in grade.findings],
        "accuracy": msgspec.to_builtins(grade.accuracy),
        "training": msgspec.to_builtins(grade.training),
        "dataset": None if grade.dataset is None else msgspec.to_builtins(grade.dataset),
        "run": None if grade.run is None else msgspec.to_builtins(grade.run),
        "review": grade.review,
        "stages": [msgspec.to_builtins(stage) for stage in grade.stages],
        "withheld_points": grade.withheld_points,
        "weights": None if grade.weights is None else msgspec.to_builtins(grade.weights),
        "filters": [[_rounded(row) for row in kernel] for kernel in grade.filters],
    }


def _rounded(weights: Sequence[float]) -> list[float]:
    return [round(weight, _FILTER_DECIMALS) for weight in weights]


def _question(question: QuestionScore) -> dict[str, Any]:
    return {
        "id": question.id,
        "title": question.title,
        "score": question.score,
        "max_score": question.max_score,
        "checks": [_check(check) for check in question.checks],
    }


def _check(check: CheckResult) -> dict[str, Any]:
    """A check without its question, which it is nested in."""
    return {key: value for key, value in msgspec.to_builtins(check).items() if key != "question"}


def _whole(value: Any) -> Any:
    """The value, its text without lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(item) for item in value]
    return value
