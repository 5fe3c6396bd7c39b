"""`grade report`: pages from stored grades, for the class, for students, and without names."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from grader.report import html, json_
from tests.cli.conftest import Grade
from tests.report.classes import a_class


@pytest.fixture
def grades(here: Path) -> Path:
    """A folder of stored grades, as a run leaves it."""
    for grade in a_class():
        if "/" not in grade.submission.id:
            folder = here / "grades" / grade.submission.id
            folder.mkdir(parents=True)
            (folder / "report.json").write_text(json_.render(grade))
            (folder / "report.html").write_text(html.render(grade))
    return here / "grades"


def test_the_class_s_page_is_made_anew(grade: Grade, grades: Path) -> None:
    """The page lists every stored grade and links its report."""
    assert grade("report", grades).code == 0
    page = (grades / "index.html").read_text()
    assert all(f'href="{folder.name}/report.html"' in page for folder in grades.iterdir() if "student" in folder.name)


def test_released_reports_keep_what_the_rubric_hides(
    grade: Grade, grades: Path, repo_root: Path, copied_assignment: Path
) -> None:
    """A check that the rubric hides is in no released report, and stored grades stay as they were."""
    rubric = copied_assignment / "rubric.toml"
    rubric.write_text(
        rubric.read_text().replace(
            'id = "layers.convolution", points = 4', 'id = "layers.convolution", points = 4, visibility = "hidden"'
        )
    )
    before = (grades / "student-1" / "report.html").read_text()
    assert "layers.convolution" in before
    assert grade("report", grades, "--release", "--assignment", copied_assignment, "--out", "out").code == 0
    released = Path("out/student-1/report.html").read_text()
    assert "layers.convolution" not in released
    assert "layer.stride" not in released
    assert "46</strong>" in released
    assert (grades / "student-1" / "report.html").read_text() == before
    assert sorted(p.name for p in Path("out").rglob("*") if p.is_file()) == ["report.html"] * 13


def test_anonymous_pages_hold_no_name(grade: Grade, grades: Path) -> None:
    """Neither file names nor pages tell an id; the key is with the grades, not with the pages."""
    assert grade("report", grades, "--anonymous", "--out", "blind").code == 0
    with (grades / "anonymous.csv").open() as table:
        key = {row["submission"]: row["code"] for row in csv.DictReader(table)}
    assert set(key) == {folder.name for folder in grades.iterdir() if folder.is_dir()}
    written = [path for path in Path("blind").rglob("*") if path.is_file()]
    assert len(written) == len(key) + 1
    for path in written:
        text = f"{path} {path.read_text()}"
        assert not [id_ for id_ in key if re.search(rf"(?<!\w){re.escape(id_)}(?!\w)", text)]


def test_a_folder_without_grades_is_a_usage_error(grade: Grade, here: Path) -> None:
    """A wrong folder, a broken report, and two readings at once end with one line and code 2."""
    (here / "empty").mkdir()
    assert grade("report", here / "empty").code == 2
    (here / "g" / "x").mkdir(parents=True)
    (here / "g" / "x" / "report.json").write_text("{}")
    assert grade("report", here / "g").code == 2
    assert grade("report", here / "g", "--release", "--anonymous").code == 2
