"""A class as JUnit XML: a suite a submission, a test case a check, so that any CI shows questions as tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from xml.etree import ElementTree

from grader.report import facts
from grader.report.export.gradescope import check_text
from grader.report.text import clean, number
from grader.score import CheckResult, QuestionScore, Standing

_COUNTS = ("tests", "failures", "errors", "skipped")


def stream(standings: Callable[[], Iterable[Standing]]) -> Iterator[str]:
    """The XML text in pieces. A lost mark is a failure, what was not assessed is skipped, a rejected submission an
    error. `standings` gives them twice: the sums of a class stand before its submissions."""
    sums = dict.fromkeys(_COUNTS, 0)
    for standing in standings():
        suite = _suite(standing)
        sums = {key: count + int(suite.get(key, "0")) for key, count in sums.items()}
    counts = {key: str(count) for key, count in sums.items()}
    top = ElementTree.Element("testsuites", {"name": "grade", **counts})
    top.text = "\n"
    begin, end, _ = ElementTree.tostring(top, encoding="unicode", xml_declaration=True).partition("</testsuites>")
    yield begin
    for standing in standings():
        suite = _suite(standing)
        ElementTree.indent(suite, level=1)
        yield f"  {ElementTree.tostring(suite, encoding='unicode')}\n"
    yield f"{end}\n"


def _suite(standing: Standing) -> ElementTree.Element:
    grade = standing.grade
    name = clean(grade.submission.id, 120)
    suite = ElementTree.Element("testsuite", name=name)
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in (
        ("score", number(standing.total)),
        ("max_score", number(grade.max_score)),
        ("status", grade.status),
        ("rubric_sha256", clean(grade.assignment.rubric_sha256)),
    ):
        ElementTree.SubElement(properties, "property", name=key, value=value)
    cases = [_case(name, question, check) for question in grade.questions for check in question.checks]
    if not cases:
        case = ElementTree.Element("testcase", name="graded", classname=name, time="0")
        ElementTree.SubElement(case, "error", message=clean(facts.explanation(grade)) or grade.status)
        cases = [case]
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{grade.run.wall_s if grade.run else 0.0:.3f}")
    return suite


def _case(submission: str, question: QuestionScore, check: CheckResult) -> ElementTree.Element:
    title = clean(facts.question_name(question.id, question.title), 120)
    case = ElementTree.Element("testcase", name=clean(check.id), classname=f"{submission}.{title}", time="0")
    if check.where is not None:
        case.set("file", clean(check.where.file, 200))
    if check.outcome == "not_assessed":
        ElementTree.SubElement(case, "skipped", message=clean(check.message))
    elif check.points is not None and check.points < check.max_points:
        lost = number(check.max_points - check.points)
        message = f"-{lost} of {number(check.max_points)}: {clean(check.message or check.observed)}"
        failure = ElementTree.SubElement(case, "failure", message=message, type=check.finding or check.outcome)
        failure.text = check_text(check)
    return case
