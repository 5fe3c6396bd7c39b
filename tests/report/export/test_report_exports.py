"""Exports are read again by a parser, hold each system's documented columns, and carry no formula."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from xml.etree import ElementTree

import nbformat
import pytest

from grader.report.annotate import annotate
from grader.report.export import TABLES, Person, junit_xml, results_json, standing_of, table_csv
from grader.report.export.table import cell
from grader.score import Grade, Standing
from tests.report.conftest import SAMPLES, faulty, grade_with, perfect, rejected, timed_out
from tests.report.export.documented import faults

CLASS = [standing_of(make()) for make in SAMPLES.values()]
FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "\u200b=1", "＝1+1", "\r=1"]


def table(
    system: str, standings: Sequence[Standing], people: Mapping[str, Person] | None = None, total: bool = False
) -> list[list[str]]:
    """The rows of a CSV file."""
    return list(csv.reader(io.StringIO("".join(table_csv(system, standings, people or {}, total)), newline="")))


def changed(grade: Grade, question: str, points: float, late: float = 0.0) -> Standing:
    """A standing in which a person gave one question other points."""
    plain = standing_of(grade)
    marks = tuple(
        replace(mark, points=points, because="seen on paper", by="ann") if mark.question == question else mark
        for mark in plain.marks
    )
    return replace(plain, marks=marks, late_points=late, late_reason="2 days late" if late else "")


def named(name: str) -> Grade:
    """A grade whose submission has this id."""
    return replace(perfect(), submission=replace(perfect().submission, id=name))


@pytest.mark.parametrize("system", TABLES)
@pytest.mark.parametrize("total_only", [False, True])
def test_tables_are_whole(system: str, total_only: bool) -> None:
    """Every row has as many fields as the header, whatever students wrote into names, and no field is a formula."""
    rows = table(system, CLASS, total=total_only)
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == len(CLASS) + 1 + (system == "canvas")
    assert len(set(rows[0])) == len(rows[0])
    assert not [field for row in rows for field in row if field.startswith(("=", "+", "@", "\t", "\r"))]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_neutralised(text: str) -> None:
    """What a spreadsheet would calculate begins with an apostrophe, also after characters that nobody sees."""
    assert cell(text).startswith("'")
    for system in TABLES:
        fields = [field for row in table(system, [standing_of(named(text))]) for field in row]
        assert not [field for field in fields if field.lstrip().startswith(("=", "+", "-", "@", "＝"))]


def test_canvas() -> None:
    """Canvas's five columns in their order, the row of possible points, and a column a question whose points add up."""
    people = {"meyer-anna": Person("Meyer, Anna", login="ameyer", number="S1", canvas_id="77", section="A")}
    rows = table("canvas", [changed(perfect(), "2.2", 5, late=10)], people)
    assert rows[0][:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert "Points Possible" in rows[1][0]
    assert rows[2][:5] == ["Meyer, Anna", "77", "S1", "ameyer", "A"]
    assert [float(value) for value in rows[1][5:]] == [4, 8, 6, 6, 7, 4, 5, 3, 7, 0]
    assert [float(value) for value in rows[2][5:]] == [4, 8, 5, 6, 7, 4, 5, 3, 7, -10]
    assert all(name.startswith("Practical 5: MNIST and CNNs in PyTorch: ") for name in rows[0][5:])


def test_canvas_names_that_its_importer_would_misread() -> None:
    """A title that ends in a number in brackets would name an existing assignment, and one with "Final Score" in it
    would be passed over."""
    title = replace(perfect().assignment, title="Final Score of week (5)")
    rows = table("canvas", [standing_of(replace(perfect(), assignment=title))], total=True)
    assert rows[0][5] == "Final-Score of week [5]"


def test_canvas_leaves_ungraded_work_empty() -> None:
    """A submission that could not be graded has empty cells, which Canvas does not import, and no zeros."""
    rows = table("canvas", [standing_of(perfect()), standing_of(rejected())])
    assert set(rows[3][5:]) == {""}


def test_moodle() -> None:
    """Moodle's columns, names split, numbers as numbers, and the feedback in the last column."""
    people = {"meyer-anna": Person("Anna Maria Meyer", number="123", email="a@x.org")}
    rows = table("moodle", [changed(perfect(), "2.2", 5, late=10)], people)
    assert rows[0][:5] == ["First name", "Last name", "ID number", "Username", "Email address"]
    assert rows[1][:5] == ["Anna Maria", "Meyer", "123", "", "a@x.org"]
    assert [name.endswith(" (Real)") for name in rows[0][5:-1]] == [True] * 10
    assert rows[0][-1].endswith(" (Feedback)")
    assert [float(value) for value in rows[1][5:-1]] == [4, 8, 5, 6, 7, 4, 5, 3, 7, 39]
    assert "5 of 6, by ann: seen on paper" in rows[1][-1]
    assert "-10: 2 days late" in rows[1][-1].replace("−", "-")


def test_plain_csv() -> None:
    """The plain table has what stands and what the grader gave."""
    (row,) = csv.DictReader(table_csv("csv", [changed(perfect(), "4", 1)], {}))
    assert (row["id"], row["total"], row["automatic"], row["max_score"]) == ("meyer-anna", "48", "50", "50")
    assert row["manual"] == "4: seen on paper"
    assert row["4 Plot the learned filters"] == "1"


@pytest.mark.parametrize("make", [perfect, faulty, rejected, timed_out])
def test_gradescope(make: object) -> None:
    """results.json is of the documented format, with the total as its score and tests that add up to it."""
    grade = make()  # type: ignore[operator]
    results = json.loads(results_json(standing_of(grade)))
    tests = results["tests"]
    assert faults(results) == []
    assert results["score"] == grade.score
    assert sum(test.get("score", 0) for test in tests) == pytest.approx(grade.score)
    assert {test["visibility"] for test in tests} <= {"visible"}
    assert results["output"].startswith("The submission could not be graded: ") == (grade.status == "rejected")


def test_gradescope_hides_what_the_rubric_hides() -> None:
    """A check that is not shown, or not yet, is a test that Gradescope hides; it counts as ever, and nothing else in
    the results tells how it went. The teacher's test still has all of it."""
    visibilities = {"layers.convolution": "hidden", "accuracy.reference": "after_deadline"}
    grade = replace(faulty(), review=())
    results = json.loads(results_json(changed(grade, "2.2", 5), visibilities))
    assert faults(results) == ["a hidden test hides the total"]
    assert results["score"] == changed(grade, "2.2", 5).total
    tests = {test["name"].rpartition(" ")[2]: test for test in results["tests"]}
    assert tests["layers.convolution"]["visibility"] == "hidden"
    assert tests["layers.convolution"]["score"] == 1
    assert tests["accuracy.reference"]["visibility"] == "after_due_date"
    assert {test["visibility"] for name, test in tests.items() if name not in visibilities} == {"visible"}
    visible = results["output"] + str([test for test in results["tests"] if test["visibility"] == "visible"])
    for told in ("layers.convolution", "layer.kernel-size", "kernel is not", "Accuracy: "):
        assert told not in visible
        assert told in results_json(changed(grade, "2.2", 5))


def test_gradescopes_format_is_held() -> None:
    """What checks the format finds keys, types and values that are not documented, and a total that nobody sees."""
    results = json.loads(results_json(standing_of(perfect())))
    test = results["tests"][0]
    for changes in (
        {"score": "50"}, {"score": True}, {"visibility": "shown"}, {"output_format": "markdown"}, {"grade": 1},
        {"output": "a\r\n"}, *({"tests": [test | change]} for change in (
            {"number": 1.1}, {"status": "ok"}, {"points": 1}, {"visibility": "hidden"}, {"output": "\x1b[1m"},
        )),
    ):  # fmt: skip
        assert faults(results | changes) != [], changes
    assert faults({"tests": [{"name": "no score"}]}) == ["there is neither a score nor one for every test"]


def test_gradescope_with_a_persons_mark() -> None:
    """A question that a person marked is one test with that score; its checks are informational."""
    results = json.loads(results_json(changed(perfect(), "2.2", 5, late=10)))
    assert results["score"] == 39
    (mark,) = [test for test in results["tests"] if test["number"] == "2.2"]
    assert (mark["score"], mark["max_score"]) == (5, 6)
    assert all("score" not in test for test in results["tests"] if test["number"].startswith("2.2."))


def test_junit() -> None:
    """The XML is well formed; tests, failures, errors and skipped are counted right; each check is a test case."""
    top = ElementTree.fromstring("".join(junit_xml(lambda: CLASS)))
    for suite in top.iter("testsuite"):
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(key, "")) == sum(case.find(tag) is not None for case in cases)
    suites = {suite.get("name"): suite for suite in top.iter("testsuite")}
    assert suites["smith-jo"].get("errors") == "1"
    assert suites["lee-sam"].get("skipped") == "3"
    assert suites["lee-sam"].get("failures") == "1"
    assert int(top.get("tests", "")) == 3 * 25 + 1


