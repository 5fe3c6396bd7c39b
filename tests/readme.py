"""Parts of the README that are written by a measurement, each between two markers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


@dataclass(frozen=True)
class Block:
    """What stands between two lines of the README."""

    begin: str
    end: str

    def read(self, readme: Path = README) -> str:
        """The lines between the markers; raises ValueError where they are missing."""
        _, begin, rest = readme.read_text(encoding="utf-8").partition(f"{self.begin}\n")
        inside, end, _ = rest.partition(f"{self.end}\n")
        if not (begin and end):
            raise ValueError(f"the markers {self.begin} and {self.end} are missing")
        return inside

    def write(self, text: str, readme: Path = README) -> None:
        """Puts `text`, whole lines, between the markers."""
        inside = self.read(readme)
        before = readme.read_text(encoding="utf-8")
        after = before.replace(f"{self.begin}\n{inside}{self.end}", f"{self.begin}\n{text}{self.end}")
        readme.write_text(after, encoding="utf-8")
