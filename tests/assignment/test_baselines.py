"""Reference accuracies: the shipped ones, and measuring where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.assignment import (
    Assignment,
    Baseline,
    BaselineEpoch,
    Dataset,
    find_baseline,
    find_dataset,
    load_assignment,
    silent,
    write_baseline,
)
from grader.assignment.baselines import code_hash, summarise
from grader.errors import AssignmentError

EPOCH = BaselineEpoch(train_loss=0.5, train_accuracy=0.8, test_loss=0.4, test_accuracy=0.9)
BASELINE = Baseline(mean=0.9, std=0.01, runs=5, epochs=(EPOCH,))

# A teacher's own model module, whose accuracies depend on nothing but the seed, so that the arithmetic can be checked.
QUICK_MODEL = """
def train_reference(train_images, train_labels, test_images, test_labels, *, seed, epochs, batch_size, learning_rate,
                    on_epoch):
    assert train_images.shape == (40, 784) and test_labels.shape == (20,), (train_images.shape, test_labels.shape)
    history = []
    for epoch in range(1, epochs + 1):
        history.append({"train_loss": 1 / epoch, "train_accuracy": 0.5, "test_loss": 2 / epoch,
                        "test_accuracy": 0.8 + 0.01 * seed})
        on_epoch(epoch, history[-1])
    return None, history
"""


def unused(description: str, done: int, total: int) -> None:
    """A progress callback for baselines that are known: measuring one would call it."""
    raise AssertionError(f"{description}: this baseline was measured again")


def shipped(assignment: Assignment) -> dict[str, dict]:
    """The data sets of the shipped baselines, by name."""
    content = json.loads((assignment.directory / "baselines.json").read_text())
    return {entry["name"]: {"sha256": sha256, **entry} for sha256, entry in content["datasets"].items()}


def test_shipped_baselines_are_of_the_shipped_model(assignment: Assignment) -> None:
    """baselines.json was measured with today's reference model and rubric; else run `make baselines`."""
    content = json.loads((assignment.directory / "baselines.json").read_text())
    assert content["model_sha256"] == code_hash(assignment.model_path)
    for name in ("epochs", "batch_size", "learning_rate"):
        assert content[name] == assignment.rubric.parameters[name]


def test_shipped_baselines_are_what_a_correct_solution_reaches(assignment: Assignment) -> None:
    """MNIST and the offline digits, full and quick, each with five runs and a learning curve that falls."""
    found = shipped(assignment)
    assert set(found) == {"MNIST", "MNIST, quick", "offline digits", "offline digits, quick"}
    for entry in found.values():
        assert entry["runs"] >= 5
        assert len(entry["epochs"]) == 10
        assert entry["epochs"][0]["train_loss"] > entry["epochs"][-1]["train_loss"]
        assert entry["mean"] == pytest.approx(entry["epochs"][-1]["test_accuracy"], abs=1e-6)
    assert found["MNIST"]["mean"] == pytest.approx(0.973, abs=0.004)


def test_mnist_needs_no_measuring(assignment: Assignment, mnist_directory: Path) -> None:
    """The shipped baseline is found for MNIST, full and quick, by the content of the staged data."""
    for quick, name in ((False, "MNIST"), (True, "MNIST, quick")):
        dataset = find_dataset(mnist_directory, assignment, quick, silent)
        assert dataset.name == name
        assert find_baseline(assignment, dataset, unused).mean == shipped(assignment)[name]["mean"]


@pytest.mark.slow
def test_offline_digits_need_no_measuring(cache: Path, assignment: Assignment) -> None:
    """The offline digits that this machine makes are, byte for byte, those that the shipped baseline is of."""
    for quick, name in ((False, "offline digits"), (True, "offline digits, quick")):
        dataset = find_dataset(None, assignment, quick, silent)
        assert dataset.sha256 == shipped(assignment)[name]["sha256"]
        assert find_baseline(assignment, dataset, unused).runs == 5


def test_runs_are_summed_up() -> None:
    """Mean and sample standard deviation are of the last epoch's test accuracy; the curve is the mean of each epoch."""
    histories = [
        [
            {"train_loss": 1.0, "train_accuracy": 0.1, "test_loss": 1.0, "test_accuracy": 0.5},
            {"train_loss": loss, "train_accuracy": 0.2, "test_loss": 0.5, "test_accuracy": accuracy},
        ]
        for loss, accuracy in ((0.2, 0.8), (0.4, 0.9), (0.6, 1.0))
    ]
    baseline = summarise(histories)
    assert (baseline.mean, baseline.std, baseline.runs) == (pytest.approx(0.9), pytest.approx(0.1), 3)
    assert [epoch.train_loss for epoch in baseline.epochs] == [pytest.approx(1.0), pytest.approx(0.4)]
    assert baseline.epochs[1].test_accuracy == pytest.approx(0.9)


def test_an_unknown_data_set_is_measured_once(cache: Path, copied_assignment: Path, data_folder: Path) -> None:
    """Five seeds are trained with progress by epochs; the second call finds the result in the cache."""
    (copied_assignment / "model.py").write_text(QUICK_MODEL)
    assignment = load_assignment(copied_assignment)
    dataset = find_dataset(data_folder, assignment, False, silent)
    seen: list[tuple[str, int, int]] = []
    baseline = find_baseline(assignment, dataset, lambda *progress: seen.append(progress))
    assert (baseline.runs, len(baseline.epochs)) == (5, 10)
    assert baseline.mean == pytest.approx(0.82)
    assert (seen[0][1:], seen[-1][1:]) == ((0, 50), (50, 50))
    assert find_baseline(assignment, dataset, unused) == baseline


