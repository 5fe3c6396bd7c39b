"""The catalogue of findings: complete, explained, and with examples that work."""

from __future__ import annotations

import copy
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.checks.catalogue import FindingKind, all_kinds, find_kind
from grader.errors import UsageError

# The design's table: every id, under the group that it is listed with there.
PUBLISHED = {
    "run": """run.cell-error run.undefined-name run.placeholder run.syntax-error run.timeout run.out-of-memory
        run.killed run.shadowed-module run.network-attempt""",
    "1": """data.not-loaded data.swapped-splits data.truncated data.test-in-training data.shapes-not-shown
        data.unnormalised""",
    "2.1": """layer.kernel-size layer.stride layer.padding layer.channels layer.extra layer.missing-activation
        layer.wrong-activation layer.dense-size layer.not-registered layer.recreated""",
    "2.2": """forward.transposed-image forward.scrambled-image forward.batch-mixed forward.activation-discarded
        forward.activation-on-logits forward.detached forward.wrong-output forward.fixed-batch""",
    "2.3": """loss.double-softmax loss.not-cross-entropy loss.swapped-arguments optimizer.not-sgd
        optimizer.wrong-parameters optimizer.rebuilt optimizer.learning-rate""",
    "3.1": """target.not-one-hot target.wrong-class target.misaligned train.overlapping-batches train.coverage
        train.batch-size train.epochs train.no-backward train.wrong-gradient train.maximises train.keeps-graph""",
    "3.2": """update.no-step update.no-zero-grad update.cleared-before-step update.step-frequency
        update.zero-frequency""",
    "3.3": """test.missing test.updates-model test.on-training-data test.coverage test.stale-output test.gradients-on
        report.wrong-metric report.accuracy-mismatch""",
    "4": "plot.missing plot.untrained-filters plot.wrong-tensor plot.too-few",
    "accuracy": "accuracy.below-reference accuracy.suspicious",
}
# Those that cost another question than the one that they are listed with.
COST_ELSEWHERE = {"loss.double-softmax": "2.2", "data.test-in-training": "3.3", "data.truncated": "3.1"}
# Those that cost no marks by themselves.
COST_NOTHING = {
    "run.shadowed-module", "run.network-attempt", "data.unnormalised", "forward.fixed-batch",
    "train.keeps-graph", "test.gradients-on", "report.accuracy-mismatch", "accuracy.suspicious",
}  # fmt: skip
HEADS = ["What it is.", "Why it matters.", "How to see it.", "What to read."]

each_kind = pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.id)


