"""Sample grades: a perfect one, one full of faults and hostile text, a rejected one and one stopped half-way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from grader.score import (
    Accuracy,
    AssignmentInfo,
    CheckResult,
    DatasetInfo,
    EpochMetrics,
    Finding,
    Grade,
    QuestionScore,
    Reference,
    RunInfo,
    Stage,
    SubmissionInfo,
    Training,
    Where,
)

HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>",
    "ansi": "\x1b[31mred\x1b[0m\x1b[2J\x9b1mbold",
    "osc": "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07\x1b]52;c;ZXZpbA==\x1b\\",
    "rich": "[red]markup[/red] [link=https://evil.example]x[/link] [/]",
    "bidi": "admin\u202egnp.exe\u202c \u2066isolated\u2069 \u200bhidden\ufeff",
    "markdown": "**bold** [click](https://evil.example) ![i](javascript:alert(4)) `x` | cell | @everyone <b>",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7}",
    "controls": "a\x00b\x07c\rd\x08e\x7f\u2028f\ud800g",
    "lines": "first\n# heading\n- item\n| a | b |",
}
"""Strings that a student may put into names, code and messages, by what they attack."""

QUESTIONS = {
    "1": ("Load the data", 4.0),
    "2.1": ("Define the layers", 8.0),
    "2.2": ("Write the forward pass", 6.0),
    "2.3": ("Instantiate model, loss and optimizer", 6.0),
    "3.1": ("Training phase: forward, loss, backward", 7.0),
    "3.2": ("Update the parameters", 4.0),
    "3.3": ("Test phase", 5.0),
    "4": ("Plot the learned filters", 3.0),
    "accuracy": ("Accuracy", 7.0),
}

CHECKS = (
    ("data.loaded", "1", 3, "both sets loaded from data/train.npz and data/test.npz with read_npz"),
    ("data.shapes_shown", "1", 1, "the shapes of both sets printed"),
    ("layers.convolution", "2.1", 4, "convolution 1 → 10 channels, 8×8 kernel, stride 2, no padding"),
    ("layers.activation", "2.1", 1, "ReLU after the convolution"),
    ("layers.dense", "2.1", 3, "dense layer 1210 → 10"),
    ("forward.image", "2.2", 1, "rows of 784 turned into upright images of 28×28×1"),
    ("forward.convolution_output", "2.2", 1, "convolution output z_1 of 11×11×10"),
    ("forward.activation_applied", "2.2", 1, "v_1 = ReLU(z_1), of the same shape"),
    ("forward.flattened", "2.2", 1, "u_2 of 1210 values an image"),
    ("forward.logits", "2.2", 2, "10 logits an image, no softmax before cross entropy"),
    ("objective.loss", "2.3", 3, "cross entropy between the logits and the targets"),
    ("objective.optimizer", "2.3", 2, "stochastic gradient descent (torch.optim.SGD)"),
    ("objective.parameters", "2.3", 1, "the optimizer holds every parameter of this model"),
    ("training.targets", "3.1", 2, "one-hot targets of shape (N, 10)"),
    ("training.gradient", "3.1", 3, "a backward pass that adds the gradient of the loss"),
    ("training.batches", "3.1", 1, "batches of 30 that go through the whole training set"),
    ("training.epochs", "3.1", 1, "10 epochs"),
    ("update.step", "3.2", 2, "one optimizer step a batch"),
    ("update.zero_grad", "3.2", 2, "gradients cleared once a step"),
    ("testing.phase", "3.3", 2, "forward pass and loss over the test set in each epoch"),
    ("testing.no_learning", "3.3", 2, "nothing learnt from test images"),
    ("testing.reported", "3.3", 1, "a test accuracy printed that is the model's own"),
    ("filters.plotted", "4", 1, "the ten 8×8 filters plotted"),
    ("filters.trained", "4", 2, "the filters plotted after training, from the graded model"),
    ("accuracy.reference", "accuracy", 7, "a test accuracy within the band of the reference CNN"),
)

ASSIGNMENT = AssignmentInfo("practical5", "Practical 5: MNIST and CNNs in PyTorch", "9f2c" * 16)
DATASET = DatasetInfo("offline digits", 12_000, 2_000, "51ab" * 16)
RUN = RunInfo("full", 38.24, 36.9, 612.4, 20_240_501, False)
REFERENCE = Reference(0.9731, 0.0018, 5)
SHAPES = (
    ("x", "one image of 784 values, as rows of pixels", (28, 28, 1)),
    ("z_1", "convolution 8×8, stride 2, 10 channels", (11, 11, 10)),
    ("v_1", "ReLU", (11, 11, 10)),
    ("u_2", "flatten", (1210,)),
    ("y_hat", "dense 1210 → 10, no softmax", (10,)),
)
REFERENCE_EPOCHS = tuple(
    EpochMetrics(
        1.9 * math.exp(-0.8 * epoch) + 0.12,
        0.975 - 0.42 * math.exp(-0.7 * epoch),
        1.8 * math.exp(-0.75 * epoch) + 0.15,
        0.973 - 0.40 * math.exp(-0.7 * epoch),
    )
    for epoch in range(10)
)

CELL_5 = """class CNN(nn.Module):
    def __init__(self, M_1, M_2, M_3, K, stride):
        super().__init__()
        self.M_2 = M_2
        self.K = K

        # Q2.1: the layers
        self.conv = nn.Conv2d(1, K, kernel_size=5, stride=stride)
        self.act = nn.Sigmoid()  # <script>alert("cell")</script> \x1b[31m
        self.dense = nn.Linear(1440, 10)

    def forward(self, x):
        return torch.softmax(self.dense(self.act(self.conv(x.view(-1, 1, 28, 28))).flatten(1)), dim=1)