def notebook(*sources: str) -> str:
    """A notebook with these code cells, an empty one first."""
    cells = [nbformat.v4.new_code_cell(""), nbformat.v4.new_markdown_cell("# Title")]
    cells += [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    return str(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))


def test_annotated_notebook() -> None:
    """The annotated notebook is valid, keeps every cell of the student's, has each lost mark right below the cell that
    it concerns, and everything else on top; nothing that the student wrote becomes markup."""
    grade = faulty()
    text = notebook(*(f"x = {number}" for number in range(1, 10)))
    made = nbformat.reads(annotate(grade, text), as_version=4)
    nbformat.validate(made)
    own = [c for c in made.cells if "grade" not in c.metadata.get("tags", [])]
    assert own == nbformat.reads(text, as_version=4).cells
    below = {
        before.source: cell_.source
        for before, cell_ in zip(made.cells, made.cells[1:], strict=False)
        if cell_.id.startswith("grade-cell-")
    }
    assert "layers.convolution" in below["x = 5"]
    for check in (check for question in grade.questions for check in question.checks if check.outcome == "unmet"):
        assert check.id.replace("_", r"\_") in "".join([made.cells[0].source, *below.values()])
    outside_of_code = re.sub(r"(`+) .*? \1", "", "\n".join(c.source for c in made.cells))
    assert "<script>" not in outside_of_code
    assert "**bold**" not in outside_of_code
    assert made.cells[0].id == "grade-summary"


def test_annotations_of_cells_that_are_not_there() -> None:
    """A finding in a cell that the notebook does not have goes to the top."""
    made = nbformat.reads(annotate(faulty(), notebook("x = 1")), as_version=4)
    assert "layers.convolution" in made.cells[0].source


def test_a_perfect_notebook_says_so() -> None:
    """Without lost marks there is the summary and the notes."""
    made = nbformat.reads(annotate(grade_with({}), notebook("x = 1")), as_version=4)
    assert [c.id for c in made.cells if "grade" in c.metadata.get("tags", [])] == ["grade-summary"]
    assert "50 / 50" in made.cells[0].source
