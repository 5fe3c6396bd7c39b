"""The terminal report fits its terminal and never passes a student's text on as an instruction to it."""

from __future__ import annotations

import io
import re
from typing import Literal

import pytest
from rich.cells import cell_len
from rich.console import Console

from grader.report.terminal import render
from grader.score import Grade

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def show(grade: Grade, width: int, colour: bool = False) -> str:
    """What a terminal of `width` columns receives."""
    output = io.StringIO()
    colours: Literal["truecolor"] | None = "truecolor" if colour else None
    Console(file=output, width=width, force_terminal=colour, color_system=colours).print(render(grade))
    return output.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_every_line_fits(grade: Grade, width: int) -> None:
    """No line is wider than the terminal, whatever the text."""
    assert all(cell_len(line) <= width for line in show(grade, width).splitlines())


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_gets_colours_and_nothing_else(grade: Grade, width: int) -> None:
    """Besides our own colours there is no escape sequence, control or bidi character: no link, no clipboard."""
    text = COLOUR.sub("", show(grade, width, colour=True))
    assert text.replace("\n", "").isprintable()
    assert not re.search("ZXZpbA==|8;;", text)


def test_markup_is_shown_as_it_is(samples: dict[str, Grade]) -> None:
    """Square brackets in a student's text are text."""
    assert "[red]markup[/red] [link=https://evil.example]x[/link] [/]" in show(samples["faulty"], 120)


def test_the_head_has_score_status_data_isolation_and_time(samples: dict[str, Grade]) -> None:
    """The first two lines tell what a marker wants to know first."""
    first, second = show(samples["perfect"], 80).splitlines()[:2]
    assert first.split() == ["meyer-anna", "50", "/", "50", "100%"]
    assert second.strip() == "graded · offline digits (12,000 + 2,000 images) · isolation full · 38.2 s"


def test_every_question_has_its_score(samples: dict[str, Grade]) -> None:
    """Each question is a row with its title, a bar and its score."""
    text = show(samples["faulty"], 120)
    assert re.search(r"2\.1 +Define the layers +━+─+ +4 / 8", text)
    assert re.search(r"4 +Plot the learned filters +━+ +3 / 3", text)


def test_a_lost_mark_says_expected_seen_where_hint_and_basis(samples: dict[str, Grade]) -> None:
    """It names the check, its cost, what was expected and seen, the place with its line, hint and basis."""
    lines = [line.strip() for line in show(samples["faulty"], 120).splitlines()]
    start = lines.index("◐ −3  layers.convolution  2.1 Define the layers")
    assert [re.sub(" +", " ", line) for line in lines[start + 1 : start + 8]] == [
        "The kernel is not the one that was asked; channels and stride are right.",
        "expected convolution 1 → 10 channels, 8×8 kernel, stride 2, no padding",
        "seen 5×5 kernel, stride 2: 28×28×1 → 12×12×10",
        "where cnn.ipynb, cell 5, line 8",
        "self.conv = nn.Conv2d(1, K, kernel_size=5, stride=stride)",
        "hint The size of the output is (28 − kernel) / stride + 1. Read: torch.nn.Conv2d.",
        "basis proved: the grader recomputed it; grade explain layer.kernel-size",
    ]


def test_coverage_and_accuracy_are_told(samples: dict[str, Grade]) -> None:
    """One line says how many images were seen, one compares reported, measured and reference accuracy."""
    text = show(samples["faulty"], 120)
    assert "Trained on 2,029 of 12,000 images (16.9%), tested on 199 of 2,000 images (10.0%)" in text
    assert "Accuracy: reported 94.5%, measured 89.5%, reference 97.3% ± 0.2%" in text


def test_what_was_not_assessed_is_not_a_loss(samples: dict[str, Grade]) -> None:
    """A run that timed out shows the open points beside the score and the question."""
    text = show(samples["timed_out"], 100)
    assert "39 / 50  78%  10 points not assessed" in text
    assert re.search(r"0 / 7 +7 not assessed", text)
    assert "The run was stopped at its time limit." in text


def test_a_rejected_submission_is_short(samples: dict[str, Grade]) -> None:
    """Without a run there are the reason and the review, and no empty tables."""
    text = show(samples["rejected"], 80)
    assert "smith-jo  not graded" in text
    assert "over the limit of 50" in text
    assert "Lost marks" not in text
    assert "Training" not in text
