"""The README cannot drift from the program: commands, options, exit codes, keys and files are looked up in both."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from grader import errors
from grader.assignment.rubric import PARAMETERS
from grader.checks.table import CHECKS
from grader.cli import run
from grader.cli.main import COMMANDS, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, cli

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
CALLED = {name: command for name in COMMANDS if (command := cli.get_command(click.Context(cli), name)) is not None}
OPTIONS = [
    pytest.param(name, option, id=f"{name} {option.opts[0]}")
    for name, command in CALLED.items()
    for option in command.params
    if isinstance(option, click.Option)
]


def section(title: str) -> str:
    """The text under the heading `title`, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the README has no section {title!r}"
    return found[1]


def rows(text: str) -> Iterator[tuple[str, str]]:
    """First and second cell of each row of the tables in `text`."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) >= 4 and not set(cells[1]) <= set("-"):
            yield cells[1], cells[2]


def deliberate_exit_codes() -> set[int]:
    """Every code that the command line can end with on purpose."""
    kinds = [errors.GraderError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    own = {run.EXIT_BELOW, run.EXIT_NOT_GRADABLE, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED}
    return {0} | own | {kind.exit_code for kind in kinds}


@pytest.mark.parametrize("name", sorted(CALLED))
def test_every_command_is_described_as_in_its_help(name: str) -> None:
    """The README's table has each command, with the sentence that `--help` shows."""
    table = rows(section("Commands"))
    described = {command.strip("`").split()[1]: text for command, text in table if command.startswith("`grade ")}
    assert described.get(name) == " ".join((CALLED[name].help or "").split())


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_option_is_described_as_in_its_help(name: str, option: click.Option) -> None:
    """Each option of each command stands in that command's section, with the sentence that `--help` shows."""
    described = {cell.strip("`").split()[0]: text for cell, text in rows(section(f"`grade {name}`"))}
    assert option.opts[0] in described
    assert described[option.opts[0]].startswith(option.help or "-")


def test_no_option_is_described_that_does_not_exist() -> None:
    """What the README shows as an option of a command is one."""
    known = {(name, option.opts[0]) for name, option in (case.values for case in OPTIONS)}
    shown = {
        (name, cell.strip("`").split()[0])
        for name in CALLED
        if f"### `grade {name}`" in README
        for cell, _ in rows(section(f"`grade {name}`"))
        if cell.startswith("`--")
    }
    assert shown == known


def test_exit_codes_are_complete() -> None:
    """The table of exit codes has those that the program can end with, and no others."""
    assert {int(code) for code, _ in rows(section("Exit codes")) if code.isdigit()} == deliberate_exit_codes()


def test_rubric_keys_are_complete() -> None:
    """Every parameter and limit that a rubric can set is explained."""
    limits = tomllib.loads((REPOSITORY / "reference" / "rubric.toml").read_text(encoding="utf-8"))["limits"]
    explained = {name for cell, _ in rows(section("Another practical")) for name in re.findall(r"`(\w+)`", cell)}
    assert set(PARAMETERS) | set(limits) <= explained


def test_rubric_example_uses_checks_that_exist() -> None:
    """The piece of a rubric in the README is TOML, its points add up, and its checks exist."""
    example = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert example is not None
    rubric = tomllib.loads(example[1])
    checks = [check for question in rubric["questions"] for check in question["checks"]]
    assert {check["id"] for check in checks} <= set(CHECKS)
    assert sum(check["points"] for check in checks) == rubric["points"]


def test_isolation_levels_are_described_with_their_limit() -> None:
    """Each level has a row, and the README says that an exploit of the kernel is not contained."""
    text = section("Isolation")
    assert {"`full`", "`partial`", "`none`"} <= {cell for cell, _ in rows(text)}
    assert "Not contained: an exploit of the Linux kernel" in text


def test_set_up_commands_come_first_and_exist() -> None:
    """The first two commands are `make grade` and `make test`, and every target that is named is in the Makefile."""
    block = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert block is not None
    assert [line.split("#")[0].strip() for line in block[1].splitlines()] == ["make grade", "make test"]
    named = set(re.findall(r"\bmake (grade|test|[a-z]+)(?=[`\s].)", " ".join(re.findall(r"`[^`]+`", README))))
    assert named <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def test_files_that_are_shown_exist() -> None:
    """Pictures and links of the README lead to files of the repository."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (REPOSITORY / link).exists()] == []