def code_blocks(kind: type[FindingKind]) -> list[str]:
    """The Python examples of an explanation."""
    return re.findall(r"^```python\n(.*?)^```$", kind.explanation, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def solution(repo_root: Path) -> Iterator[dict[str, Any]]:
    """The names that the examples may use: the reference solution's before its training, with random images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repo_root / "reference"))
        patch.setenv("MPLBACKEND", "Agg")
        notebook = json.loads((repo_root / "reference" / "solution.ipynb").read_text(encoding="utf-8"))
        sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
        wanted = [source for source in sources if re.search(r"^import torch$|^class CNN|^batch_size", source, re.M)]
        names: dict[str, Any] = {}
        for source in wanted:
            exec(source, names)  # noqa: S102  (our own notebook)
        setup = """
train_X, test_X = torch.rand(90, 784), torch.rand(70, 784)
train_Y, test_Y = torch.arange(90) % 10, torch.arange(70) % 10
model, loss_function = CNN(), nn.CrossEntropyLoss()
"""
        exec(setup, names)  # noqa: S102  (the lines above)
        yield names
        sys.modules.pop("helper_functions", None)


def test_every_published_id_is_there_once() -> None:
    """The catalogue has the ids of the design's table, all of them, no other, none twice, in the table's order."""
    published = [id for ids in PUBLISHED.values() for id in ids.split()]
    assert [kind.id for kind in all_kinds()] == published
    assert len(set(published)) == len(published) == 70


def test_each_finding_costs_its_own_question_but_for_the_exceptions() -> None:
    """A finding costs the question that the design lists it with, or the one that the design names for it."""
    for question, ids in PUBLISHED.items():
        for id in ids.split():
            assert find_kind(id).question == COST_ELSEWHERE.get(id, question), id


def test_questions_are_those_of_the_rubric(repo_root: Path) -> None:
    """Every question that a finding costs exists in the rubric; only `run` stands beside it."""
    rubric = tomllib.loads((repo_root / "reference" / "rubric.toml").read_text(encoding="utf-8"))
    questions = {question["id"] for question in rubric["questions"]}
    assert {kind.question for kind in all_kinds()} == questions | {"run"}


def test_only_what_can_cost_marks_is_a_fault() -> None:
    """What costs no marks is a warning or a note, and test.gradients-on is the one note."""
    assert {kind.id for kind in all_kinds() if kind.severity != "fault"} == COST_NOTHING
    assert [kind.id for kind in all_kinds() if kind.severity == "note"] == ["test.gradients-on"]


def test_no_kind_is_left_out_of_the_table() -> None:
    """Every class that was written is in the explicit table, so no explanation lies there unpublished."""
    assert set(FindingKind.__subclasses__()) == set(all_kinds())


@each_kind
def test_docstring_has_title_and_four_parts(kind: type[FindingKind]) -> None:
    """A docstring is a one-sentence title and the four paragraphs, each once, in order, none of them empty."""
    assert kind.__doc__ is not None
    assert kind.__doc__.splitlines()[0] == f"{kind.title}."
    assert 10 < len(kind.title) <= 100
    assert not re.search(r"[.!?]\s", kind.title)
    parts = re.split(r"^\*\*([^*]+)\*\*\s", kind.explanation, flags=re.MULTILINE)
    assert parts[0] == ""
    assert parts[1::2] == HEADS
    assert all(len(text.strip()) > 40 for text in parts[2::2])


@each_kind
def test_explanation_is_at_most_a_page(kind: type[FindingKind]) -> None:
    """An explanation is short enough to be read at once, and long enough to explain."""
    assert 9 <= len([line for line in kind.explanation.splitlines() if line]) <= 25


@each_kind
def test_explanation_shows_something_to_try_and_to_read(kind: type[FindingKind]) -> None:
    """Each explanation has an example in a code block that is closed, and links to a page over https."""
    assert kind.explanation.count("```") == 2
    links = re.findall(r"<(\S+?)>", kind.explanation.partition("**What to read.**")[2])
    assert links
    assert all(re.fullmatch(r"https://[\w.-]+/[\w./#-]*", link) for link in links)


@each_kind
def test_examples_run_beside_the_reference_solution(kind: type[FindingKind], solution: dict[str, Any]) -> None:
    """What a student is told to try works, with the names of the skeleton, and without changing the network's kind."""
    import matplotlib.pyplot as plt
    import torch

    for block in code_blocks(kind):
        names = {**solution, "model": copy.deepcopy(solution["model"])}
        names["optimizer"] = torch.optim.SGD(names["model"].parameters(), lr=0.01)
        try:
            exec(compile(block, kind.id, "exec"), names)  # noqa: S102  (our own examples, to be tried as students do)
        finally:
            plt.close("all")


@each_kind
def test_hint_is_one_sentence_of_plain_text(kind: type[FindingKind]) -> None:
    """A hint stands in every format of a report: one sentence, without Markdown, that says what to do."""
    assert kind.hint.endswith(".")
    assert not re.search(r"[.!?]\s", kind.hint)
    assert not set(kind.hint) & set("`*\n")
    assert 15 < len(kind.hint) <= 120
    assert kind.hint[0].isupper()


@each_kind
def test_rows_are_ids_of_the_mistakes(kind: type[FindingKind]) -> None:
    """The rows are ids such as A1 or E10, none of them twice."""
    assert all(re.fullmatch(r"[A-I]\d{1,2}", row) for row in kind.rows)
    assert len(set(kind.rows)) == len(kind.rows)


def test_measured_accuracies_say_what_they_were_measured_on() -> None:
    """An accuracy that an explanation quotes is never left without its data, which differs from the student's."""
    assert "8,000 for training" in find_kind("layer.kernel-size").explanation
    assert "8,000 for training" not in find_kind("plot.missing").explanation
    for kind in all_kinds():
        quotes = "we measured" in " ".join((kind.__doc__ or "").lower().split())
        assert quotes == ("8,000 for training" in kind.explanation), kind.id


def test_the_figures_of_double_softmax_are_right() -> None:
    """The floor that loss.double-softmax states is what torch computes for a perfect answer of ten classes."""
    import torch
    from torch.nn.functional import cross_entropy

    floor = cross_entropy(torch.eye(10), torch.arange(10)).item()
    assert f"{floor:.4f}" == "1.4612"
    assert "1.4612" in find_kind("loss.double-softmax").explanation


@pytest.mark.parametrize("written", ["loss.double-softmax", " Loss.Double-Softmax\n"])
def test_find_kind_knows_an_id_however_it_is_written(written: str) -> None:
    """Case and surrounding white space do not matter to `find_kind`."""
    assert find_kind(written).id == "loss.double-softmax"


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("loss.double_softmax", "loss.double-softmax"),
        ("double-softmax", "loss.double-softmax"),
        ("update.zero-grad", "update.no-zero-grad"),
        ("missing", "test.missing or plot.missing"),
    ],
)
def test_unknown_id_is_a_usage_error_that_names_the_nearest(wrong: str, near: str) -> None:
    """An id that does not exist raises UsageError, not KeyError, and the remedy names what was probably meant."""
    with pytest.raises(UsageError) as caught:
        find_kind(wrong)
    assert wrong in str(caught.value)
    assert near in str(caught.value)


@pytest.mark.parametrize("wrong", ["", "?", "x" * 100_000])
def test_an_id_like_no_other_gives_a_short_error(wrong: str) -> None:
    """Where nothing is near the error says what an id looks like, and stays short whatever was typed."""
    with pytest.raises(UsageError) as caught:
        find_kind(wrong)
    assert "run.timeout" in str(caught.value)
    assert len(str(caught.value)) < 300
