"""A grade on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.report import facts
from grader.report.text import clean, number, source_line, where_text
from grader.score import Finding, Grade, Where

_BAR_WIDTH = 14
_ID_LIMIT = 60
_SOURCE_LIMIT = 160
_SEVERITY_STYLES = {"fault": "red", "warning": "yellow", "note": "dim"}


def render(grade: Grade) -> RenderableType:
    """Return the report for a rich console of any width; student text is never read as markup or as an escape."""
    return Group(*_blocks(grade))


def _blocks(grade: Grade) -> Iterator[RenderableType]:
    yield from _header(grade)
    if facts.is_scored(grade):
        yield _questions(grade)
    yield from _lost_marks(grade)
    yield from _measures(grade)
    yield from _list("Notes", [_finding(finding) for finding in facts.other_findings(grade)])
    yield from _list(
        "For a person to look at", [("!", "yellow", Text(clean(reason))) for reason in facts.review_reasons(grade)]
    )


def _header(grade: Grade) -> Iterator[RenderableType]:
    title = Text.assemble(
        (clean(grade.submission.id, _ID_LIMIT), "bold"), "  ", (facts.score_text(grade), f"bold {_hue(grade)}")
    )
    if facts.is_scored(grade):
        title.append(f"  {facts.score_percent(grade)}")
    if unassessed := facts.open_text(grade):
        title.append(f"  {unassessed}", style="yellow")
    yield title
    status = (facts.STATUS_TITLES[grade.status].lower(), "dim" if grade.status == "graded" else "bold yellow")
    yield Text.assemble(status, (f" · {clean(facts.dataset_text(grade))} · {facts.run_text(grade)}", "dim"))
    if explanation := facts.explanation(grade):
        yield Text(clean(explanation), style="yellow")


def _hue(grade: Grade) -> str:
    return _share_style(grade.score, grade.max_score) if facts.is_scored(grade) else "red"


def _share_style(score: float, of: float) -> str:
    """Red only where less than half is there, so that a good grade looks calm."""
    if score >= of:
        return "green"
    return "yellow" if score >= of / 2 else "red"


def _questions(grade: Grade) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=60)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    if facts.open_text(grade):
        table.add_column(style="yellow")
    for question in grade.questions:
        style = _share_style(question.score, question.max_score)
        cells = [
            Text(clean(question.id), style="bold"),
            Text(clean(question.title)),
            _bar(question.score, question.max_score, style),
            Text(f"{number(question.score)} / {number(question.max_score)}", style=style),
        ]
        if points := facts.open_points([question]):
            cells.append(Text(f"{number(points)} not assessed"))
        table.add_row(*cells)
    return Padding(table, (1, 0, 0, 2))


def _bar(score: float, of: float, style: str) -> Text:
    share = min(max(score / of, 0.0), 1.0) if of else 1.0
    filled = int(share * _BAR_WIDTH)
    return Text.assemble(("━" * filled, style), ("─" * (_BAR_WIDTH - filled), "bright_black"))


def _heading(text: str) -> RenderableType:
    return Padding(Text(text, style="bold"), (1, 0, 0, 0))


def _lost_marks(grade: Grade) -> Iterator[RenderableType]:
    marks = facts.lost_marks(grade)
    if marks:
        yield _heading("Lost marks")
    for index, mark in enumerate(marks):
        check = mark.check
        style = "yellow" if check.outcome == "partly" else "red"
        icon = facts.OUTCOME_ICONS[check.outcome]
        title = Text.assemble(
            (f"{icon} −{number(mark.points)}", style),
            "  ",
            (clean(check.id), "bold"),
            (f"  {clean(facts.question_name(mark.question, mark.title))}", "dim"),
        )
        yield Padding(title, (1 if index else 0, 0, 0, 2))
        if check.message and check.message != check.observed:
            yield Padding(Text(clean(check.message)), (0, 0, 0, 4))
        rows = [("expected", Text(clean(check.expected))), ("seen", Text(clean(check.observed)))]
        if check.where is not None:
            rows.append(("where", _place(check.where)))
        rows.append(("hint", Text(clean(check.hint))))
        rows.append(("basis", Text(clean(facts.basis_text(check)), style="dim")))
        yield Padding(_labelled([row for row in rows if row[1]]), (0, 0, 0, 4))


def _labelled(rows: list[tuple[str, Text]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold", max_width=100)
    for label, text in rows:
        table.add_row(label, text)
    return table


def _place(where: Where) -> Text:
    """The place, with the file in front where the cell alone does not name it, and the line of code below."""
    file = "" if where.cell is None else f"{clean(where.file, 80)}, "
    text = Text(f"{file}{where_text(where)}")
    if where.source and (source := source_line(where.source.strip(), _SOURCE_LIMIT)):
        text.append("\n")
        text.append(source, style="cyan")
    return text


def _finding(finding: Finding) -> tuple[str, str, Text]:
    text = Text.assemble((clean(finding.id), "bold"), "  ", clean(finding.message))
    if finding.where is not None:
        text.append(f" ({where_text(finding.where)})", style="dim")
    return finding.severity, _SEVERITY_STYLES[finding.severity], text


def _measures(grade: Grade) -> Iterator[RenderableType]:
    sentences = [
        sentence for sentence in (facts.coverage_text(grade.training), facts.accuracy_text(grade.accuracy)) if sentence
    ]
    if sentences:
        yield _heading("Training")
        yield Padding(Text("\n".join(sentences)), (0, 0, 0, 2))


def _list(title: str, items: list[tuple[str, str, Text]]) -> Iterator[RenderableType]:
    if not items:
        return
    yield _heading(title)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=100)
    for label, style, text in items:
        table.add_row(Text(label, style=style), text)
    yield Padding(table, (0, 0, 0, 2))
