"""The command line: arguments in, reports and exit codes out. The only place that prints."""

from grader.cli.main import main

__all__ = ["main"]
