"""A grade belongs to what a program does: how it is named, ordered, cut, dressed and written changes nothing.

Every property holds for the right program, which keeps its full marks, and for programs with a mistake, whose mistake
is found again and nothing else. Each example runs in the sandbox, on small data.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from grader.score import Grade
from tests.properties import layout, names, statements, styles
from tests.properties.conftest import Files, Holds, outcome
from tests.tamper.programs import program

# One mistake a question and more, all of which leave the lines alone that `styles` exchanges.
FAULTS = (
    "stride 1", "padding 2", "kernel 5", "no activation", "sigmoid", "transposed", "activation discarded",
    "double softmax", "squared error", "Adam", "dense parameters only", "index targets", "misaligned targets",
    "5 epochs", "no step", "no plot",
)  # fmt: skip
# Mistakes in lines that `styles` exchanges: for the properties that exchange no line.
MORE_FAULTS = (
    *FAULTS, "half of the images", "no zero_grad", "no test phase", "tests on training images",
    "learns from the test set", "nothing reported", "untrained kernels", "shapes not shown",
)  # fmt: skip
Rewrite = Callable[[str, Random], str]

real_runs = settings(settings.get_profile("real-runs"))
# Seeded by Hypothesis and not shrunk: the simplest program that fails would take hundreds of runs to find.
randoms = st.randoms(use_true_random=True)
right_and_faulty = pytest.mark.parametrize("kind", ["right", "faulty"])


def draw(kind: str, random: Random, faults: tuple[str, ...]) -> tuple[str, ...]:
    """No mistake, or one of `faults`."""
    chosen = (random.choice(faults),) if kind == "faulty" else ()
    note(f"mistake: {', '.join(chosen) or 'none'}")
    return chosen


def script(text: str) -> Files:
    """A submission of one module."""
    return {"practical.py": text.encode()}


def notebook(cells: list[str], random: Random | None = None) -> Files:
    """A submission of one notebook."""
    return {"practical.ipynb": layout.notebook(cells, random)}


def test_plain_program_is_right(graded: Callable[[Files], Grade]) -> None:
    """The control: the program that all properties start from gets every point and no finding that costs any."""
    grade = graded(script(program()))
    assert grade.score == grade.max_score == 50
    assert not [each.id for each in grade.findings if each.severity == "fault"]


@pytest.mark.parametrize("fault", ["stride 1", "no step", "no plot"])
def test_a_mistake_is_a_difference(graded: Callable[[Files], Grade], fault: str) -> None:
    """The control: a program with a mistake has another outcome, so an unchanged one means something."""
    assert outcome(graded(script(program((fault,))))) != outcome(graded(script(program())))


@right_and_faulty
@given(random=randoms)
@real_runs
def test_names_do_not_matter(unchanged: Holds, kind: str, random: Random) -> None:
    """Every variable, function, class, attribute and imported module may be called anything."""
    faults = draw(kind, random, MORE_FAULTS)
    unchanged(script(names.renamed(program(faults), random)), faults)


@right_and_faulty
@given(random=randoms)
@real_runs
def test_order_of_independent_cells_does_not_matter(unchanged: Holds, kind: str, random: Random) -> None:
    """Statements that do not depend on each other may stand in any order, each in a cell of its own."""
    faults = draw(kind, random, MORE_FAULTS)
    text = statements.reordered(program(faults), random)
    unchanged(notebook([part.strip("\n") for part in statements.statements(text)]), faults)


@right_and_faulty
@given(random=randoms)
@real_runs
def test_cells_do_not_matter(unchanged: Holds, kind: str, random: Random) -> None:
    """The same statements in few long cells or many short ones."""
    faults = draw(kind, random, MORE_FAULTS)
    unchanged(notebook(statements.cells(program(faults), random)), faults)


@right_and_faulty
@given(random=randoms)
@real_runs
def test_notebook_format_does_not_matter(unchanged: Holds, kind: str, random: Random) -> None:
    """Any version of the format, with prose between the cells and outputs of an earlier run."""
    faults = draw(kind, random, MORE_FAULTS)
    unchanged(notebook(statements.cells(program(faults), random), random), faults)


@right_and_faulty
@given(random=randoms)
@real_runs
def test_kind_of_submission_does_not_matter(unchanged: Holds, kind: str, random: Random) -> None:
    """A notebook of one cell, a folder with the model in a module of its own, or a zip."""
    faults = draw(kind, random, MORE_FAULTS)
    text = program(faults)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("work/main.py", text)
    ways: list[Files] = [
        notebook([text]), {"main.py": text.encode(), "notes.txt": b"done"}, {"w.zip": zipped.getvalue()}, folder(text),
    ]  # fmt: skip
    unchanged(random.choice(ways), faults)


def folder(text: str) -> Files:
    """The program as two files: its class in `network.py`."""
    parts = statements.statements(text)
    (model,) = (part for part in parts if part.strip().startswith("class "))
    imports = "".join(part for part in parts if statements.is_import(part))
    main = text.replace(model, "\n\nfrom network import CNN\n")
    return {"main.py": main.encode(), "network.py": f"{imports}{model}".encode()}


@pytest.mark.parametrize(
    "rewrite", [layout.commented, layout.formatted, statements.in_functions, statements.loops_in_functions]
)
@right_and_faulty
@given(random=randoms)
@real_runs
def test_appearance_does_not_matter(unchanged: Holds, kind: str, rewrite: Rewrite, random: Random) -> None:
    """Comments and blank lines, formatting, functions and a main guard around the program or its loops."""
    faults = draw(kind, random, MORE_FAULTS)
    unchanged(script(rewrite(program(faults), random)), faults)


@right_and_faulty
@given(random=randoms)
@real_runs
def test_bytes_do_not_matter(unchanged: Holds, kind: str, random: Random) -> None:
    """Line ends of any system, a byte order mark, another encoding that the file declares."""
    faults = draw(kind, random, MORE_FAULTS)
    unchanged({"practical.py": layout.encoded(program(faults), random)}, faults)


@pytest.mark.parametrize(
    "rewrite",
    [
        styles.on_a_device, styles.other_clearing, styles.other_one_hot, styles.other_lines, styles.talkative,
        styles.cluttered,
    ],
)  # fmt: skip
@right_and_faulty
@given(random=randoms)
@real_runs
def test_style_does_not_matter(unchanged: Holds, kind: str, rewrite: Rewrite, random: Random) -> None:
    """Devices, clearing of gradients, one-hot targets, printed lines, more output, things that are never used."""
    # Beside other pictures, kernels that are missing are another finding: that something else is plotted.
    fitting = tuple(each for each in FAULTS if rewrite is not styles.talkative or each != "no plot")
    faults = draw(kind, random, fitting)
    unchanged(script(rewrite(program(faults), random)), faults, learns_otherwise=rewrite is styles.cluttered)


@pytest.mark.parametrize("rewrite", [styles.other_order, styles.other_seed])
@right_and_faulty
@given(random=randoms)
@real_runs
def test_chance_does_not_matter(unchanged: Holds, kind: str, rewrite: Rewrite, random: Random) -> None:
    """Another order of the images and other seeds: the weights differ, the grade does not."""
    faults = draw(kind, random, FAULTS)
    unchanged(script(rewrite(program(faults), random)), faults, learns_otherwise=True)


@right_and_faulty
@given(random=randoms)
@real_runs
def test_all_at_once_does_not_matter(unchanged: Holds, kind: str, random: Random) -> None:
    """Several changes of style one after the other, in a notebook."""
    faults = draw(kind, random, FAULTS)
    text = program(faults)
    every: list[Rewrite] = [
        styles.other_order, styles.on_a_device, styles.other_one_hot, styles.other_lines, styles.cluttered,
    ]  # fmt: skip
    for rewrite in random.sample(every, 3):
        try:
            text = rewrite(text, random)
        except ValueError:  # the line that it exchanges was exchanged already
            continue
    text = names.renamed(statements.reordered(text, random), random)
    unchanged(notebook(statements.cells(text, random), random), faults, learns_otherwise=True)
