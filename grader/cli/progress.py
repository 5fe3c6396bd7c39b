"""A line that says what is going on, on a terminal; nothing where nobody watches."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.status import Status


class Progress:
    """Shows the current stage; in a log (no terminal) it stays silent."""

    def __init__(self, console: Console):
        self._console = console
        self._status: Status | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def step(self, description: str, done: int, total: int) -> None:
        """Progress of the preparation, `done` of `total`."""
        self._show(f"{description} {done / total:.0%}" if total else description)

    def stage(self, submission: str, stage: str) -> None:
        """What happens to a submission now."""
        self._show(f"{submission}: {stage}")

    def _show(self, text: str) -> None:
        if not self._console.is_terminal:
            return
        if self._status is None:
            self._status = self._console.status("")
            self._status.start()
        # Submission ids and cell names come from outside: no markup is read from them.
        self._status.update(text.replace("[", "\\["))

    def clear(self) -> None:
        """Takes the line away, before something else is printed."""
        if self._status is not None:
            self._status.stop()
            self._status = None