def test_another_budget_is_another_baseline(cache: Path, copied_assignment: Path, data_folder: Path) -> None:
    """A baseline holds for one model, number of epochs, batch size and learning rate, and is found for no other."""
    (copied_assignment / "model.py").write_text(QUICK_MODEL)
    dataset = find_dataset(data_folder, load_assignment(copied_assignment), False, silent)
    write_baseline(load_assignment(copied_assignment), dataset, "letters", BASELINE)
    assert find_baseline(load_assignment(copied_assignment), dataset, unused) == BASELINE
    rubric = copied_assignment / "rubric.toml"
    rubric.write_text(rubric.read_text().replace("epochs = 10", "epochs = 2"))
    assert len(find_baseline(load_assignment(copied_assignment), dataset, silent).epochs) == 2


def test_the_reference_model_can_be_measured(cache: Path, assignment: Assignment, data_folder: Path) -> None:
    """The real reference model trains in the measuring processes and yields a whole learning curve."""
    dataset = find_dataset(data_folder, assignment, False, silent)
    baseline = find_baseline(assignment, dataset, silent)
    assert (baseline.runs, len(baseline.epochs)) == (5, 10)
    assert 0 <= baseline.mean <= 1
    assert baseline.epochs[-1].train_loss < baseline.epochs[0].train_loss


def test_a_model_that_fails_is_an_assignment_error(cache: Path, copied_assignment: Path, data_folder: Path) -> None:
    """An exception in the teacher's model is reported with the model's file, and nothing is cached."""
    (copied_assignment / "model.py").write_text(
        "def train_reference(*arguments, **settings):\n    raise ValueError('shape')\n"
    )
    assignment = load_assignment(copied_assignment)
    dataset = find_dataset(data_folder, assignment, False, silent)
    with pytest.raises(AssignmentError, match=r"model\.py: the reference model cannot be trained \(ValueError: sh"):
        find_baseline(assignment, dataset, silent)
    assert not (cache / "baselines").exists()


def test_a_model_that_is_no_python(cache: Path, copied_assignment: Path, data_folder: Path) -> None:
    """A syntax error in the teacher's model is reported with its file and line."""
    (copied_assignment / "model.py").write_text("def train_reference(:\n")
    assignment = load_assignment(copied_assignment)
    with pytest.raises(AssignmentError, match=r"model\.py: this is not Python: .*line 1"):
        find_baseline(assignment, find_dataset(data_folder, assignment, False, silent), silent)


def test_a_written_baseline_joins_the_others(cache: Path, copied_assignment: Path, data_folder: Path) -> None:
    """Writing one keeps the others of the same model, and gives the data set its name."""
    assignment = load_assignment(copied_assignment)
    dataset = find_dataset(data_folder, assignment, False, silent)
    before = set(shipped(assignment))
    write_baseline(assignment, dataset, "handwritten letters", BASELINE)
    assert set(shipped(assignment)) == {*before, "handwritten letters"}
    assert find_baseline(assignment, dataset, unused) == BASELINE
    assert find_dataset(data_folder, assignment, False, silent).name == "handwritten letters"


def test_baselines_of_another_model_are_dropped(cache: Path, copied_assignment: Path, data_folder: Path) -> None:
    """After a change of the model, the file holds only what was measured with the new one."""
    with (copied_assignment / "model.py").open("a") as stream:
        stream.write("\nCHANGED = True\n")
    assignment = load_assignment(copied_assignment)
    write_baseline(assignment, find_dataset(data_folder, assignment, False, silent), "letters", BASELINE)
    assert set(shipped(assignment)) == {"letters"}


def test_prose_does_not_outdate_a_baseline(tmp_path: Path) -> None:
    """Comments, docstrings and blank lines leave the model's hash as it was; a changed number does not."""
    versions = (
        "def f():\n    return 1\n",
        '"""Module."""\n\n\ndef f():\n    """Function."""\n    # comment\n    return 1\n',
        "def f():\n    return 2\n",
    )
    for number, content in enumerate(versions):
        (tmp_path / f"{number}.py").write_text(content)
    plain, documented, changed = (code_hash(tmp_path / f"{number}.py") for number in range(3))
    assert plain == documented != changed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON of the schema"),
        ('{"schema": "grader.baselines/0", "datasets": {}}', "not JSON of the schema"),
        ('{"schema": "grader.baselines/1", "datasets": []}', "not JSON of the schema"),
        ('{"schema": "grader.baselines/1", "datasets": {"0": 1}}', "is not an object"),
    ],
)
def test_a_malformed_file(copied_assignment: Path, tmp_path: Path, content: str, message: str) -> None:
    """A damaged baselines.json is refused with the remedy; it is a teacher's file, not a cache."""
    (copied_assignment / "baselines.json").write_text(content)
    with pytest.raises(AssignmentError, match=f"{message}.*Delete the file"):
        find_baseline(load_assignment(copied_assignment), Dataset("letters", "0", tmp_path, 1, 1), unused)


def test_a_malformed_entry(cache: Path, copied_assignment: Path, data_folder: Path) -> None:
    """An entry without its mean is refused."""
    assignment = load_assignment(copied_assignment)
    dataset = find_dataset(data_folder, assignment, False, silent)
    path = write_baseline(assignment, dataset, "letters", BASELINE)
    content = json.loads(path.read_text())
    del content["datasets"][dataset.sha256]["mean"]
    path.write_text(json.dumps(content))
    with pytest.raises(AssignmentError, match="an entry of its data sets is damaged"):
        find_baseline(assignment, dataset, unused)
