"""Grade -> text: one module a format. Formatters return text and touch no files; the caller owns those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rich.console import RenderableType

from grader.report import html, json_, markdown, terminal
from grader.report.text import where_text
from grader.score import Grade

FORMATS: Mapping[str, Callable[[Grade], RenderableType]] = MappingProxyType(
    {
        "terminal": terminal.render,
        "json": json_.render,
        "markdown": markdown.render,
        "html": html.render,
    }
)
"""Every format by name. Only `terminal` gives something other than a str."""

__all__ = ["FORMATS", "Grade", "where_text"]
