"""The comparison behind `make reproduce`: what counts as reproduced, and what the command does about what does not."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from grader.errors import DataError
from tests.reproduce import __main__ as command
from tests.reproduce import published
from tests.reproduce.figures import (
    Figure,
    all_figures,
    columns,
    compare_column,
    missing_findings,
    over_first,
    over_windows,
    single_figures,
    train_losses,
)
from tests.reproduce.output import MISSED, by_epoch, markdown, show
from tests.reproduce.picture import draw
from tests.reproduce.runs import (
    CORRECT,
    LOGITS,
    OVERLAPPING,
    PROBABILITIES,
    EpochLine,
    Measured,
    Runs,
    check_mnist,
    times_an_epoch,
    weighted,
    with_softmax,
)

WINDOWS = np.bincount((np.arange(100)[:, None] + np.arange(100)).ravel(), minlength=10_000)
LEARNT = np.bincount((np.arange(2_000)[:, None] + np.arange(30)).ravel(), minlength=60_000)
# 190 images that are in 30 windows each, and one that is in twelve: 5,712 of 60,000.
ZEROS = np.isin(np.arange(60_000), [11, *range(100, 290)])
FAULTS = frozenset({"train.overlapping-batches", "test.coverage", "report.accuracy-mismatch"})


def hits(first: int, every: int) -> np.ndarray:
    """`first` right answers among the first 199 images, the wrong ones spread evenly, and `every` in all."""
    right = np.zeros(10_000, dtype=bool)
    right[: 199 + every - first] = True
    right[np.linspace(0, 198, 199 - first, dtype=int)] = False
    return right


def measured(title: str, losses: list[float], right: np.ndarray, tested: np.ndarray, seen: tuple[int, int]) -> Measured:
    """A run with these losses as the report counts them, whose printed lines are true."""
    curve = [published.TEST_ACCURACY.get(epoch, 93.0) for epoch in range(1, 11)]
    test_losses = [published.TEST_LOSS.get(epoch, 0.002) for epoch in range(1, 11)]
    return Measured(
        title=title,
        seed=0,
        losses=tuple(loss * published.BATCH for loss in losses),
        test_losses=tuple(loss * published.TEST_BATCH for loss in test_losses),
        test_accuracies=tuple(curve),
        lines=tuple(EpochLine(loss, 9.52, 0.0, accuracy) for loss, accuracy in zip(losses, curve, strict=True)),
        steps=2_000,
        train_seen=seen[0],
        test_seen=seen[1],
        reported=round(weighted(right, tested), 2),
        measured=100 * float(right.mean()),
        findings=frozenset(),
        learnt=LEARNT,
        tested=tested,
        right=right,
        zeros=ZEROS,
    )


@pytest.fixture
def runs() -> Runs:
    """Three runs that reproduce everything."""
    losses = [published.TRAIN_LOSS.get(epoch, 0.0008) for epoch in range(1, 11)]
    ours = measured("overlapping", losses, hits(188, 8_961), WINDOWS, (2_029, 199))
    soft = measured("softmax", [0.05] * 10, hits(181, 8_892), WINDOWS, (2_029, 199))
    correct = measured("correct", [0.01] * 10, hits(198, 9_750), np.ones(10_000, dtype=int), (60_000, 10_000))
    return Runs(
        replace(ours, findings=FAULTS),
        replace(soft, findings=FAULTS | {"loss.double-softmax"}),
        correct,
    )


def missed(runs: Runs) -> set[str]:
    """The names of the figures that are not reproduced."""
    return {figure.name for figure in all_figures(runs) if not figure.holds}


def figure(expected: float, reproduced: float | None, tolerance: float) -> Figure:
    """A figure with nothing but its numbers."""
    return Figure("a figure", expected, reproduced, tolerance, 4, "report")


@pytest.mark.parametrize("reproduced", [0.0105, 0.0109, 0.0101])
def test_a_figure_holds_up_to_its_tolerance(reproduced: float) -> None:
    """A figure that is off by its tolerance, on either side, is reproduced."""
    assert figure(0.0105, reproduced, 0.0004).holds


@pytest.mark.parametrize("reproduced", [0.01092, 0.01008, math.nan, math.inf, None])
def test_a_figure_off_by_more_is_not_reproduced(reproduced: float | None) -> None:
    """More than its tolerance off, not a number, or absent: not reproduced."""
    assert not figure(0.0105, reproduced, 0.0004).holds


def test_a_count_has_to_be_exact() -> None:
    """Without tolerance 2,029 images are 2,029 and not 2,030."""
    assert figure(2_029, 2_029.0, 0).holds
    assert not figure(2_029, 2_030.0, 0).holds


def test_epoch_9_is_skipped() -> None:
    """The report prints no epoch 9, so whatever the loop gives there cannot miss; epoch 10 is the run's tenth."""
    values = [published.TRAIN_LOSS.get(epoch, 99.0) for epoch in range(1, 11)]
    column = compare_column("loss", published.TRAIN_LOSS, values, 0.0004, 4)
    assert sorted(column.figures) == [1, 2, 3, 4, 5, 6, 7, 8, 10]
    assert all(one.holds for one in column.figures.values())
    assert column.figures[10].reproduced == published.TRAIN_LOSS[10]


