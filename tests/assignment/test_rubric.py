"""The rubric file: what the default one says, and how mistakes in one are reported."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.assignment import Assignment, load_rubric
from grader.errors import AssignmentError

DESIGN = {
    "1": {"data.loaded": 3, "data.shapes_shown": 1},
    "2.1": {"layers.convolution": 4, "layers.activation": 1, "layers.dense": 3},
    "2.2": {
        "forward.image": 1,
        "forward.convolution_output": 1,
        "forward.activation_applied": 1,
        "forward.flattened": 1,
        "forward.logits": 2,
    },
    "2.3": {"objective.loss": 3, "objective.optimizer": 2, "objective.parameters": 1},
    "3.1": {"training.targets": 2, "training.gradient": 3, "training.batches": 1, "training.epochs": 1},
    "3.2": {"update.step": 2, "update.zero_grad": 2},
    "3.3": {"testing.phase": 2, "testing.no_learning": 2, "testing.reported": 1},
    "4": {"filters.plotted": 1, "filters.trained": 2},
    "accuracy": {"accuracy.reference": 7},
}

DEADLINE = datetime(2027, 3, 1, 11, 0, tzinfo=UTC)
BEFORE = DEADLINE - timedelta(seconds=1)


def changed(repo_root: Path, tmp_path: Path, old: str, new: str) -> Path:
    """The default rubric with its first `old` replaced, in a file of its own."""
    text = (repo_root / "reference" / "rubric.toml").read_text()
    assert old in text
    path = tmp_path / "rubric.toml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_default_rubric_is_the_design(assignment: Assignment) -> None:
    """The default rubric has the design's questions, checks and points, 50 in all."""
    found = {
        question.id: {check.id: check.points for check in question.checks} for question in assignment.rubric.questions
    }
    assert found == DESIGN
    assert assignment.rubric.max_score == 50
    assert [question.max_score for question in assignment.rubric.questions] == [4, 8, 6, 6, 7, 4, 5, 3, 7]


def test_checks_know_their_question_and_the_shared_parameters(assignment: Assignment) -> None:
    """Every check names its question and sees the shared parameters."""
    for question in assignment.rubric.questions:
        for check in question.checks:
            assert check.question == question.id
            assert (check.parameters["kernel"], check.parameters["image"]) == (8, (28, 28))


def test_a_check_s_own_parameters_count_for_it_alone(assignment: Assignment) -> None:
    """The accuracy check has its slack; no other check sees it."""
    checks = {check.id: check for question in assignment.rubric.questions for check in question.checks}
    assert checks["accuracy.reference"].parameters["slack"] == 0.01
    assert "slack" not in checks["data.loaded"].parameters


def test_a_check_overrides_a_shared_parameter(repo_root: Path, tmp_path: Path) -> None:
    """A parameter of a check is laid over the shared one of the same name."""
    path = changed(
        repo_root,
        tmp_path,
        '{ id = "training.batches", points = 1 }',
        '{ id = "training.batches", points = 1, parameters = { coverage = 0.5 } }',
    )
    checks = {check.id: check for question in load_rubric(path).questions for check in question.checks}
    assert checks["training.batches"].parameters["coverage"] == 0.5
    assert checks["training.epochs"].parameters["coverage"] == 0.98


def test_visibility_is_the_check_s_own_or_its_question_s(repo_root: Path, tmp_path: Path) -> None:
    """Everything is shown by default; a question says it for its checks, and a check for itself."""
    text = (repo_root / "reference" / "rubric.toml").read_text()
    assert load_rubric(repo_root / "reference" / "rubric.toml").withheld(BEFORE) == frozenset()
    text = text.replace("points = 50\n", "points = 50\ndeadline = 2027-03-01T12:00:00+01:00\n")
    text = text.replace("points = 4\n", 'points = 4\nvisibility = "hidden"\n', 1)
    text = text.replace('"data.shapes_shown", points = 1', '"data.shapes_shown", points = 1, visibility = "shown"')
    text = text.replace('"filters.plotted", points = 1', '"filters.plotted", points = 1, visibility = "after_deadline"')
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    rubric = load_rubric(path)
    assert rubric.withheld(BEFORE) == {"data.loaded", "filters.plotted"}
    assert rubric.withheld(DEADLINE) == {"data.loaded"}


def test_limits_are_in_bytes_and_seconds(assignment: Assignment) -> None:
    """GB and MB of the file become bytes, as powers of 1024."""
    limits = assignment.rubric.limits
    assert (limits.wall_s, limits.memory_bytes, limits.processes) == (1200.0, 4 * 1024**3, 256)
    assert (limits.file_bytes, limits.disk_bytes) == (200 * 1024**2, 1000 * 1024**2)
    assert (limits.output_bytes, limits.evidence_bytes) == (5 * 1024**2, 256 * 1024**2)


