"""Every output on one mixed class: reports, pages, exports, gradebook and CI files, each read again. `make showcase`.

usage: python -m tests.showcase [--out DIR] [--data DIR]

The class is all of `submissions/` but the hostile ones, and programs of `tests/corpus`, correct and faulty, on the
quick data; what was run before is taken from the cache. Ends with an error where an output is missing, cannot be read,
or says something else than the reports. Pictures of the pages at phone, laptop and print size lie in DIR/pictures.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from playwright.sync_api import Browser

from tests.bench_class.timing import GRADE, ONE_THREAD, tell
from tests.browser import chromium
from tests.corpus.cases import load_corpus
from tests.mnist import mnist_folder

REPOSITORY = Path(__file__).resolve().parents[1]
OF_THE_CORPUS = 24
NO_GRADE = {"rejected", "invalid_evidence"}
# Width and height in CSS pixels; on paper what A4 leaves within the margins, the class's page on its side.
SIZES = {"phone": (390, 844), "laptop": (1366, 768), "print": (1032, 703)}


def make_class(folder: Path) -> int:
    """Writes the submissions; returns how many there are."""
    shutil.rmtree(folder, ignore_errors=True)
    hostile = shutil.ignore_patterns("hostile", "expected.toml", "__pycache__")
    shutil.copytree(REPOSITORY / "submissions", folder, ignore=hostile)
    cases = list(load_corpus().values())
    kinds = [
        [case for case in cases if case.correct is correct and not case.limit_seconds] for correct in (True, False)
    ]
    for kind in kinds:
        step = len(kind) // (OF_THE_CORPUS // len(kinds))
        for case in kind[::step][: OF_THE_CORPUS // len(kinds)]:
            case.write(folder)
    # One copy with other names, for the page to find.
    original = (folder / "solution-script" / "practical5.py").read_text(encoding="utf-8")
    (folder / "copied-script.py").write_text(original.replace("model", "my_model"), encoding="utf-8")
    return len(list(folder.iterdir()))


def grade(folder: Path, *arguments: str, extra: Mapping[str, str] | None = None, codes: tuple[int, ...] = (0,)) -> str:
    """What `grade ARGUMENTS` prints, in `folder`."""
    tell(f"grade {' '.join(arguments)}")
    environment = {**os.environ, **ONE_THREAD, **(extra or {})}
    done = subprocess.run([str(GRADE), *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode not in codes:
        raise RuntimeError(f"grade {arguments} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def show(out: Path, data: Path | None) -> None:
    """Makes and reads every output."""
    count = make_class(out / "class")
    ci = {name: str(out / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    for path in ci.values():
        Path(path).write_text("", encoding="utf-8")
    ci |= {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(out), "GITLAB_CI": "true", "CI_PROJECT_DIR": str(out)}
    chosen = ("--quick", *(("--data", str(data.absolute())) if data else ()))
    grade(out, "class", "--each", *chosen, "--annotate", extra=ci, codes=(0, 3))
    reports = {path.parent.name: json.loads(path.read_bytes()) for path in (out / "grades").glob("*/report.json")}
    assert len(reports) == count, f"{len(reports)} reports of {count} submissions"
    _check_lists(out, reports)
    _check_ci(out, reports)
    _check_gradebook(out, reports)
    _check_exports(out, reports)
    grade(out, "report", "grades", "--release")
    grade(out, "report", "grades", "--anonymous")
    for name in ("released", "anonymous"):
        assert len(list((out / name).glob("*/report.html"))) == count
    with chromium() as browser:
        _look(browser, out, reports)
    tell(f"{count} submissions, every output read again; pictures in {out / 'pictures'}")


def _check_lists(out: Path, reports: Mapping[str, dict]) -> None:
    """grades.csv, the files of each submission, and the page: everyone, with the score of the report."""
    with (out / "grades" / "grades.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["id"]: row for row in csv.DictReader(file)}
    page = (out / "grades" / "index.html").read_text(encoding="utf-8")
    for id_, report in reports.items():
        wanted = "" if report["status"] in NO_GRADE else f"{report['score']:.6g}"
        assert listed[id_]["score"] == wanted, id_
        assert f'href="{id_}/report.html"' in page
        notebook = out / "grades" / id_ / "annotated.ipynb"
        if (out / "grades" / id_ / "executed.ipynb").is_file():
            nbformat.validate(nbformat.read(notebook, as_version=4))
    assert 'class="band"' in page, "the page shows no band of the reference"
    assert "copied-script" in page.partition('id="alike"')[2].partition("</section>")[0]


def _check_ci(out: Path, reports: Mapping[str, dict]) -> None:
    """GitHub's summary and outputs, GitLab's JUnit and code quality."""
    summary = (out / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8")
    assert f"## {len(reports)} submissions" in summary
    assert len(summary.encode()) < 1 << 20
    outputs = dict(line.split("=", 1) for line in (out / "GITHUB_OUTPUT").read_text(encoding="utf-8").splitlines())
    scored = [report["score"] for report in reports.values() if report["status"] not in NO_GRADE]
    assert abs(float(outputs["score"]) - sum(scored) / len(scored)) < 1e-6
    _check_junit(out / "grades" / "junit.xml", reports)
    _check_problems(out / "grades" / "gl-code-quality.json", reports, out)


def _check_junit(path: Path, reports: Mapping[str, dict]) -> None:
    suites = {suite.get("name"): suite for suite in ElementTree.parse(path).getroot().iter("testsuite")}
    assert set(suites) == set(reports)
    for id_, report in reports.items():
        checks = [check for question in report["questions"] for check in question["checks"]]
        lost = sum(check["points"] is not None and check["points"] < check["max_points"] for check in checks)
        assert int(suites[id_].get("failures", "")) == lost, id_


def _check_problems(path: Path, reports: Mapping[str, dict], out: Path) -> None:
    problems = json.loads(path.read_bytes())
    assert len({problem["fingerprint"] for problem in problems}) == len(problems) > len(reports)
    assert all((out / problem["location"]["path"]).exists() for problem in problems)
    assert all(problem["location"]["lines"]["begin"] >= 1 for problem in problems)


def _check_gradebook(out: Path, reports: Mapping[str, dict]) -> None:
    """Marks by hand, comments and history; the later exports hold the mark."""
    standing = grade(out, "gradebook")
    assert all(id_ in standing for id_ in reports)
    first = reports["stride-1"]["questions"][1]
    grade(out, "mark", "stride-1", first["id"], f"{first['max_score']:g}", "--because", "agreed in class")
    grade(out, "comment", "stride-1", "well commented code")
    kinds = [line.split()[2] for line in grade(out, "history", "stride-1").splitlines()]
    assert kinds[:2] == ["attempt", "grade"], kinds
    assert {"mark", "comment"} <= set(kinds), kinds


def _check_exports(out: Path, reports: Mapping[str, dict]) -> None:
    """Each system's form, read by a parser."""
    for system in ("canvas", "moodle", "csv"):
        text = grade(out, "export", "grades", "--to", system)
        (out / f"{system}.csv").write_text(text, encoding="utf-8")
        rows = list(csv.reader(text.splitlines(keepends=True)))
        assert len(rows) == len(reports) + (2 if system == "canvas" else 1)
        assert len({len(row) for row in rows}) == 1
    with (out / "csv.csv").open(encoding="utf-8", newline="") as file:
        table = {row["id"]: row for row in csv.DictReader(file)}
    assert float(table["stride-1"]["total"]) > reports["stride-1"]["score"]
    grade(out, "export", "grades", "--to", "junit", "--out", "exported.xml")
    _check_junit(out / "exported.xml", reports)
    grade(out, "export", "grades", "--to", "code-quality", "--out", "quality.json", extra={"CI_PROJECT_DIR": str(out)})
    _check_problems(out / "quality.json", reports, out)
    grade(out, "export", "grades", "--to", "gradescope", "--out", "gradescope")
    results = {path.parent.name: json.loads(path.read_bytes()) for path in out.glob("gradescope/*/results.json")}
    assert set(results) == set(reports)
    grade(out, "export", "grades", "--to", "notebook", "--out", "notebooks")
    for path in out.glob("notebooks/*/annotated.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))


def _look(browser: Browser, out: Path, reports: Mapping[str, dict]) -> None:
    """Opens the class's page and one report at each size; nothing is wider than the screen or complains."""
    (out / "pictures").mkdir(exist_ok=True)
    for name, (width, height) in SIZES.items():
        page = browser.new_page(viewport={"width": width, "height": height})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))  # noqa: B023 - asked before the next page
        if name == "print":
            page.emulate_media(media="print")
        for title, path in (("class", "index.html"), ("report", "overlapping-windows/report.html")):
            page.goto((out / "grades" / path).as_uri())
            # What is far below is laid out when it comes near.
            page.add_style_tag(content=".table { content-visibility: visible !important; }")
            page.screenshot(path=out / "pictures" / f"{title}-{name}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{title} at {name} is too wide"
        assert page.locator("#table tbody tr").count() in (0, len(reports))
        assert complaints == [], complaints
        page.close()


def main() -> None:
    """Shows the class, in a folder that is kept."""
    parser = argparse.ArgumentParser(description="Makes and reads every output of one mixed class.")
    mnist = mnist_folder()
    parser.add_argument("--data", type=Path, default=mnist if mnist.is_dir() else None)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "grades" / "showcase", help="where everything goes")
    options = parser.parse_args()
    out = options.out.absolute()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    show(out, options.data)


if __name__ == "__main__":
    sys.exit(main())
