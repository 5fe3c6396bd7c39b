"""Makes the README's pictures of the gradebook and of a job summary from what the commands really say.

usage: python -m tests.pictures GRADES     a folder that `python -m tests.showcase` left: DIR/grades

The gradebook is a copy of the showcase's, so that the pictures can be made again; the summary is that of one
submission, as Markdown renders it.
"""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from playwright.sync_api import Browser

from grader.cli.ci import announce
from grader.cli.grades import StoredGrades
from tests.bench_class.timing import GRADE
from tests.browser import chromium

GITHUB = Path(__file__).resolve().parents[1] / ".github"
STUDENT = "stride-1"
SHOWN = ("adam", "double-softmax", "index-targets", "no-relu", "overlapping-windows", "sequential", STUDENT)
SUMMARY_OF = "overlapping-windows"
_STYLE = """
body { margin: 0; padding: 20px 24px; font: 15px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; }
pre { margin: 0; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; }
.terminal { color: #e6e6e6; background: #16191d; }
.terminal b { color: #7fb8ff; font-weight: normal; }
table { border-collapse: collapse; margin: 0 0 14px; }
th, td { padding: 4px 12px; border: 1px solid #d1d9e0; text-align: left; vertical-align: top; }
h1, h2, h3 { margin: 4px 0 10px; line-height: 1.25; }
code { padding: 1px 4px; background: #eff1f3; border-radius: 4px; font-size: 90%; }
"""


def terminal(commands: Sequence[Sequence[str]], folder: Path) -> str:
    """The commands with what they print, as a terminal shows them."""
    parts = []
    for words in commands:
        done = subprocess.run([str(GRADE), *words], cwd=folder, capture_output=True, text=True, check=True)
        shown = " ".join(f'"{word}"' if " " in word else word for word in words)
        parts.append(f"<b>$ grade {html.escape(shown)}</b>\n{html.escape(done.stdout)}")
    return "<pre>" + "\n".join(parts) + "</pre>"


def gradebook(grades: Path, folder: Path) -> str:
    """A mark by hand, how some students stand, and what happened to one of them."""
    for name in SHOWN:
        (folder / "grades" / name).mkdir(parents=True)
        shutil.copy(grades / name / "report.json", folder / "grades" / name)
    by = ("--by", "tea")
    commands = [
        ("mark", STUDENT, "2.1", "7", "--because", "the stride was discussed in class", *by),
        ("comment", STUDENT, "well commented code", *by),
        ("gradebook",),
        ("history", STUDENT),
    ]
    subprocess.run([str(GRADE), "gradebook", "--by", "tea"], cwd=folder, capture_output=True, check=True)
    return terminal(commands, folder)


def summary(grades: Path, folder: Path) -> str:
    """The job summary of one submission."""
    written = folder / "summary.md"
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(written), "GITHUB_WORKSPACE": str(folder)}
    announce(StoredGrades(grades, [SUMMARY_OF]), grades, environment)
    return str(MarkdownIt("commonmark").enable("table").render(written.read_text(encoding="utf-8")))


def photograph(browser: Browser, body: str, kind: str, path: Path, height: int | None = None) -> None:
    """A picture of a page with this body; its top only where a height is given."""
    page = browser.new_page(viewport={"width": 960, "height": height or 200}, device_scale_factor=1.5)
    page.set_content(f'<!DOCTYPE html><meta charset="utf-8"><style>{_STYLE}</style><body class="{kind}">{body}')
    page.screenshot(path=path, full_page=height is None)
    page.close()


def main(arguments: Sequence[str]) -> None:
    """Makes both."""
    grades = Path(arguments[0]).absolute()
    os.environ.pop("GRADE_GRADEBOOK", None)
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        photograph(browser, gradebook(grades, Path(scratch)), "terminal", GITHUB / "gradebook.png")
        photograph(browser, summary(grades, Path(scratch)), "summary", GITHUB / "summary.png", 760)


if __name__ == "__main__":
    main(sys.argv[1:])
