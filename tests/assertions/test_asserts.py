"""The asserts that the grader is compared with: they pass what a teacher would pass, and fail what they can see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grader.assignment import Dataset
from tests.assertions.asserts import ASSERTS
from tests.assertions.run import UNFINISHED, measure
from tests.assertions.stored import content_key, failed_by_case
from tests.corpus.cases import Case
from tests.corpus.table import NOT_FOUND
from tests.tamper.programs import program

# On 300 images the reference learns less than the asserts' 85% ask for; this one memorises them.
LEARNS = ("range(10)", "range(60)")


def case(*faults: str, text: str = "", kind: str = "module", limit: float | None = None) -> Case:
    """A program with these mistakes, trained for longer; or any text."""
    return Case("one", kind, "", text or program(faults, LEARNS), limit_seconds=limit)


@pytest.fixture(scope="session")
def data(small_data: Path) -> Path:
    """The data folder that programs are given a copy of."""
    return small_data


def test_right_program_passes(data: Path) -> None:
    """A program whose variables have the skeleton's names fails nothing."""
    assert measure(case(), data) == {}


def test_other_names_are_found(data: Path) -> None:
    """A model and an optimizer under any name are found, whatever else lies about."""
    text = program((), LEARNS).replace("model", "network").replace("optimizer", "sgd")
    assert measure(case(text=f"{text}\nmodel, loss_function = 'done', None\n"), data) == {}


def test_notebook_goes_on_after_a_failed_cell(data: Path) -> None:
    """As in nbgrader, what the other cells define is looked at; magics and output do not matter."""
    text = f"# %%\n%matplotlib inline\n1 / 0\n# %% [markdown]\n# prose\n# %%\n{program((), LEARNS)}\n# %%\nmissing\n"
    assert measure(case(text=text, kind="notebook"), data) == {}


@pytest.mark.parametrize(
    ("fault", "question", "reason"),
    [
        ("kernel 5", "2.1", "(10, 1, 5, 5)"),
        ("20 classes", "2.2", "(30, 20)"),
        ("Adam", "2.3", "Adam"),
        ("no step", "accuracy", "the accuracy is 0."),
    ],
)
def test_each_assert_fails_what_it_is_about(data: Path, fault: str, question: str, reason: str) -> None:
    """Another kernel, another number of scores, another optimizer, a model that did not learn."""
    assert reason in measure(case(fault), data)[question]


def test_variables_in_functions_are_not_found(data: Path) -> None:
    """Asserts see global variables alone; the reason says that none was there."""
    lines = "".join(f"    {line}\n" for line in program((), LEARNS).splitlines())
    failed = measure(case(text=f"def main():\n{lines}\nmain()\n"), data)
    assert set(failed) == set(ASSERTS)
    assert all(reason.startswith(NOT_FOUND) for reason in failed.values())


@pytest.mark.parametrize("text", ["while True:\n    pass\n", "import os\nos._exit(0)\n"])
def test_program_without_an_end_fails_everything(data: Path, text: str) -> None:
    """A program that is killed or that kills its process leaves no variables."""
    assert measure(case(text=text, limit=4.0), data) == dict.fromkeys(ASSERTS, UNFINISHED)


def test_results_are_kept_until_something_changes(data: Path, tmp_path: Path) -> None:
    """What is stored is not measured again; a changed program is, and other cases' results stay."""
    dataset = Dataset("small", "abc", data, 300, 150)
    stored = tmp_path / "assertions.json"
    first = replace(case("Adam"), name="first")
    known = {"first": {"key": content_key(first, "abc"), "failed": {"2.1": "kept"}}}
    stored.write_text(json.dumps(known), encoding="utf-8")
    changed = replace(case("no step"), name="second")
    found = failed_by_case([first, changed], dataset, 1, stored)
    assert found["first"] == {"2.1": "kept"}
    assert set(found["second"]) == {"accuracy"}
    kept = json.loads(stored.read_text(encoding="utf-8"))
    assert kept["first"] == known["first"]
    assert kept["second"] == {"key": content_key(changed, "abc"), "failed": found["second"]}
    assert content_key(replace(first, text=f"{first.text}#"), "abc") != content_key(first, "abc")
    assert content_key(first, "abd") != content_key(first, "abc")
