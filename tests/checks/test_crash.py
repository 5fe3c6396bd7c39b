"""A crash costs the question whose code stopped, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks.crash import charge_crashes
from grader.checks.sections import section
from grader.checks.table import CHECKS
from grader.evidence.values import Place, RunError
from grader.verify.result import Architecture
from tests.checks.cases import ARCHITECTURE, NOTHING, STATE, rubric, with_evidence, with_facts

PROGRAM = """import torch
from helper_functions import read_npz
X, Y = read_npz("data/train.npz")
print(X.shape)
class CNN(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 10, 8, 2)
    def forward(self, x):
        return self.conv(x)
def one_hot(labels):
    return torch.eye(10)[labels]
model = CNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
def test(model):
    with torch.no_grad():
        out = model(X_test)
    return out
for epoch in range(10):
    for i in range(0, len(X), 30):
        y_hat = model(X[i : i + 30])
        loss = loss_fn(y_hat, one_hot(Y[i : i + 30]))
        loss.backward()
        optimizer.stop()
    print(test(model))
plt.imshow(model.conv.weight[0, 0])
"""
LINES = {3: "1", 4: "1", 8: "2.1", 10: "2.2", 12: "3.1", 14: "2.3", 17: "3.3", 21: "3.1", 23: "3.1", 24: "3.2", 26: "4"}


@pytest.mark.parametrize(("line", "question"), LINES.items())
def test_a_line_belongs_to_its_question(line: int, question: str) -> None:
    """Loading, layers, forward pass, objective, loop, update, test phase and plot are told apart."""
    assert section(PROGRAM, line) == question


def test_the_skeletons_own_mark_decides() -> None:
    """A comment that names the question is believed."""
    assert section("# Question 3.3: test phase\nx = model(y)\n", 2) == "3.3"


def test_text_that_does_not_parse_is_placed_too() -> None:
    """A missing bracket in the plot is the plot's."""
    assert section("for i in range(10)\n    plt.imshow(w[i]\n", 2) == "4"


def charged(
    *errors: RunError, architecture: Architecture | None = None, source: str = PROGRAM, **evidence: object
) -> list[tuple[str, str | None]]:
    """(check, finding) of what a program with no other evidence loses by `errors`; `evidence` replaces parts."""
    case = with_facts(
        with_evidence(errors=errors, **evidence),
        **{
            name: getattr(NOTHING, name)
            for name in (
                "steps",
                "updates",
                "training",
                "passes",
                "other_passes",
                "accuracy",
                "probe",
                "shown",
            )
        },
        architecture=architecture,
    )
    case = replace(case, sources={("a.ipynb", 1): source})
    specs = [spec for question in rubric().questions for spec in question.checks]
    before = [CHECKS[spec.id](case, spec) for spec in specs]
    after = charge_crashes(case, before)
    return [(b.result.id, b.result.finding) for a, b in zip(before, after, strict=True) if a.result != b.result]


def error(line: int, text: str, kind: str = "RuntimeError") -> RunError:
    """An exception at a line of the program."""
    return RunError(1, kind, text, Place("a.ipynb", 1, line))


@pytest.mark.parametrize(
    ("errors", "check", "finding"),
    [
        ((error(24, "'SGD' object has no attribute 'stop'", "AttributeError"),), "update.step", "run.cell-error"),
        ((error(24, "'Adam' object has no attribute 'zero'", "AttributeError"),), "update.zero_grad", "run.cell-error"),
        ((error(24, "no attribute 'stop'", "AttributeError"),), "update.step", "run.cell-error"),
        ((error(10, "Expected 3D or 4D input"),), "forward.image", "run.cell-error"),
        (
            (error(14, "optimizer got an empty parameter list", "ValueError"),),
            "layers.convolution",
            "layer.not-registered",
        ),
        (
            (error(22, "Expected floating point type for target with class probabilities"),),
            "training.targets",
            "run.cell-error",
        ),
        ((error(23, "element 0 of tensors does not require grad"),), "training.gradient", "train.no-backward"),
        ((error(21, "name 'model' is not defined", "NameError"),), "training.gradient", "run.undefined-name"),
    ],
)
def test_a_crash_costs_one_check(errors: tuple[RunError, ...], check: str, finding: str) -> None:
    """The place decides, or torch's words where an object that was made wrongly fails later."""
    assert charged(*errors) == [(check, finding)]


