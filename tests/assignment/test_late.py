"""What handing in late costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.assignment.late import LatePolicy
from grader.assignment.rubric import load_rubric
from grader.errors import AssignmentError

DUE = datetime(2026, 5, 1, 21, 59, tzinfo=UTC)
POLICY = LatePolicy(DUE, timedelta(minutes=10), 10, 50)
REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "rubric.toml"


@pytest.mark.parametrize(
    ("after", "points"),
    [
        (timedelta(days=-1), 0),
        (timedelta(0), 0),
        (timedelta(minutes=10), 0),
        (timedelta(minutes=10, seconds=1), 5),
        (timedelta(days=1), 5),
        (timedelta(days=1, seconds=1), 10),
        (timedelta(days=5), 25),
        (timedelta(days=300), 25),
    ],
)
def test_penalty(after: timedelta, points: float) -> None:
    """In time and within the grace it costs nothing; then 10% for each day begun, and never more than half."""
    assert POLICY.penalty(DUE + after, 50)[0] == points


def with_late(tmp_path: Path, lines: str) -> Path:
    """The default rubric with a table [late]."""
    path = tmp_path / "rubric.toml"
    text = REFERENCE.read_text(encoding="utf-8")
    path.write_text(text.replace("[[questions]]", f"[late]\n{lines}\n\n[[questions]]", 1), encoding="utf-8")
    return path


def test_policy_in_the_rubric(tmp_path: Path) -> None:
    """The rubric's [late] is the policy; without it there is none."""
    lines = "due = 2026-05-01T23:59:00+02:00\ngrace_minutes = 10\npercent_per_day = 10\nmost_percent = 50"
    assert load_rubric(with_late(tmp_path, lines)).late == POLICY
    assert load_rubric(REFERENCE).late is None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("percent_per_day = 10", '"due" is missing'),
        ("due = 2026-05-01T23:59:00\npercent_per_day = 10", "its offset"),
        ("due = 2026-05-01T23:59:00Z\npercent_per_day = -1", "at least 0"),
        ("due = 2026-05-01T23:59:00Z\npercent_per_day = 1\nper_week = 1", "per_week"),
    ],
)
def test_wrong_policies(tmp_path: Path, lines: str, reason: str) -> None:
    """A missing key, a time without its distance from UTC, a negative share and an unknown key are errors."""
    with pytest.raises(AssignmentError, match=reason):
        load_rubric(with_late(tmp_path, lines))
