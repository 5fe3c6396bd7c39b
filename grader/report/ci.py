"""What GitHub Actions and GitLab show of grades: summary, annotations, outputs, code-quality JSON.

Facts: GitHub drops a job summary above 1 MiB and shows about ten annotations a step; in a workflow command `%`, CR and
LF are escaped, in its properties `:` and `,` too. GitLab's code quality wants description, check_name, fingerprint,
severity, location.path and location.lines.begin, and keeps one of several entries with the same fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from grader.report import facts, markdown
from grader.report.text import clean, number
from grader.score import CheckResult, Grade

SUMMARY_LIMIT = 1024 * 1024
ANNOTATION_LIMIT = 10
_CUT = "\n\n*The summary was cut: the reports have the rest.*\n"


@dataclass(frozen=True)
class Problem:
    """What a question lost, and where: `path` relative to the repository, `line` in that file."""

    submission: str
    question: str
    title: str
    points: float
    check: CheckResult
    path: str
    line: int

    @property
    def text(self) -> str:
        """What was expected and seen, and what to do, in one line."""
        check = self.check
        hint = f" {clean(check.hint)}" if check.hint else ""
        return f"{clean(check.message or check.observed)} Expected: {clean(check.expected)}.{hint}"


def summary(grades: Collection[Grade]) -> str:
    """The job summary in Markdown, below GitHub's limit."""
    if len(grades) == 1:
        return _within_limit(markdown.render(next(iter(grades))))
    rows = ["| submission | score | of | status |", "| --- | ---: | ---: | --- |"]
    rows += [
        f"| {markdown.escape(clean(grade.submission.id, 80))} | "
        f"{number(grade.score) if facts.is_scored(grade) else '–'} | {number(grade.max_score)} | {grade.status} |"
        for grade in grades
    ]
    return _within_limit("\n".join([f"## {len(grades)} submissions", "", *rows]) + "\n")


def _within_limit(text: str) -> str:
    content = text.encode()
    if len(content) < SUMMARY_LIMIT:
        return text
    return content[: SUMMARY_LIMIT - len(_CUT.encode()) - 1].decode("utf-8", "ignore").rpartition("\n")[0] + _CUT


def outputs(grades: Iterable[Grade], report: str) -> str:
    """Lines for GITHUB_OUTPUT: score, max_score and the path of the report; of a class, the mean score."""
    points, scored, maximum = 0.0, 0, 0.0
    for grade in grades:
        maximum = max(maximum, grade.max_score)
        if facts.is_scored(grade):
            points, scored = points + grade.score, scored + 1
    score = points / scored if scored else 0.0
    values: Mapping[str, str] = {
        "score": f"{score:.10g}",
        "max_score": f"{maximum:.10g}",
        "report": clean(report, None),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def annotation_lines(problems: Iterable[Problem]) -> Iterator[str]:
    """One workflow command for each question that lost marks, at its costliest check; no more than GitHub shows.

    The problems of one submission come together.
    """
    costliest: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        key = (problem.submission, problem.question)
        if len(costliest) >= ANNOTATION_LIMIT and problem.submission not in {submission for submission, _ in costliest}:
            break
        if key not in costliest or problem.points > costliest[key].points:
            costliest[key] = problem
    for problem in list(costliest.values())[:ANNOTATION_LIMIT]:
        title = f"{facts.question_name(problem.question, problem.title)}: -{number(problem.points)}"
        yield (
            f"::error file={_property(problem.path)},line={problem.line},title={_property(clean(title))}"
            f"::{_data(f'{problem.check.id}: {problem.text}')}"
        )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def code_quality(problems: Iterable[Problem]) -> Iterator[str]:
    """GitLab's code-quality report, in pieces: one entry for each check that lost marks."""
    between = "["
    for problem in problems:
        yield f"{between}\n{json.dumps(_entry(problem), indent=2, ensure_ascii=True)}"
        between = ","
    yield "[]\n" if between == "[" else "\n]\n"


def _entry(problem: Problem) -> dict[str, object]:
    share = problem.points / problem.check.max_points if problem.check.max_points else 1.0
    identity = "\0".join((problem.submission, problem.path, problem.check.id))
    return {
        "description": f"{facts.question_name(problem.question, problem.title)}: -{number(problem.points)}. "
        f"{problem.text}",
        "check_name": problem.check.finding or problem.check.id,
        "fingerprint": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest(),
        "severity": "major" if share > 0.5 else "minor",
        "location": {"path": problem.path, "lines": {"begin": problem.line}},
    }
