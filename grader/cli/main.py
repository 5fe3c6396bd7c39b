"""`grade`: the commands and the one boundary at which errors become a line and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from grader import __version__
from grader.errors import GraderError

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 4, 2, 130


# Each command and the module that has it as `<name>_command`: only the one that is called is imported.
COMMANDS = {
    "run": "run",
    "regrade": "regrade",
    "report": "report",
    "data": "data",
    "explain": "explain",
    "doctor": "doctor",
    "export": "export",
    "gradebook": "gradebook",
    "mark": "gradebook",
    "comment": "gradebook",
    "history": "gradebook",
    "gradescope": "autograder",
}


class DefaultToRun(click.Group):
    """`grade cnn.ipynb` means `grade run cnn.ipynb`."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"grader.cli.{COMMANDS[name]}"), f"{name}_command")
        return command

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        if args and args[0] not in COMMANDS and args[0] not in own:
            args = ["run", *args]
        return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            # Click would print an empty line first; what is said about it is said at the boundary, in one line.
            raise click.Abort from None


@click.group(cls=DefaultToRun, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(__version__, prog_name="grade")
def cli() -> None:
    """Grades deep-learning coursework: runs it in a sandbox, watches what torch does, and proves what is right.

    \b
    grade cnn.ipynb            one notebook, module, folder or zip
    grade submissions/         every submission in a folder
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with 0 (graded), 1 (below --min-score), 2 (usage), 3 (not gradable), 4 or 130."""
    code = _run(arguments)
    if arguments is None:
        # Nothing is left to do, and torch takes a while to be taken apart.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A screen that cannot show a character gets a question mark for it.
        sys.stdout.reconfigure(errors="replace")
    try:
        result: Any = cli.main(
            args=None if arguments is None else list(arguments), prog_name="grade", standalone_mode=False
        )
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return EXIT_USAGE
    except click.UsageError as error:
        hint = f" Try '{error.ctx.command_path} --help'." if error.ctx else ""
        return _fail(f"{error.format_message().rstrip('.')}.{hint}", EXIT_USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), EXIT_USAGE)
    except GraderError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; reports that were finished are in place", EXIT_INTERRUPTED)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the boundary: a fault of the grader's own is one line too
        return _own_fault(error)


def _own_fault(error: Exception) -> int:
    import traceback

    if os.environ.get("GRADE_DEBUG"):
        traceback.print_exception(error)
    return _fail(
        f"the grader itself failed: {type(error).__name__}: {error}. "
        "Set GRADE_DEBUG=1 for the traceback, and please report it",
        EXIT_FAILED,
    )


def _fail(message: str, code: int) -> int:
    click.echo(f"grade: {' '.join(message.split())}", err=True)
    return code
