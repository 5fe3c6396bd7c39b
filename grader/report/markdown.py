"""A grade as Markdown, for comments on commits and course forums."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.report import facts
from grader.report.text import clean, number, source_line, where_text
from grader.score import Finding, Grade, Where

_SPECIAL = re.compile(r"[\\`*_\[\]|~$]|^[#+=-]")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")
_LINKING = re.compile(r"(?<=:)(?=//)|(?<=@)|(?<=www)(?=\.)", re.IGNORECASE)
_WORD_JOINER = "\u2060"


def render(grade: Grade) -> str:
    """Return the report as CommonMark with tables; nothing in it that comes from the student is markup."""
    blocks = [
        f"## {escape(grade.submission.id)}: {facts.score_text(grade)}",
        escape(_facts(grade)),
        escape(facts.explanation(grade)),
        _questions(grade),
        _section("Lost marks", _lost_marks(grade)),
        _section("For a person to look at", (f"- {escape(reason)}" for reason in facts.review_reasons(grade))),
        _section("Other findings", (_finding(finding) for finding in facts.other_findings(grade))),
        _measures(grade),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: str) -> str:
    """Return `text` as Markdown that shows it literally: no markup, HTML, links, mentions or control characters."""
    text = clean(text).strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\g<0>", text))
    # Renderers turn bare addresses into links after they have undone the escapes, so those get an invisible joint.
    return _LINKING.sub(_WORD_JOINER, text)


def code(text: str) -> str:
    """Return `text` as a code span, whatever backticks it holds."""
    text = source_line(text).strip()
    if not text:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}"


def _facts(grade: Grade) -> str:
    parts = (
        grade.assignment.title,
        facts.STATUS_TITLES[grade.status],
        facts.dataset_text(grade),
        facts.run_text(grade),
        facts.open_text(grade),
    )
    return " · ".join(part for part in parts if part)


def _questions(grade: Grade) -> str:
    if not facts.is_scored(grade):
        return ""
    rows = ["| question | | score | of |", "| --- | --- | ---: | ---: |"]
    rows += [
        f"| {escape(question.id)} | {escape(question.title)} | {number(question.score)} "
        f"| {number(question.max_score)} |"
        for question in grade.questions
    ]
    rows.append(
        f"| **total** | {facts.score_percent(grade)} | **{number(grade.score)}** | **{number(grade.max_score)}** |"
    )
    return "\n".join(rows)


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f"### {title}\n\n{body}" if body else ""


def _lost_marks(grade: Grade) -> Iterable[str]:
    for mark in facts.lost_marks(grade):
        check = mark.check
        summary = f" {escape(check.message)}" if check.message and check.message != check.observed else ""
        yield f"- **{escape(check.id)}** (question {escape(mark.question)}, −{number(mark.points)}){summary}"
        yield f"  - expected: {escape(check.expected)}"
        yield f"  - seen: {escape(check.observed)}"
        if check.where is not None:
            yield f"  - where: {_place(check.where)}"
        if check.hint:
            yield f"  - hint: {escape(check.hint)}"
        yield f"  - {escape(facts.basis_text(check))}"


def _place(where: Where) -> str:
    source = code(where.source or "")
    return f"{escape(where_text(where))}: {source}" if source else escape(where_text(where))


def _finding(finding: Finding) -> str:
    place = "" if finding.where is None else f" ({_place(finding.where)})"
    return f"- {finding.severity}, **{escape(finding.id)}**: {escape(finding.message)}{place}"


def _measures(grade: Grade) -> str:
    sentences = (facts.coverage_text(grade.training), facts.accuracy_text(grade.accuracy))
    return "  \n".join(escape(sentence) for sentence in sentences if sentence)