"""
CELL_7 = """for epoch in range(epochs):
    for i in range(2000):
        x, y = X_train[i : i + 30], Y_train[i : i + 30]
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
"""


def line_of(cell: int, line: int, source: str) -> Where:
    """A place in one of the two cells above."""
    return Where("cnn.ipynb", cell, line, source.split("\n")[line - 1])


def grade_with(changes: Mapping[str, CheckResult], **fields: object) -> Grade:
    """A full grade in which the checks named in `changes` are replaced and everything else is met."""
    questions = []
    for question, (title, of) in QUESTIONS.items():
        checks = tuple(
            changes.get(id_, CheckResult(id_, question, "met", float(points), float(points), expected, expected))
            for id_, belongs, points, expected in CHECKS
            if belongs == question
        )
        questions.append(QuestionScore(question, title, sum(check.points or 0.0 for check in checks), of, checks))
    grade = Grade(
        assignment=ASSIGNMENT,
        submission=SubmissionInfo("meyer-anna", "submissions/meyer-anna", "folder", "c0de" * 16),
        status="graded",
        score=sum(question.score for question in questions),
        max_score=50.0,
        questions=tuple(questions),
        findings=(),
        accuracy=Accuracy(),
        training=Training(),
        dataset=DATASET,
        run=RUN,
    )
    return replace(grade, **fields)  # type: ignore[arg-type]


def lost(id_: str, points: float, observed: str, **fields: object) -> CheckResult:
    """The check `id_` of the rubric with only `points` of its points."""
    question, of, expected = next((entry[1], entry[2], entry[3]) for entry in CHECKS if entry[0] == id_)
    check = CheckResult(id_, question, "partly" if points else "unmet", float(points), float(of), expected, observed)
    return replace(check, **fields)  # type: ignore[arg-type]


def kernels(size: int = 8) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Ten smooth kernels with weights of either sign."""
    return tuple(
        tuple(
            tuple(0.3 * math.sin(0.5 * row * math.cos(k) + 0.5 * column * math.sin(k) + k) for column in range(size))
            for row in range(size)
        )
        for k in range(10)
    )


def confusion(correct: int = 190) -> tuple[tuple[int, ...], ...]:
    """Ten classes of 200 images: `correct` right, the rest called the next class or, for a few, the one after."""
    return tuple(
        tuple({0: correct, 1: 200 - correct - 3, 2: 3}.get((column - row) % 10, 0) for column in range(10))
        for row in range(10)
    )


