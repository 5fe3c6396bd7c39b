"""How long a browser takes to open the teacher's page of a class of 1,000, and to sort it.

usage: python -m tests.bench_page [GRADES]

Without a folder of grades the class is made of the tests' own sample grades.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect

from grader.report import Grade, classroom, stored
from tests.browser import chromium
from tests.report.classes import a_class, named

STUDENTS, RUNS = 1000, 5
_SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_SORT = (
    "(() => { const from = performance.now(); document.querySelectorAll('#table thead button')[2].click();"
    " document.body.offsetHeight; return (performance.now() - from) / 1000; })()"
)


def main(arguments: list[str]) -> None:
    """Writes the page, opens it `RUNS` times, and prints medians in seconds."""
    reports = sorted(Path(arguments[0]).glob("*/report.json")) if arguments else []
    grades: list[Grade] = [stored.read(path.read_bytes()) for path in reports] or a_class()
    entries = []
    for number in range(STUDENTS):
        grade = grades[number % len(grades)]
        entries.append(classroom.entry(named(grade, f"{grade.submission.id[:40]}-{number:04d}")))
    room = classroom.Classroom(grades[0].assignment.title, tuple(entries))
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = Path(folder, "index.html")
        path.write_text(classroom.render(room), encoding="utf-8")
        opened, sorted_ = [], []
        for _ in range(RUNS):
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            started = time.perf_counter()
            page.goto(path.as_uri())
            expect(page.locator("#shown")).not_to_be_empty()
            page.evaluate(_SETTLED)
            opened.append(time.perf_counter() - started)
            sorted_.append(page.evaluate(_SORT))
            page.close()
        size = path.stat().st_size / 1e6
    print(f"{STUDENTS} submissions, {size:.1f} MB, {len(grades)} different grades; medians of {RUNS}")
    print(f"  opened, painted and ready for filters: {statistics.median(opened):.2f} s (slowest {max(opened):.2f} s)")
    print(f"  sorted by score:                       {statistics.median(sorted_):.2f} s (slowest {max(sorted_):.2f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])
