"""`report.json` keeps its schema: every key, null for what is unknown, nothing a strict parser refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from grader.report.json_ import render
from grader.score import Accuracy, Grade


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT = {"type": "string"}
NUMBER = {"type": "number"}
COUNT = {"type": "integer", "minimum": 0}
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
FRACTION = _nullable({"type": "number", "minimum": 0, "maximum": 1})
WHERE = _nullable(_object(file=TEXT, cell=_nullable(COUNT), line=_nullable(COUNT), source=_nullable(TEXT)))
CONFIDENCE = {"enum": ["proved", "observed"]}
CHECK = _object(
    id=TEXT,
    outcome={"enum": ["met", "partly", "unmet", "not_assessed"]},
    points=_nullable(NUMBER),
    max_points=NUMBER,
    expected=TEXT,
    observed=TEXT,
    message=TEXT,
    hint=TEXT,
    finding=_nullable(TEXT),
    where=WHERE,
    confidence=CONFIDENCE,
)
EPOCH = _object(
    train_loss=_nullable(NUMBER), train_accuracy=FRACTION, test_loss=_nullable(NUMBER), test_accuracy=FRACTION
)
SCHEMA = _object(
    schema={"const": "grader.report/1"},
    assignment=_object(id=TEXT, title=TEXT, rubric_sha256=SHA256),
    submission=_object(id=TEXT, path=TEXT, kind={"enum": ["notebook", "module", "folder", "archive"]}, sha256=SHA256),
    status={"enum": ["graded", "rejected", "timed_out", "out_of_memory", "crashed", "invalid_evidence"]},
    message=TEXT,
    score=NUMBER,
    max_score=NUMBER,
    questions=_array(_object(id=TEXT, title=TEXT, score=NUMBER, max_score=NUMBER, checks=_array(CHECK))),
    findings=_array(
        _object(
            id=TEXT,
            question=TEXT,
            severity={"enum": ["fault", "warning", "note"]},
            confidence=CONFIDENCE,
            message=TEXT,
            where=WHERE,
        )
    ),
    accuracy=_object(
        measured=FRACTION,
        reported=FRACTION,
        reference=_nullable(_object(mean=NUMBER, std=NUMBER, runs=COUNT)),
        examples=_nullable(COUNT),
        interval=_nullable(_array(NUMBER)),
        confusion=_nullable(_array(_array(COUNT))),
    ),
    training=_object(
        epochs=_array(EPOCH),
        reference_epochs=_array(EPOCH),
        train_examples_seen=_nullable(COUNT),
        train_examples=_nullable(COUNT),
        test_examples_seen=_nullable(COUNT),
        test_examples=_nullable(COUNT),
    ),
    dataset=_nullable(_object(name=TEXT, train=COUNT, test=COUNT, sha256=SHA256)),
    run=_nullable(
        _object(
            isolation={"enum": ["full", "partial", "none"]},
            wall_s=NUMBER,
            cpu_s=NUMBER,
            peak_memory_mb=NUMBER,
            seed={"type": "integer"},
            cached={"type": "boolean"},
        )
    ),
    review=_array(TEXT),
    stages=_array(
        _object(
            name=TEXT,
            operation=TEXT,
            expected=_array(COUNT),
            seen=_nullable(_array(COUNT)),
            seen_operation=_nullable(TEXT),
        )
    ),
    filters=_array(_array(_array(NUMBER))),
)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def _parse(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def test_every_grade_keeps_the_schema(grade: Grade) -> None:
    """Every key of `grader.report/1` is there with its type, whatever became of the submission."""
    jsonschema.validate(_parse(render(grade)), SCHEMA)


def test_scores_are_exact(grade: Grade) -> None:
    """No score is rounded on its way into the report."""
    report = _parse(render(grade))
    assert (report["score"], report["max_score"]) == (grade.score, grade.max_score)
    assert [question["score"] for question in report["questions"]] == [q.score for q in grade.questions]


def test_what_is_not_a_number_is_null(samples: dict[str, Grade]) -> None:
    """NaN and infinities, which JSON does not have, become null."""
    grade = replace(samples["perfect"], accuracy=Accuracy(measured=float("nan"), interval=(0.5, float("inf"))))
    report = _parse(render(replace(grade, filters=(((float("-inf"), 0.1234567),),))))
    assert report["accuracy"]["measured"] is None
    assert report["accuracy"]["interval"] == [0.5, None]
    assert report["filters"] == [[[None, 0.12346]]]


def test_the_text_is_ascii_and_any_string_survives(samples: dict[str, Grade], hostile: dict[str, str]) -> None:
    """Student text is kept for programs, yet printing the file shows no control or bidi character."""
    text = render(samples["faulty"])
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert hostile["html"] in _parse(text)["submission"]["id"]
    assert hostile["bidi"] in _parse(text)["submission"]["id"]


def test_lone_surrogates_are_replaced(samples: dict[str, Grade]) -> None:
    """A lone surrogate, which no strict parser takes, becomes the replacement character."""
    assert _parse(render(replace(samples["rejected"], message="a\ud800b")))["message"] == "a\ufffdb"


def test_a_check_is_nested_in_its_question(samples: dict[str, Grade]) -> None:
    """A check does not repeat its question, and a reason for not assessing has no points."""
    checks = [check for question in _parse(render(samples["timed_out"]))["questions"] for check in question["checks"]]
    assert all("question" not in check for check in checks)
    assert {check["points"] for check in checks if check["outcome"] == "not_assessed"} == {None}