def perfect() -> Grade:
    """Every check met."""
    epochs = tuple(replace(epoch, test_accuracy=(epoch.test_accuracy or 0.0) - 0.004) for epoch in REFERENCE_EPOCHS)
    return grade_with(
        {},
        accuracy=Accuracy(0.9705, 0.9705, REFERENCE, 2_000, (0.9622, 0.9773), confusion(194)),
        training=Training(epochs, REFERENCE_EPOCHS, 12_000, 12_000, 2_000, 2_000),
        stages=tuple(Stage(name, operation, shape, shape, operation) for name, operation, shape in SHAPES),
        filters=kernels(),
        findings=(
            Finding(
                "test.gradients-on",
                "3.3",
                "note",
                "observed",
                "The test phase runs without torch.no_grad(); that costs time, not marks.",
                Where("cnn.ipynb", 8, 14, "    y_hat = model(X_test[i:i + 30])"),
            ),
        ),
        cells=((5, CELL_5), (7, CELL_7)),
    )


def faulty() -> Grade:
    """Many faults, and hostile text in every field that a student can reach."""
    changes = _faults()
    epochs = tuple(
        EpochMetrics(2.31 - 0.04 * e, 0.3 + 0.06 * e, None if e == 3 else 2.3 - 0.035 * e, 0.28 + 0.061 * e)
        for e in range(10)
    )
    seen = ((28, 28, 1), (12, 12, 10), (12, 12, 10), (1440,), (10,))
    operations = (
        None,
        f"convolution 5×5, stride 2 {HOSTILE['html']}",
        "Sigmoid",
        None,
        "dense 1440 → 10, then softmax",
    )
    return grade_with(
        changes,
        submission=SubmissionInfo(
            f"mallory {HOSTILE['html']}{HOSTILE['bidi']}",
            f"in/{HOSTILE['ansi']}/{HOSTILE['rich']}",
            "folder",
            "bad0" * 16,
        ),
        accuracy=Accuracy(0.8955, 0.9451, REFERENCE, 2_000, (0.8812, 0.9086), confusion(171)),
        training=Training(epochs, REFERENCE_EPOCHS, 2_029, 12_000, 199, 2_000),
        stages=tuple(
            Stage(name, operation, shape, was, did)
            for (name, operation, shape), was, did in zip(SHAPES, seen, operations, strict=True)
        ),
        filters=kernels(5),
        findings=_findings(changes),
        review=(
            "layers.activation was not assessed: two activations follow the convolution in different calls.",
            "The accuracy that the notebook reports is higher than the measured one by 5.0 points.",
            f"The submission tried to open {HOSTILE['markdown']}",
            HOSTILE["controls"] + HOSTILE["lines"],
        ),
        cells=((5, CELL_5), (7, CELL_7)),
    )


def _faults() -> dict[str, CheckResult]:
    checks = (
        lost(
            "layers.convolution",
            1,
            "5×5 kernel, stride 2: 28×28×1 → 12×12×10",
            finding="layer.kernel-size",
            message="The kernel is not the one that was asked; channels and stride are right.",
            confidence="proved",
            hint="The size of the output is (28 − kernel) / stride + 1. Read: torch.nn.Conv2d.",
            where=line_of(5, 8, CELL_5),
        ),
        CheckResult(
            "layers.activation",
            "2.1",
            "not_assessed",
            None,
            1.0,
            "ReLU after the convolution",
            "",
            "two activations follow the convolution in different calls",
        ),
        lost(
            "forward.logits",
            0,
            "probabilities: every row sums to 1",
            finding="loss.double-softmax",
            message="torch.nn.CrossEntropyLoss applies the softmax itself, so it is applied twice here.",
            confidence="proved",
            hint="Return the output of the dense layer as it is.",
            where=line_of(5, 13, CELL_5),
        ),
        lost(
            "training.targets",
            0,
            "class indices of shape (30,)",
            finding="target.not-one-hot",
            hint=HOSTILE["markdown"],
            where=line_of(7, 4, CELL_7),
        ),
        lost(
            "training.batches",
            0,
            "windows that overlap by 29 images: 2,029 of 12,000 images were ever used",
            finding="train.overlapping-batches",
            message="i counts batches, but the slice starts at i, not at 30 * i.",
            confidence="proved",
            hint="X_train[30 * i : 30 * i + 30]",
            where=line_of(7, 3, CELL_7),
        ),
        lost(
            "update.zero_grad",
            0,
            HOSTILE["rich"] + HOSTILE["ansi"],
            finding="update.no-zero-grad",
            message="x" * 10_000,
            where=Where(f"{HOSTILE['osc']}/{HOSTILE['bidi']}.py", None, 40, HOSTILE["html"]),
        ),
        lost(
            "testing.reported",
            0,
            "94.5% reported, 89.6% measured",
            finding="report.accuracy-mismatch",
            message=HOSTILE["lines"] + HOSTILE["controls"] + HOSTILE["template"],
            where=Where("cnn.ipynb", 12, 3, "print(f'{hits / n:.2%}')  # " + "very long " * 200),
        ),
        lost(
            "accuracy.reference",
            4.25,
            "89.6%",
            finding="accuracy.below-reference",
            hint="The lost marks above explain the gap.",
            confidence="proved",
        ),
    )
    return {check.id: check for check in checks}