def test_an_epoch_that_the_run_lacks_is_not_reproduced() -> None:
    """A run of nine epochs has no epoch 10, and an unknown loss is no loss."""
    values = [None, *(published.TRAIN_LOSS.get(epoch, 0.0008) for epoch in range(2, 10))]
    column = compare_column("loss", published.TRAIN_LOSS, values, 0.0004, 4)
    assert [epoch for epoch, one in column.figures.items() if not one.holds] == [1, 10]


def test_runs_that_agree_reproduce_everything(runs: Runs) -> None:
    """Where every figure is as published, none is missed."""
    assert missed(runs) == set()


def test_one_wrong_epoch_is_named(runs: Runs) -> None:
    """A single training loss that is 0.0005 off is missed, by its epoch; the others are not."""
    losses = list(runs.overlapping.losses)
    losses[3] = (published.TRAIN_LOSS[4] + 0.0005) * published.BATCH  # type: ignore[call-overload]
    wrong = replace(runs, overlapping=replace(runs.overlapping, losses=tuple(losses)))
    assert missed(wrong) == {"training loss, epoch 4", "printed loss less the grader's, at most"}


def test_the_correct_loop_must_not_have_the_reports_losses(runs: Runs) -> None:
    """If the correct loop gave the report's column too, the column would prove nothing: that is reported."""
    wrong = replace(runs, correct=replace(runs.correct, losses=runs.overlapping.losses))
    assert missed(wrong) == {"epochs at which the correct loop has the report's loss"}


@pytest.mark.parametrize(("lower", "holds"), [(0, True), (2, True), (3, False)])
def test_two_of_199_images_may_differ(runs: Runs, lower: int, holds: bool) -> None:
    """An image of 199 is half a point: with two fewer right than published the figure holds, with three not."""
    run = replace(runs.softmax, right=hits(181 - lower, 8_892))
    found = [one for one in single_figures(replace(runs, softmax=run)) if one.name.startswith("with softmax, first")]
    assert [one.holds for one in found] == [holds]


def test_the_accuracy_of_all_images_is_the_graders(runs: Runs) -> None:
    """A grader that measured another accuracy than the weights give is found out, and so is one without any."""
    for accuracy in (90.7, None):
        wrong = replace(runs, overlapping=replace(runs.overlapping, measured=accuracy))
        assert missed(wrong) == {"all test images", "overlapping: what the grader says, from its weights"}


def test_missing_findings_are_reported(runs: Runs) -> None:
    """A grader that does not see the windows, or the second softmax, has not reproduced the practical's lesson."""
    blind = replace(runs, softmax=replace(runs.softmax, findings=FAULTS))
    assert missing_findings(blind) == {"loss.double-softmax"}
    blind = replace(runs, overlapping=replace(runs.overlapping, findings=FAULTS - {"train.overlapping-batches"}))
    assert missing_findings(blind) == {"train.overlapping-batches"}
    assert missed(blind) == {"findings that the grader has to make and does not"}


def test_images_weigh_as_many_windows_as_they_are_in(runs: Runs) -> None:
    """100 windows of 100 images count image 99 a hundred times and the outermost once, so per window the same answers
    give another accuracy than per image."""
    assert (WINDOWS[0], WINDOWS[99], WINDOWS[198], WINDOWS[199], WINDOWS.sum()) == (1, 100, 1, 0, 10_000)
    right = np.ones(10_000, dtype=bool)
    right[99] = False
    run = replace(runs.overlapping, right=right)
    assert over_windows(run, runs) == pytest.approx(99.0)
    assert over_first(run) == pytest.approx(100 * 198 / 199)


