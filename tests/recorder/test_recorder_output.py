"""What is kept of a cell's output: all below the limit, beginning and end above it."""

from __future__ import annotations

from typing import Any

from grader.recorder.output import KEPT_TEXT, OutputCap


def stream(text: str) -> dict[str, Any]:
    """A message with printed text."""
    return {"msg_type": "stream", "content": {"name": "stdout", "text": text}}


def test_below_the_limit_nothing_is_cut() -> None:
    """Text and pictures that fit together are all admitted."""
    cap = OutputCap(100)
    assert cap.admits(stream("x" * 50)) and cap.admits({"msg_type": "display_data", "content": {"data": {"a": "b"}}})
    assert (cap.cut, cap.rest()) == (0, [])


def test_a_flood_keeps_its_end_and_a_notice() -> None:
    """Of a megabyte after the limit the last 100,000 characters stay, and the notice counts the rest."""
    cap = OutputCap(100)
    assert cap.admits(stream("y" * 100))
    assert not any(cap.admits(stream("x" * 1000)) for _ in range(1000))
    assert not cap.admits(stream("accuracy 91%"))
    (rest,) = cap.rest()
    assert rest["text"].endswith("accuracy 91%")
    assert f"{1_000_012 - KEPT_TEXT:,} bytes" in rest["text"] and cap.cut == 1_000_012 - KEPT_TEXT


def test_a_picture_is_not_taken_for_text() -> None:
    """A display that does not fit is left out whole."""
    cap = OutputCap(10)
    assert not cap.admits({"msg_type": "display_data", "content": {"data": {"image/png": "A" * 200_000}}})
    assert "AAA" not in cap.rest()[0]["text"] and cap.cut > 200_000


def test_the_next_cell_starts_afresh() -> None:
    """One noisy cell takes nothing from the others."""
    cap = OutputCap(10)
    cap.admits(stream("x" * 20))
    cap.begin()
    assert cap.admits(stream("x" * 10)) and cap.cut == 0
