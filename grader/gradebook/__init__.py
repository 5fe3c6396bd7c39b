"""The gradebook: every attempt, grade, manual mark and comment, in a database that is only ever added to."""

from __future__ import annotations

from grader.gradebook.book import Event, Gradebook, open_gradebook

__all__ = ["Event", "Gradebook", "open_gradebook"]