def test_what_follows_from_a_crash_costs_nothing() -> None:
    """Cells that fail for want of what an earlier one should have made are not charged again."""
    first = error(14, "missing 1 required positional argument: 'self'", "TypeError")
    assert charged(first, error(26, "name 'model' is not defined", "NameError")) == [
        ("objective.parameters", "run.cell-error")
    ]


def test_leaving_is_no_crash() -> None:
    """`sys.exit(0)` at the end of a script is an error to Jupyter alone."""
    assert charged(error(26, "0", "SystemExit")) == []


def test_a_question_that_was_seen_to_work_loses_nothing() -> None:
    """A crash behind all evidence of a question, in a further plot say, leaves its marks."""
    case = replace(with_evidence(errors=(error(26, "bad value", "ValueError"),)), sources={("a.ipynb", 1): PROGRAM})
    verdicts = [CHECKS[spec.id](case, spec) for question in rubric().questions for spec in question.checks]
    assert charge_crashes(case, verdicts) == tuple(verdicts)


def test_a_file_that_does_not_parse_is_placed_by_the_error() -> None:
    """The line stands in the error's text; the place is that of whoever ran the file."""
    stopped = error(1, "expected ':' (a.py, line 17)", "SyntaxError")
    assert charged(stopped) == [("testing.phase", "run.syntax-error")]


def test_a_function_that_only_draws_is_the_plots_wherever_it_is_called() -> None:
    """The call belongs to question 4 in a `main` as well, which trains besides."""
    source = (
        "def show(model):\n    plt.imshow(model)\n\n\ndef train(model):\n    loss.backward()\n\n\n"
        "def main():\n    for epoch in range(10):\n        train(model)\n    show(net)\n"
    )
    assert section(source, 12) == "4"
    assert section(source, 11) != "4"


PRODUCT = "mat1 and mat2 shapes cannot be multiplied (1x36300 and 1210x10)"


@pytest.mark.parametrize(
    ("rows", "text", "check", "finding"),
    [
        (30, PRODUCT, "forward.flattened", "forward.batch-mixed"),
        (1, PRODUCT, "layers.dense", "layer.dense-size"),
        (30, PRODUCT.replace("1x36300", "30x1000"), "layers.dense", "layer.dense-size"),
    ],
)
def test_one_row_of_a_batch_is_no_wrong_layer(rows: int, text: str, check: str, finding: str) -> None:
    """Where several images become one row it is the flattening; a single image has one row by right."""
    stopped = replace(ARCHITECTURE, rows=rows, dense_in=None, dense_out=None, dense_rows=None)
    assert charged(error(10, text), architecture=stopped) == [(check, finding)]


@pytest.mark.parametrize(
    ("name", "shape", "question"),
    [
        ("train_X", [60_000], "1"),
        ("x_train", [60_000, 10], "1"),
        ("train_images", [60_000, 1], "1"),
        ("train_X", [60_000, 784], "3.1"),
        ("train_Y", [60_000], "3.1"),
        ("x_axis", [100], "3.1"),
    ],
)
def test_labels_in_the_place_of_images_are_the_loadings(name: str, shape: list[int], question: str) -> None:
    """Variables that are called like images and hold labels: images and labels were exchanged when loading."""
    state = replace(STATE, variables=({"name": name, "shape": shape},))
    stopped = error(12, "tensors used as indices must be long, int, byte or bool tensors", "IndexError")
    (lost,) = charged(stopped, state=state)
    assert lost[0] == {"1": "data.loaded", "3.1": "training.gradient"}[question]


@pytest.mark.parametrize(("loss", "check"), [("NLLLoss", "objective.loss"), ("CrossEntropyLoss", "training.targets")])
def test_one_hot_rows_that_a_loss_refuses(loss: str, check: str) -> None:
    """The negative log-likelihood takes no one-hot rows; cross entropy does, unless there are too many columns."""
    stopped = error(22, "0D or 1D target tensor expected, multi-target not supported")
    assert charged(stopped, source=f"{PROGRAM}loss_fn = torch.nn.{loss}()\n") == [(check, "run.cell-error")]
