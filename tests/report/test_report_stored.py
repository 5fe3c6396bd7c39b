"""Stored grades: what `report.json` holds comes back as the grade that it was written from, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from grader.report import json_
from grader.report.stored import StoredGradeError, read
from grader.score import Grade


def test_round_trip(grade: Grade) -> None:
    """A report that is read and written again is the same text: nothing is lost but what it never held."""
    written = json_.render(grade)
    found = read(written)
    assert json_.render(found) == written
    assert found.cells == ()


def test_equal_to_the_grade(samples: dict[str, Grade]) -> None:
    """Without text that JSON cannot hold, the grade itself comes back."""
    grade = replace(samples["timed_out"], cells=(), filters=())
    assert read(json_.render(grade)) == grade


def test_more_keys_are_passed_over(samples: dict[str, Grade]) -> None:
    """A later version may write more: what is not known here is no error."""
    report = json.loads(json_.render(samples["perfect"]))
    report["extra"] = report["questions"][0]["checks"][0]["extra"] = {"a": 1}
    assert read(json.dumps(report)) == read(json_.render(samples["perfect"]))


def removed(*keys: str | int) -> Callable[[Any], None]:
    """An edit that takes the value at `keys` away."""

    def edit(report: Any) -> None:
        for key in keys[:-1]:
            report = report[key]
        del report[keys[-1]]

    return edit


def changed(value: Any, *keys: str | int) -> Callable[[Any], None]:
    """An edit that puts `value` at `keys`."""

    def edit(report: Any) -> None:
        for key in keys[:-1]:
            report = report[key]
        report[keys[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        (changed("grader.report/2", "schema"), "grader.report/1"),
        (removed("score"), "missing required field `score`"),
        (removed("questions"), "questions is not a list"),
        (removed("questions", 0, "checks", 0, "points"), "field `points` - at `report.questions\\[0\\].checks\\[0\\]`"),
        (changed("3", "score"), "report.score"),
        (changed(None, "score"), "report.score"),
        (changed(True, "max_score"), "report.max_score"),
        (changed("great", "status"), "report.status"),
        (changed([], "submission"), "report.submission"),
        (changed("x", "questions", 0), "questions is not an object"),
        (changed([0.1], "accuracy", "interval"), "report.accuracy.interval"),
        (changed({"file": 1, "cell": None, "line": None, "source": None}, "findings", 0, "where"), "where.file"),
    ],
)
def test_other_reports_are_refused(samples: dict[str, Grade], edit: Callable[[Any], None], place: str) -> None:
    """Another schema, a missing key or a value of another kind is refused, and the key is named."""
    report = json.loads(json_.render(samples["perfect"]))
    edit(report)
    with pytest.raises(StoredGradeError, match=place):
        read(json.dumps(report))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"x"', "[" * 100_000, b"\xff\xfe"])
def test_nonsense_is_refused(text: str | bytes) -> None:
    """What is no report at all is refused with the same error."""
    with pytest.raises(StoredGradeError):
        read(text)
