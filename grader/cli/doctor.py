"""`grade doctor`: the grader attacks its own sandbox, and says what holds here and how to get more."""

from __future__ import annotations

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.pipeline import APPARMOR_PROFILE, LEVELS, available_isolation, examine, examine_forks, who_holds_memory


@click.command("doctor")
def doctor_command() -> int:
    """Attack the sandbox, and say which isolation this machine gives and how to get a better one."""
    isolation = available_isolation(allow_none=True)
    click.echo(f"isolation: {isolation.level}\n")
    examined = {level: examine(level) for level in LEVELS}
    names = list(dict.fromkeys(probe.name for each in examined.values() for probe in each.probes))
    table = Table("attack on", *LEVELS, "what was seen", box=box.SIMPLE_HEAD)
    for name in names:
        found = {level: probe for level in LEVELS for probe in examined[level].probes if probe.name == name}
        marks = [_mark(found[level].holds) if level in found else Text("not run") for level in LEVELS]
        table.add_row(name, *marks, Text("; ".join(dict.fromkeys(probe.detail for probe in found.values()))))
    if names:
        Console().print(table)
    click.echo(f"memory: {who_holds_memory()}")
    for level in LEVELS:
        failure = examined[level].failure
        click.echo(f"{level}: " + ("works here" if failure is None else f"not possible. {failure}"))
        for note in examined[level].notes:
            click.echo(f"  {note}")
    if isolation.level == "full":
        failure = examine_forks()
        forks = "start as forks of one process, which stands the same attack"
        alone = f"start by themselves, which takes longer, since forks cannot be used: {failure}"
        click.echo(f"a class's programs {forks if failure is None else alone}")
    if "AppArmor" in (examined["full"].failure or ""):
        click.echo(f"\nTo get to full, write this to /etc/apparmor.d/bwrap:\n\n{APPARMOR_PROFILE}")
        click.echo("and load it: sudo apparmor_parser --replace /etc/apparmor.d/bwrap")
    return 0


def _mark(holds: bool) -> Text:
    return Text("holds", style="green") if holds else Text("GETS THROUGH", style="bold red")
