"""A class: in parallel, each on its own, and resumed where it was."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from tests.cli.conftest import Grade, Start
from tests.cli.samples import LOAD, rows, stamps
from tests.cli.test_cli_limits import HOLD, held, wait_for
from tests.cli.test_cli_reports import report
from tests.submission.uploads import notebook, write

# Only where the runner's own process has become the kernel's.
FORKED = "import sys; print('forked:', 'nbclient' in sys.modules)"
SLEEP = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(600)', '{HOLD}'])"


def test_a_class_is_graded_and_listed(grade: Grade, school: Path, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """Everyone has a report, a row and a link; the summary names who could not be graded and why; twins are run once
    and both have their executed notebook. Their programs are forks, where full isolation is to be had."""
    for twin in ("ann", "bob"):  # a content that no other test has run
        write(school / twin / "cnn.ipynb", notebook(LOAD, f"{FORKED}  # {here}"))
    finished = grade(school, *on_quick_mnist, "--jobs", 2)
    listed = rows(here / "grades")
    page = (here / "grades" / "index.html").read_text(encoding="utf-8")

    assert finished.code == 3
    assert {id_: row["status"] for id_, row in listed.items()} == {
        "ann": "graded", "bob": "graded", "cat": "graded", "dan": "rejected",
    }  # fmt: skip
    assert (listed["ann"]["score"], listed["bob"]["score"], listed["dan"]["score"]) == ("4", "4", "")
    assert float(listed["cat"]["score"]) == report(here / "grades" / "cat")["score"] > 20
    assert all(f'href="{id_}/report.html"' in page for id_ in listed)
    assert "4 graded now" in finished.err
    assert "dan could not be graded: dan.ipynb" in finished.err
    cached = [report(here / "grades" / id_)["run"]["cached"] for id_ in ("ann", "bob")]
    assert sorted(cached) == [False, True]
    notebooks = [(here / "grades" / id_ / "executed.ipynb").read_bytes() for id_ in ("ann", "bob")]
    assert notebooks[0] == notebooks[1]
    isolation = report(here / "grades" / "ann")["run"]["isolation"]
    assert f"forked: {isolation == 'full'}".encode() in notebooks[0]


def test_a_finished_class_stays(grade: Grade, school: Path, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """A second call touches no report; a changed submission is graded again, alone; a deleted report comes back; who
    is gone is not listed any more."""
    grade(school, *on_quick_mnist)
    before = stamps(here / "grades")
    again = grade(school, *on_quick_mnist)
    assert stamps(here / "grades") == before
    assert "4 as before" in again.err

    write(school / "ann" / "cnn.ipynb", notebook("1"))
    shutil.rmtree(here / "grades" / "cat")
    (school / "dan.ipynb").unlink()
    third = grade(school, "--each", *on_quick_mnist)
    assert (third.code, "2 graded now, 1 as before" in third.err) == (0, True)
    assert list(rows(here / "grades")) == ["ann", "bob", "cat"]
    assert rows(here / "grades")["ann"]["score"] == "0"
    assert {name: at for name, at in stamps(here / "grades").items() if "/bob/" in name} == {
        name: at for name, at in before.items() if "/bob/" in name
    }


def test_ctrl_c_leaves_what_was_finished(
    start: Start, grade: Grade, school: Path, here: Path, on_quick_mnist: tuple[str, ...]
) -> None:
    """SIGINT ends the run under way; the finished reports are listed, none is half, and the next call does the rest."""
    write(school / "eve.ipynb", notebook(LOAD, SLEEP))
    process = start(school, *on_quick_mnist, "--jobs", 1)
    assert wait_for(held, seconds=240), "the last submission did not start"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "interrupted" in err
    assert wait_for(lambda: not held(), seconds=10), "a student's process is left"
    assert set(rows(here / "grades")) == {"ann", "bob", "cat", "dan"}
    assert not (here / "grades" / "eve").exists()
    write(school / "eve.ipynb", notebook(LOAD))
    assert "4 as before" in grade(school, *on_quick_mnist).err


def test_a_killed_grader_takes_everything_along_and_loses_nothing(
    start: Start, grade: Grade, school: Path, here: Path, on_quick_mnist: tuple[str, ...]
) -> None:
    """After SIGKILL no worker and no student's process is left, and the next call goes on where it was."""
    write(school / "eve.ipynb", notebook(LOAD, SLEEP))
    process = start(school, *on_quick_mnist, "--jobs", 1)
    assert wait_for(held, seconds=240), "the last submission did not start"
    workers = children(process.pid)
    process.kill()
    process.wait()
    assert wait_for(lambda: not held(), seconds=10), "a student's process is left"
    assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), seconds=10)
    write(school / "eve.ipynb", notebook(LOAD))
    assert "4 as before" in grade(school, *on_quick_mnist).err


def test_a_worker_that_dies_costs_its_own_submission_only(
    start: Start, school: Path, here: Path, on_quick_mnist: tuple[str, ...]
) -> None:
    """A worker that is killed twice on the same submission leaves that one ungraded, told in summary, list and exit
    code; the others are graded."""
    write(school / "aaa.ipynb", notebook(LOAD, SLEEP))
    process = start(school, *on_quick_mnist, "--jobs", 1)
    for _ in range(2):
        assert wait_for(held, seconds=240), "the submission did not start"
        for pid in children(process.pid):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: not held(), seconds=30)
    _, err = process.communicate(timeout=240)

    assert process.returncode == 4
    assert "aaa could not be graded: the grader itself failed: the process that graded it died, 2 times" in err
    assert {id_: row["status"] for id_, row in rows(here / "grades").items()} == {
        "aaa": "failed", "ann": "graded", "bob": "graded", "cat": "graded", "dan": "rejected",
    }  # fmt: skip


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def test_a_roster_lists_who_is_missing(grade: Grade, school: Path, here: Path, on_quick_mnist: tuple[str, ...]) -> None:
    """`--roster` gives names, lists the missing without a score, and says who is unknown."""
    roster = write(here / "roster.csv", "id,name\nann,Ann A\nbob,Bob B\ncat,Cat C\nzoe,Zoe Z\n")
    finished = grade(school, *on_quick_mnist, "--roster", roster)
    listed = rows(here / "grades")
    assert (listed["zoe"]["status"], listed["zoe"]["score"], listed["ann"]["name"]) == ("missing", "", "Ann A")
    assert "nothing of 1 in the roster: zoe" in finished.err
    assert "dan is not in the roster" in finished.err
