"""Regrading: today's rubric and today's verification on what was kept of each run; nothing of a student's is run."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from grader.pipeline.facts import pack, unpack
from grader.store import open_register
from grader.verify import run as verify_run
from grader.verify.result import DataFacts
from tests.cli.conftest import Grade
from tests.cli.samples import rows, stamps
from tests.cli.test_cli_reports import report
from tests.submission.uploads import write

REFERENCE = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the grades of the four are kept, once they are there."""
    return tmp_path_factory.mktemp("kept") / "grades"


@pytest.fixture
def graded(grade: Grade, school: Path, here: Path, on_quick_mnist: tuple[str, ...], kept: Path) -> Path:
    """The grades of the four; what grades them from now on runs nothing."""
    if not kept.exists():
        grade(school, *on_quick_mnist)
        shutil.copytree(here / "grades", kept)
    else:
        shutil.copytree(kept, here / "grades")
    return here / "grades"


@pytest.fixture
def no_runs(graded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running a submission fails the test."""
    monkeypatch.setattr("grader.pipeline.collect.run_in_sandbox", lambda *_, **__: pytest.fail("a run"))


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Today's verification is another than that of the stored facts; the evidence of each call of it."""
    calls: list[object] = []
    verify = verify_run.verify

    def counted(evidence: object, setting: object) -> object:
        calls.append(evidence)
        return verify(evidence, setting)  # type: ignore[arg-type]

    monkeypatch.setattr("grader.verify.run.verify", counted)
    for module in ("regrade", "classroom"):
        # By its module: the package has a function of the same name.
        monkeypatch.setattr(import_module(f"grader.pipeline.{module}"), "verifier_version", lambda: "a later one")
    return calls


def test_regrade(
    grade: Grade, school: Path, here: Path, on_quick_mnist: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed rubric changes who it says and by how much, without a run; nothing is written without a yes; after it,
    reports, list and history agree, and the executed notebooks are still there."""
    grade(school, *on_quick_mnist)
    assignment = here / "assignment"
    shutil.copytree(REFERENCE, assignment)
    text = (assignment / "rubric.toml").read_text(encoding="utf-8")
    changed = text.replace('"data.loaded", points = 3', '"data.loaded", points = 1')
    changed = changed.replace('"data.shapes_shown", points = 1', '"data.shapes_shown", points = 3')
    changed = changed.replace('id = "layers.convolution", points = 4', 'id = "layers.convolution", points = 2')
    changed = changed.replace('id = "layers.dense", points = 3', 'id = "layers.dense", points = 5')
    (assignment / "rubric.toml").write_text(changed, encoding="utf-8")
    write(school / "cat.ipynb", "the submissions are not looked at")
    monkeypatch.setattr("grader.pipeline.collect.run_in_sandbox", lambda *_, **__: pytest.fail("a run"))
    monkeypatch.setattr("grader.verify.run.verify", lambda *_: pytest.fail("a verification"))
    before = stamps(here / "grades")

    refused = grade("regrade", here / "grades", "--assignment", assignment)
    assert "0 of 3 grades change" in refused.out
    assert stamps(here / "grades") == before

    changed = changed.replace('id = "data.loaded", points = 1', 'id = "data.loaded", points = 2')
    changed = changed.replace(
        'points = 4\nchecks = [\n  { id = "data.loaded"', 'points = 5\nchecks = [\n  { id = "data.loaded"'
    )
    changed = changed.replace("points = 50", "points = 51")
    (assignment / "rubric.toml").write_text(changed, encoding="utf-8")
    written = grade("regrade", here / "grades", "--assignment", assignment, "--yes")

    assert written.code == 0
    assert "3 of 3 grades change" in written.out
    assert "(+1.00) of 50 -> 51" in written.out
    assert rows(here / "grades")["ann"]["score"] == "5"
    assert report(here / "grades" / "ann")["max_score"] == 51
    assert (here / "grades" / "ann" / "executed.ipynb").exists()
    with open_register(here / "grades") as book:
        assert [(change.reason, change.score) for change in book.history("ann")] == [("graded", 4), ("regraded", 5)]


def test_regrade_of_nothing(grade: Grade, here: Path) -> None:
    """A folder that is none, and one without grades."""
    assert grade("regrade", "nowhere").code == 2
    (here / "grades").mkdir()
    assert grade("regrade", "grades").out == "0 of 0 grades change\n"


@pytest.mark.parametrize(("answer", "written"), [("n\n", False), ("", False), ("\n", False), ("y\n", True)])
def test_the_question_before_writing(
    grade: Grade, graded: Path, dearer: Path, monkeypatch: pytest.MonkeyPatch, answer: str, written: bool
) -> None:
    """Only a yes writes: with a no, with Enter alone, and where there is nobody to ask, every file stays and the next
    call says the same."""
    before, register = stamps(graded), (graded / ".register.sqlite").read_bytes()
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    asked = grade("regrade", graded, "--assignment", dearer)

    assert asked.code == 0
    assert "3 of 3 grades change" in asked.out
    assert "Write 3 reports anew? [y/N]" in asked.out
    assert ("Nothing was written." in asked.out) is not written
    assert (stamps(graded) == before) is not written
    assert ((graded / ".register.sqlite").read_bytes() == register) is not written
    assert rows(graded)["ann"]["score"] == ("5" if written else "4")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert ("3 of 3 grades change" in grade("regrade", graded, "--assignment", dearer).out) is not written


def test_ctrl_c_at_the_question_interrupts(
    grade: Grade, graded: Path, dearer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C is no answer: nothing is written, and the exit code says that it was interrupted."""
    before = stamps(graded)

    def interrupted(_: str = "") -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.termui.visible_prompt_func", interrupted)
    assert grade("regrade", graded, "--assignment", dearer).code == 130
    assert stamps(graded) == before


def forget(graded: Path, id_: str) -> None:
    """As though the verification that was there when this one was graded had not seen that any data was loaded."""
    with open_register(graded) as book:
        entry = book.find(id_)
        assert entry is not None
        facts = unpack(book.facts(entry.evidence, entry.verifier) or b"")
        blind = tuple(replace(each, data=DataFacts()) for each in facts.verifications)
        book.renew(entry.evidence, entry.verifier, pack(replace(facts, verifications=blind)))


@pytest.mark.usefixtures("no_runs")
def test_a_changed_verification_is_redone_from_the_evidence(grade: Grade, graded: Path, verified: list[object]) -> None:
    """Each run is verified again once (twins have one run), from the stored evidence, and what is found then counts.
    The next regrade, and the next `grade`, find everything verified."""
    forget(graded, "cat")
    before = stamps(graded)
    score = rows(graded)["cat"]["score"]
    unchanged = grade("regrade", graded)
    assert unchanged.out == "0 of 3 grades change\n"
    assert unchanged.err == ""
    assert len(verified) == 2
    assert stamps(graded) == before
    assert rows(graded)["cat"]["score"] == score

    assert grade("regrade", graded).out == "0 of 3 grades change\n"
    assert len(verified) == 2


@pytest.mark.usefixtures("no_runs")
def test_what_the_new_verification_sees_changes_the_grade(
    grade: Grade, graded: Path, verified: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verification that sees less takes the points away, and says so before it is written."""
    verify = verify_run.verify

    def blind(evidence: object, setting: object) -> object:
        return tuple(replace(each, data=DataFacts()) for each in verify(evidence, setting))  # type: ignore[arg-type]

    monkeypatch.setattr("grader.verify.run.verify", blind)
    told = grade("regrade", graded, "--yes")
    assert "3 of 3 grades change" in told.out
    assert "ann                                4.00 ->   1.00  (-3.00)" in told.out
    assert (rows(graded)["ann"]["score"], report(graded / "bob")["score"]) == ("1", 1)
    with open_register(graded) as book:
        assert {entry.verifier for entry in book.entries() if entry.evidence} == {"a later one"}


@pytest.mark.usefixtures("no_runs")
def test_without_the_evidence_the_earlier_verification_counts(
    grade: Grade, graded: Path, dearer: Path, verified: list[object], session_cache: Path
) -> None:
    """Where the cache has lost a run, what was found in it then is judged by today's rubric, and that is said."""
    with open_register(graded) as book:
        entry = book.find("ann")
    assert entry is not None
    lost = session_cache / "evidence" / entry.evidence
    lost.rename(session_cache / "lost")
    try:
        told = grade("regrade", graded, "--assignment", dearer, "--yes")
    finally:
        (session_cache / "lost").rename(lost)
    assert "3 of 3 grades change" in told.out
    assert "2 of 3 are judged on what an earlier verification found" in told.err
    assert len(verified) == 1
    assert rows(graded)["ann"]["score"] == "5"


@pytest.mark.usefixtures("no_runs")
def test_changed_checks_verify_nothing(
    grade: Grade, graded: Path, school: Path, on_quick_mnist: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only checks or reports are other ones, `grade` judges the stored facts again and keeps the notebooks."""
    monkeypatch.setattr("grader.verify.run.verify", lambda *_: pytest.fail("a verification"))
    monkeypatch.setattr("grader.pipeline.grader.grader_version", lambda: "a later one")
    notebook = (graded / "ann" / "executed.ipynb").read_bytes()
    again = grade(school, *on_quick_mnist)
    assert "4 graded now" in again.err
    assert report(graded / "ann")["run"]["cached"]
    assert (graded / "ann" / "executed.ipynb").read_bytes() == notebook
    assert "4 as before" in grade(school, *on_quick_mnist).err


@pytest.mark.usefixtures("verified")
def test_a_changed_verification_runs_nothing_again(
    grade: Grade, graded: Path, school: Path, on_quick_mnist: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a change of the verification `grade` takes each run from the cache, in its workers, and verifies it."""
    monkeypatch.setattr("grader.pipeline.grader.grader_version", lambda: "a later one")
    before = {id_: report(graded / id_)["run"]["wall_s"] for id_ in ("ann", "cat")}
    again = grade(school, *on_quick_mnist)
    assert "4 graded now" in again.err
    assert all(report(graded / id_)["run"]["cached"] for id_ in ("ann", "bob", "cat"))
    assert {id_: report(graded / id_)["run"]["wall_s"] for id_ in before} == before