def test_hash_is_of_the_file(repo_root: Path, assignment: Assignment) -> None:
    """The rubric's hash is that of the file's bytes, so that anyone can check it."""
    content = (repo_root / "reference" / "rubric.toml").read_bytes()
    assert assignment.rubric.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ('schema = "grader.rubric/1"', 'schema = "grader.rubric/2"', "top level", 'schema is "grader.rubric/2"'),
        ('title = "Practical', 'titel = "Practical', "top level", '"title" is missing'),
        ("points = 50", "points = 51", "top level", "add up to 50"),
        ("points = 50", "points = 50\nbonus = 3", "top level", '"bonus" is unknown'),
        ("kernel = 8", "kernal = 8", "[parameters]", '"kernel" is missing'),
        ("coverage = 0.98", "covrage = 0.98", "[parameters]", '"covrage" is unknown'),
        ("kernel = 8", "kernel = 8.0", "[parameters]", '"kernel" is 8.0'),
        ("kernel = 8", "kernel = true", "[parameters]", '"kernel" is True'),
        ("kernel = 8", "kernel = 6", "[parameters]", "gives 1440 features"),
        ("stride = 2", "stride = 1", "[parameters]", "gives 4410 features"),
        ("image = [28, 28]", "image = [28]", "[parameters]", '"image" is [28]'),
        ('optimizers = ["SGD"]', "optimizers = []", "[parameters]", '"optimizers" is []'),
        ("learning_rate = 0.01", "learning_rate = nan", "[parameters]", '"learning_rate" is nan'),
        ("coverage = 0.98", "coverage = 1.1", "[parameters]", '"coverage" is 1.1'),
        ("wall_s = 1200", "wall_s = 0", "[limits]", '"wall_s" is 0'),
        ("memory_gb = 4", "memory = 4", "[limits]", '"memory_gb" is missing'),
        ("processes = 256", "processes = -1", "[limits]", '"processes" is -1'),
        ('id = "2.1"', 'id = "1"', "top level", 'question id "1" is used twice'),
        ('id = "layers.dense"', 'id = "layers.activation"', "top level", '"layers.activation" is used twice'),
        ('id = "layers.dense"', 'id = "dense"', 'question "2.1", check "dense"', "another form"),
        ('"layers.dense", points = 3', '"layers.dense", points = 2', 'question "2.1"', "its checks add up to 7"),
        ('"layers.dense", points = 3', '"layers.dense"', 'question "2.1", check "layers.dense"', '"points" is missing'),
        ("points = 50", "points = 50\ndeadline = 2027-03-01T23:59:00", "top level", '"deadline" is datetime'),
        ("points = 50", 'points = 50\ndeadline = "1 March"', "top level", '"deadline" is'),
        ("points = 4\n", 'points = 4\nvisibility = "later"\n', 'question "1"', '"visibility" is'),
        ("points = 4\n", 'points = 4\nvisibility = ["hidden"]\n', 'question "1"', '"visibility" is'),
        ("points = 4\n", 'points = 4\nvisibility = "after_deadline"\n', "top level", "there is none"),
        ("sigmas = 3", "sigma = 3", 'check "accuracy.reference", parameters', '"sigma" is unknown'),
    ],
)
def test_mistakes_name_their_place_and_remedy(
    repo_root: Path, tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    """Each mistake in a rubric is refused with the file, the place, what is wrong there, and what to do."""
    path = changed(repo_root, tmp_path, old, new)
    with pytest.raises(AssignmentError) as caught:
        load_rubric(path)
    assert caught.value.file == str(path)
    assert place in (caught.value.place or "")
    assert message in caught.value.message
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    """A syntax error is reported with TOML's own line and column."""
    path = tmp_path / "rubric.toml"
    path.write_text('schema = "grader.rubric/1"\nid = \n')
    with pytest.raises(AssignmentError, match=r"not TOML: .*line 2"):
        load_rubric(path)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are refused, not a crash."""
    path = tmp_path / "rubric.toml"
    path.write_bytes(b'title = "\xff"')
    with pytest.raises(AssignmentError, match="not TOML"):
        load_rubric(path)


def test_a_missing_file(tmp_path: Path) -> None:
    """A rubric that is not there is an assignment error with a remedy."""
    with pytest.raises(AssignmentError, match="cannot be read"):
        load_rubric(tmp_path / "rubric.toml")
