"""The published explanation of a finding, for the reports that print it."""

from __future__ import annotations

from dataclasses import dataclass

from grader.checks.catalogue import all_kinds


@dataclass(frozen=True)
class Explanation:
    """`title` is one line, `text` Markdown: what the mistake is, why it matters, how to see it, what to read."""

    title: str
    text: str


_EXPLANATIONS = {kind.id: Explanation(kind.title, kind.explanation) for kind in all_kinds()}


def explain(finding: str) -> Explanation | None:
    """The explanation of the finding with this id; None for one that this version of the grader does not know."""
    return _EXPLANATIONS.get(finding)
