"""What a run tells the CI system that it runs in: GitHub Actions or GitLab, found by their own variables."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import click

from grader.cli.output import write_atomically
from grader.report import ci, facts
from grader.report.export import junit_xml, standing_of
from grader.report.places import file_line
from grader.score import Grade, Where

JUNIT, CODE_QUALITY = "junit.xml", "gl-code-quality.json"


def announce(grades: Collection[Grade], out: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Writes what the CI system shows: summary, annotations and outputs, or JUnit and code-quality files in `out`."""
    if environment.get("GITHUB_ACTIONS") == "true":
        _github(grades, out, environment)
    if environment.get("GITLAB_CI") == "true":
        write_atomically(out / JUNIT, junit_xml(lambda: map(standing_of, grades)))
        write_atomically(out / CODE_QUALITY, code_quality(grades, environment))


def code_quality(grades: Iterable[Grade], environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """GitLab's code-quality report in pieces; paths are relative to its checkout, or to the current folder."""
    return ci.code_quality(_problems(grades, Path(environment.get("CI_PROJECT_DIR", "."))))


def _github(grades: Collection[Grade], out: Path, environment: Mapping[str, str]) -> None:
    problems = _problems(grades, Path(environment.get("GITHUB_WORKSPACE", ".")))
    for line in ci.annotation_lines(problems):
        # Standard output may be the report as JSON; the runner reads commands from either stream.
        click.echo(line, err=True)
    report = out / next(iter(grades)).submission.id / "report.html" if len(grades) == 1 else out / "index.html"
    for variable, text in (
        ("GITHUB_STEP_SUMMARY", ci.summary(grades)),
        ("GITHUB_OUTPUT", ci.outputs(grades, report.as_posix())),
    ):
        if file := environment.get(variable):
            with open(file, "a", encoding="utf-8") as stream:
                stream.write(text)


def _problems(grades: Iterable[Grade], repository: Path) -> Iterator[ci.Problem]:
    """Every lost mark with its file, relative to the repository, and its line there."""
    for grade in grades:
        texts: dict[Path, str] = {}
        for mark in facts.lost_marks(grade):
            path = _file(grade, mark.check.where)
            line = _line(path, mark.check.where, texts)
            shown = os.path.relpath(path.absolute(), repository.absolute())
            shown = path.as_posix() if shown.startswith("..") else Path(shown).as_posix()
            yield ci.Problem(grade.submission.id, mark.question, mark.title, mark.points, mark.check, shown, line)


def _file(grade: Grade, where: Where | None) -> Path:
    """The student's file; where it is not told, or is inside an archive, the submission itself."""
    path = Path(grade.submission.path)
    inside = path / where.file if where is not None and path.is_dir() else path
    return inside if inside.is_file() else path


def _line(path: Path, where: Where | None, texts: dict[Path, str]) -> int:
    if where is None or not path.is_file() or path.suffix not in (".py", ".ipynb"):
        return 1
    if path not in texts:
        texts[path] = path.read_text(encoding="utf-8", errors="replace")
    return file_line(where, texts[path]) or 1
