"""Untrusted text is made harmless; places, numbers and sentences read as people write them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.report import facts, text, where_text
from grader.score import Grade, Stage, Training, Where

ANY_TEXT = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b\x9b[]\\;0m8\x07\u202e\u2066\u0301")))


@given(ANY_TEXT)
def test_clean_text_is_always_printable(value: str) -> None:
    """Whatever comes in, what comes out is one printable line: no control, bidi, surrogate or format character."""
    assert text.clean(value).isprintable()


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(value: str) -> None:
    """Removing one terminal sequence never makes another out of its neighbours."""
    once = text.clean(value, None)
    assert text.clean(once, None) == once


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b1;31mred", "red"),
        ("\x1b]8;;https://evil.example\x07click\x1b]8;;\x1b\\", "click"),
        ("\x1b]52;c;ZXZpbA==\x07done", "done"),
        ("\x1bPq payload\x1b\\after", "after"),
        ("\x1b(Bplain\x1bc", "plain"),
        ("never ends \x1b[", "never ends "),
        ("a\r\nb\tc", "a  b   c"),
        ("user\u202egnp.exe\u2066\ufeff\u200b", "usergnp.exe"),
        ("\ud800lone", "lone"),
        ("a" + "\u0301" * 50, "a" + "\u0301" * 3),
        ("naïve Ångström 数字 ∑", "naïve Ångström 数字 ∑"),
    ],
)
def test_terminal_sequences_and_invisible_characters_go(raw: str, shown: str) -> None:
    """Sequences vanish with their payload, white space becomes spaces, ordinary text of any script stays."""
    assert text.clean(raw) == shown


def test_long_text_is_cut_and_says_so() -> None:
    """Ten thousand characters become the limit and a note of how many are missing."""
    assert text.clean("x" * 10_000) == "x" * 600 + " … (9,400 more characters)"


def test_unterminated_sequences_cost_linear_time() -> None:
    """A megabyte of sequences that never end is cleaned in well under a second."""
    started = time.perf_counter()
    text.clean("\x1b]8;;" * 200_000 + "\x1b[1;" * 200_000)
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        (Where("cnn.ipynb", 5, 12, "x = 1"), "cell 5, line 12"),
        (Where("main.py", None, 40, None), "main.py, line 40"),
        (Where("cnn.ipynb", 3, None, None), "cell 3"),
        (Where("a\x1b[31m\n.py", None, 1, None), "a .py, line 1"),
    ],
)
def test_a_place_is_named_by_cell_or_file(where: Where, shown: str) -> None:
    """Notebooks count cells, modules have a file; file names are untrusted too."""
    assert where_text(where) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7.0, "7"),
        (3.5, "3.5"),
        (2.3333, "2.33"),
        (0.0, "0"),
        (1234.5, "1,234.5"),
        (None, "–"),
        (float("nan"), "–"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_are_short(value: float | None, shown: str) -> None:
    """At most two decimals, none that say nothing, and a dash for what is unknown."""
    assert text.number(value) == shown


def test_durations_and_fractions_are_for_people() -> None:
    """Seconds become minutes, fractions percentages; a whole fraction has no decimals."""
    assert [text.seconds(value) for value in (6.12, 125, 600, 119.7)] == ["6.1 s", "2 min 05 s", "10 min", "2 min"]
    assert [text.percent(value) for value in (0.9731, 1.0, 0, None)] == ["97.3%", "100%", "0%", "–"]


def test_lost_marks_are_the_checks_that_cost_points(samples: dict[str, Grade]) -> None:
    """Unmet and partly met checks are lost marks; what was not assessed is not."""
    lost = facts.lost_marks(samples["faulty"])
    assert [mark.check.id for mark in lost] == [
        "layers.convolution",
        "forward.logits",
        "training.targets",
        "training.batches",
        "update.zero_grad",
        "testing.reported",
        "accuracy.reference",
    ]
    assert sum(mark.points for mark in lost) + facts.open_points(samples["faulty"].questions) == 50 - 35.25
    assert facts.lost_marks(samples["perfect"]) == ()


def test_unassessed_checks_reach_the_review_once(samples: dict[str, Grade]) -> None:
    """A check that was not assessed is among the review reasons even if the grade's own list forgot it."""
    grade = samples["timed_out"]
    assert facts.review_reasons(grade) == grade.review
    forgotten = facts.review_reasons(Grade(**{**vars(grade), "review": ()}))
    assert [reason.split()[0] for reason in forgotten] == ["filters.plotted", "filters.trained", "accuracy.reference"]


def test_a_full_percentage_needs_a_full_score(samples: dict[str, Grade]) -> None:
    """The percentage is rounded down, so 49.9 of 50 is 99%."""
    assert facts.score_percent(Grade(**{**vars(samples["perfect"]), "score": 49.9})) == "99%"
    assert facts.score_percent(samples["perfect"]) == "100%"


def test_coverage_names_what_was_seen() -> None:
    """Coverage is told for each split that was seen, and for neither if nothing is known."""
    assert facts.coverage_text(Training(train_examples_seen=2029, train_examples=60_000)) == (
        "Trained on 2,029 of 60,000 images (3.4%)"
    )
    assert facts.coverage_text(Training()) == ""


@pytest.mark.parametrize(
    ("seen", "operation", "departs"),
    [
        ((11, 11, 10), None, False),
        ((11, 11, 10), "ReLU", False),
        ((11, 11, 10), "Sigmoid", True),
        ((13, 13, 10), None, True),
        (None, None, False),
    ],
)
def test_a_stage_departs_by_shape_or_operation(
    seen: tuple[int, ...] | None, operation: str | None, departs: bool
) -> None:
    """A stage departs where its shape or its operation is another; one that was not seen does not."""
    assert facts.departs(Stage("v_1", "ReLU", (11, 11, 10), seen, operation)) is departs