def test_single_looks_are_no_epochs() -> None:
    """The image that is plotted after ten epochs is looked at once more, and one that is only plotted never counts."""
    rows = np.concatenate([np.tile([0, 0, 1], 10), [0], [2]])
    assert times_an_epoch(rows, 4).tolist() == [2, 1, 0, 0]


def test_losses_are_counted_as_in_the_report(runs: Runs) -> None:
    """2,000 batch means added up and divided by 60,000 images are a thirtieth of their mean."""
    run = replace(runs.overlapping, losses=(0.3, None))
    assert train_losses(run) == (pytest.approx(0.3 * 2_000 / 60_000), None)


def test_softmax_variant_changes_one_line() -> None:
    """The variant is the overlapping example with softmax on its scores, and nothing else changed."""
    before = json.loads(OVERLAPPING.read_text(encoding="utf-8"))["cells"]
    after = json.loads(with_softmax(OVERLAPPING.read_text(encoding="utf-8")))["cells"]
    sources = ["".join("".join(cell["source"]) for cell in cells) for cells in (before, after)]
    assert sources[0] != sources[1]
    assert sources[0].replace(LOGITS, PROBABILITIES) == sources[1]


def test_softmax_variant_of_another_program_is_refused() -> None:
    """A notebook without the line that is to be changed would run unchanged and prove nothing."""
    with pytest.raises(ValueError, match="0 times"):
        with_softmax(CORRECT.read_text(encoding="utf-8"))


def test_tables_show_what_is_missed(runs: Runs) -> None:
    """The Markdown and the terminal name each miss; epoch 9 stands as missing in the report, with the run's figure."""
    assert MISSED not in markdown(runs, "MNIST", "figures.png")
    wrong = replace(runs, overlapping=replace(runs.overlapping, train_seen=60_000))
    account = markdown(wrong, "MNIST", "figures.png")
    assert f"| training images seen, of 60,000 | measured before | 2,029, exactly | 60,000 | {MISSED} |" in account
    console = Console(record=True, width=200, file=io.StringIO())
    show(console, wrong)
    assert console.export_text().count(MISSED) == 1
    headings, rows = by_epoch(runs)
    assert rows[8][:3] == ["9", "missing", "0.0008"]
    assert {len(row) for row in rows} == {len(headings)}
    assert len(columns(runs)) == 4


def test_picture_is_drawn(runs: Runs, tmp_path: Path) -> None:
    """The picture is a PNG, also where a figure is unknown."""
    unknown = replace(runs, softmax=replace(runs.softmax, measured=None, losses=(None,) * 10))
    draw(unknown, tmp_path / "figures.png")
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("seen", "code"), [(2_029, 0), (2_030, 1)])
def test_exit_code_tells_whether_all_is_reproduced(
    runs: Runs,
    seen: int,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """0 where everything is reproduced, 1 where one figure is not, which is then named; both files are written."""
    found = replace(runs, overlapping=replace(runs.overlapping, train_seen=seen))
    monkeypatch.setattr(command, "check_mnist", lambda _: None)
    monkeypatch.setattr(command, "grade_all", lambda _: (found, "MNIST"))
    assert command.main(["--out", str(tmp_path / "new" / "folder")]) == code
    assert ("not reproduced: training images seen" in capsys.readouterr().out) is bool(code)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["figures.md", "figures.png"]


def test_absent_data_is_one_line_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without MNIST the command says in one line what is missing and what to do, makes nothing and exits with 2."""
    code = command.main(["--data", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err.strip()
    assert code == 2
    assert "\n" not in said
    assert "nowhere" in said and "--data DIR" in said
    assert not (tmp_path / "out").exists()


def test_other_data_is_refused(tmp_path: Path) -> None:
    """Fewer images, or MNIST in another order, would give other figures: both are refused before any run."""
    labels = np.resize(np.array(published.FIRST_CLASSES, dtype=np.uint8), 60_000)
    np.savez(tmp_path / "test.npz", Y=labels[:10_000])
    for content, reason in ((labels[:6_000], "6,000 images, not 60,000"), (labels[::-1], "original order")):
        np.savez(tmp_path / "train.npz", Y=content)
        with pytest.raises(DataError, match=reason):
            check_mnist(tmp_path)
    np.savez(tmp_path / "train.npz", Y=np.eye(10, dtype=np.uint8)[labels])
    check_mnist(tmp_path)


def test_mnist_itself_is_accepted(mnist_directory: Path) -> None:
    """The data that the figures were measured on pass."""
    check_mnist(mnist_directory)
