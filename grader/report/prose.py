"""The grader's own explanations, which are Markdown, as HTML. Nothing that comes from a student passes through here."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from grader.score.explanations import explain

if TYPE_CHECKING:
    from markupsafe import Markup


@lru_cache(maxsize=256)
def explanation(finding: str) -> Markup | None:
    """What a finding means, as HTML paragraphs; None for an unknown id."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    known = explain(finding)
    if known is None:
        return None
    reader = MarkdownIt("commonmark", {"html": False})
    tokens = reader.parse(known.text)
    for token in tokens:
        for part in token.children or ():
            if part.type == "link_open":
                part.attrSet("rel", "noopener noreferrer")
    return Markup(reader.renderer.render(tokens, reader.options, {}))


def title(finding: str) -> str:
    """A finding in one line; its id where it is unknown."""
    known = explain(finding)
    return known.title if known else finding
