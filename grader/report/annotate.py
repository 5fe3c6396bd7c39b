"""A notebook with the grade in it: each finding as a Markdown cell below the cell that it concerns."""

from __future__ import annotations

import json
from typing import Any

from grader.report import facts
from grader.report.markdown import code, escape
from grader.report.text import number
from grader.score import Finding, Grade, Where


def annotate(grade: Grade, notebook: str) -> str:
    """`notebook` (nbformat 4 JSON) with the score on top and a cell below each code cell that lost marks.

    Cells are counted as reports count them: from 1, over the code cells that are not empty. Nothing that comes from
    the student is markup in what is added.
    """
    document = json.loads(notebook)
    notes, others = _notes(grade)
    cells: list[dict[str, Any]] = [_cell("summary", _top(grade, others))]
    number_of_cell = 0
    for cell in document["cells"]:
        cells.append(cell)
        if cell["cell_type"] == "code" and "".join(cell["source"]).strip():
            number_of_cell += 1
            if number_of_cell in notes:
                cells.append(_cell(f"cell-{number_of_cell}", notes.pop(number_of_cell)))
    # A cell that is not in this notebook: nothing may go missing.
    cells[0]["source"] += "".join(f"\n\n{text}" for text in notes.values())
    document["cells"] = cells
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cell(name: str, text: str) -> dict[str, Any]:
    metadata = {"tags": ["grade"], "editable": False, "deletable": True}
    return {"cell_type": "markdown", "id": f"grade-{name}", "metadata": metadata, "source": text}


def _top(grade: Grade, others: list[str]) -> str:
    lines = [f"# {escape(grade.submission.id)}: {facts.score_text(grade)}"]
    if explanation := facts.explanation(grade):
        lines.append(escape(explanation))
    if facts.is_scored(grade):
        lines.append(
            "\n".join(
                [
                    "| question | score | of |",
                    "| --- | ---: | ---: |",
                    *(
                        f"| {escape(facts.question_name(q.id, q.title))} | {number(q.score)} | {number(q.max_score)} |"
                        for q in grade.questions
                    ),
                ]
            )
        )
    return "\n\n".join([*lines, *others])


def _notes(grade: Grade) -> tuple[dict[int, str], list[str]]:
    """What is said below each cell by its number, and what concerns no cell."""
    said: dict[int | None, list[str]] = {}
    for mark in facts.lost_marks(grade):
        said.setdefault(_cell_of(mark.check.where), []).append(_lost(mark))
    for finding in facts.other_findings(grade):
        said.setdefault(_cell_of(finding.where), []).append(_finding(finding))
    others = said.pop(None, [])
    return {cell: "\n\n".join(texts) for cell, texts in said.items() if cell is not None}, others


def _cell_of(where: Where | None) -> int | None:
    return None if where is None else where.cell


def _lost(mark: facts.LostMark) -> str:
    check = mark.check
    lines = [
        f"**−{number(mark.points)} · {escape(facts.question_name(mark.question, mark.title))}** ({escape(check.id)})",
        escape(check.message) if check.message and check.message != check.observed else "",
        f"- expected: {escape(check.expected)}\n- seen: {escape(check.observed)}",
        _line(check.where),
        f"*{escape(check.hint)}*" if check.hint else "",
    ]
    return "\n\n".join(line for line in lines if line)


def _finding(finding: Finding) -> str:
    text = f"**{finding.severity} · {escape(finding.id)}**: {escape(finding.message)}"
    return "\n\n".join(part for part in (text, _line(finding.where)) if part)


def _line(where: Where | None) -> str:
    if where is None or where.line is None:
        return ""
    file = "" if where.cell is not None else f"{escape(where.file)}, "
    return f"{file}line {where.line}: {code(where.source or '')}".rstrip(": ")
