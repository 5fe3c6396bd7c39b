"""`grade explain`: what a finding means."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from grader.pipeline import all_kinds, find_kind


@click.command("explain")
@click.argument("finding", required=False)
def explain_command(finding: str | None) -> int:
    """What a finding means, why it matters and what to read; without an id, the list of all."""
    console = Console()
    if finding is None:
        table = Table("finding", "question", "severity", "in short", box=None)
        for kind in all_kinds():
            table.add_row(kind.id, kind.question, kind.severity, kind.title)
        console.print(table)
        return 0
    kind = find_kind(finding)
    # Title and hint are plain text, in which `__init__` is no emphasis.
    console.print(Markdown(f"# {kind.id}"), Text(f"\n{kind.title}\n", "bold"), Markdown(kind.explanation))
    console.print(Text(f"\n{kind.hint}", "italic"))
    return 0