def _findings(changes: Mapping[str, CheckResult]) -> tuple[Finding, ...]:
    told = tuple(
        Finding(check.finding, check.question, "fault", check.confidence, check.message or check.observed, check.where)
        for check in changes.values()
        if check.finding
    )
    return (
        *told,
        Finding(
            "run.undefined-name",
            "run",
            "warning",
            "observed",
            f"NameError: {HOSTILE['html']}",
            Where("cnn.ipynb", 9, 1, HOSTILE["bidi"]),
        ),
        Finding("test.gradients-on", "3.3", "note", "observed", HOSTILE["osc"] + HOSTILE["markdown"]),
    )


def rejected() -> Grade:
    """Never run: no questions, no run, no data set."""
    return Grade(
        assignment=ASSIGNMENT,
        submission=SubmissionInfo("smith-jo", "submissions/smith-jo.zip", "archive", "dead" * 16),
        status="rejected",
        score=0.0,
        max_score=50.0,
        questions=(),
        findings=(),
        accuracy=Accuracy(),
        training=Training(),
        dataset=None,
        run=None,
        review=("Nothing was graded.",),
        message="smith-jo.zip, model.ipynb: the archive unpacks to 812 MB, over the limit of 50 MB.",
    )


def timed_out() -> Grade:
    """Stopped after three epochs; the later questions could not be judged."""
    reason = "the run was stopped before this was reached"
    stopped = {
        entry[0]: CheckResult(entry[0], entry[1], "not_assessed", None, float(entry[2]), entry[3], "", reason)
        for entry in CHECKS
        if entry[1] in ("4", "accuracy")
    }
    stopped["training.epochs"] = lost("training.epochs", 0, "3 epochs before the time limit", finding="run.timeout")
    return grade_with(
        stopped,
        status="timed_out",
        run=replace(RUN, wall_s=600.0, limit="600 s of wall time"),
        submission=SubmissionInfo("lee-sam", "submissions/lee-sam/submission.py", "module", "beef" * 16),
        findings=(
            Finding(
                "run.timeout",
                "run",
                "fault",
                "observed",
                "The run was stopped after 600 s.",
                Where("submission.py", None, 61, "while True:"),
            ),
        ),
        accuracy=Accuracy(reference=REFERENCE),
        training=Training(REFERENCE_EPOCHS[:3], REFERENCE_EPOCHS, 12_000, 12_000, None, 2_000),
        stages=tuple(
            Stage(name, operation, shape, None if name == "y_hat" else shape) for name, operation, shape in SHAPES
        ),
        review=tuple(f"{id_} was not assessed: {reason}" for id_, check in stopped.items() if check.points is None),
    )


SAMPLES = {"perfect": perfect, "faulty": faulty, "rejected": rejected, "timed_out": timed_out}


@pytest.fixture(params=SAMPLES)
def grade(request: pytest.FixtureRequest) -> Grade:
    """Every sample grade in turn."""
    return SAMPLES[request.param]()


@pytest.fixture
def samples() -> dict[str, Grade]:
    """Every sample grade, by name."""
    return {name: make() for name, make in SAMPLES.items()}


@pytest.fixture
def hostile() -> dict[str, str]:
    """Strings that a student may put anywhere, by what they attack."""
    return dict(HOSTILE)
