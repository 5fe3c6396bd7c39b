"""The figures as a picture: the loss column, and what test accuracy depends on."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from tests.reproduce import published
from tests.reproduce.figures import over_first, over_windows, train_losses
from tests.reproduce.runs import Runs

OVERLAPPING, SOFTMAX, CORRECT, REPORT = "#d1622b", "#8a5fb0", "#2b6cb0", "#222222"


def draw(runs: Runs, path: Path) -> None:
    """Writes the picture as a PNG."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    _losses(left, runs)
    _accuracies(right, runs)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _losses(axes: Axes, runs: Runs) -> None:
    for run, colour, label in (
        (runs.correct, CORRECT, "correct loop"),
        (runs.overlapping, OVERLAPPING, "overlapping windows X[i : i + 30]"),
    ):
        losses = [float("nan") if loss is None else loss for loss in train_losses(run)]
        axes.plot(range(1, len(losses) + 1), losses, "-", color=colour, label=label, linewidth=2)
    epochs, printed = zip(*published.TRAIN_LOSS.items(), strict=True)
    axes.errorbar(epochs, printed, yerr=published.LOSS_TOLERANCE, fmt="o", color=REPORT, capsize=3,
                  label=f"the report's column (± {published.LOSS_TOLERANCE:g}; epoch 9 missing)")  # fmt: skip
    axes.set(title="Training loss: sum of batch means / 60,000", xlabel="epoch", ylabel="loss", ylim=(0, None))
    axes.set_xticks(range(1, published.EPOCHS + 1))
    axes.grid(alpha=0.3)
    axes.legend()


def _accuracies(axes: Axes, runs: Runs) -> None:
    kinds = ("199 images,\nper window", "199 images,\neach once", "all 10,000\nimages")
    for run, colour, marker in (
        (runs.correct, CORRECT, "s"),
        (runs.overlapping, OVERLAPPING, "o"),
        (runs.softmax, SOFTMAX, "^"),
    ):
        values = [over_windows(run, runs), over_first(run), float("nan") if run.measured is None else run.measured]
        axes.plot(kinds, values, marker, color=colour, markersize=9, label=run.title)
        for place, value in enumerate(values):
            axes.annotate(
                f"{value:.1f}", (place, value), (10, 0), textcoords="offset points", va="center", color=colour
            )
    for claim, text in (
        (published.CLAIMED, 'report: "approximately 93"'),
        (published.CLAIMED_WITH_SOFTMAX, 'report: softmax "drops" it to 90'),
    ):
        axes.axhline(claim, color=REPORT, linestyle="--", linewidth=1)
        axes.annotate(text, (2.45, claim), (0, 4), textcoords="offset points", ha="right", fontsize=9, color=REPORT)
    axes.set(title="Test accuracy after 10 epochs, by what it is taken over", ylabel="per cent", xlim=(-0.4, 2.5))
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, frameon=False)
