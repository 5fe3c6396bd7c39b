"""The Markdown report shows scores and lost marks, and renders nothing of the student's as markup."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from grader.report.markdown import code, escape, render
from grader.report.text import clean, source_line
from grader.score import Grade

PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")
MARKED = st.text(alphabet=st.sampled_from("ab1 .)(*_`~[]<>&!#|\\-+=:/@$\"'\t\n"), max_size=30)


def _tokens(markdown: str) -> Iterator[Token]:
    for token in PARSER.parse(markdown):
        yield token
        yield from token.children or ()


def test_nothing_becomes_a_link_an_image_or_html(grade: Grade) -> None:
    """No sample yields a link, an image or raw HTML, though the faulty one is full of attempts."""
    kinds = {token.type for token in _tokens(render(grade))}
    assert not kinds & {"link_open", "image", "html_inline", "html_block", "fence", "code_block", "hr", "s_open"}


def test_control_characters_are_gone(grade: Grade) -> None:
    """The text is printable but for line ends and the joint that keeps addresses from becoming links."""
    assert render(grade).replace("\n", "").replace("\u2060", "").isprintable()


@given(st.one_of(MARKED, st.text(max_size=30)))
def test_escaped_text_shows_itself(value: str) -> None:
    """What a reader sees of any escaped text is that text, in one plain paragraph."""
    shown = clean(value).strip()
    tokens = list(_tokens(escape(value)))
    if not shown:
        assert tokens == []
        return
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}
    seen = "".join(token.content for token in tokens if token.type in ("text", "text_special"))
    assert seen.replace("\u2060", "") == unescape(shown) if "&" not in shown else shown


@given(st.text(alphabet=st.sampled_from("ab` <*_\\")))
def test_code_shows_itself(value: str) -> None:
    """A line of code is one code span with exactly that line, however many backticks it has."""
    shown = source_line(value).strip()
    spans = [token.content for token in _tokens(f"where: {code(value)}") if token.type == "code_inline"]
    assert spans == ([shown] if shown else [])


@pytest.mark.parametrize("address", ["https://evil.example", "www.evil.example", "me@evil.example", "@everyone"])
def test_addresses_are_jointed(address: str) -> None:
    """Bare addresses and mentions, which renderers link by themselves, are broken by an invisible joint."""
    assert address not in escape(f"see {address} now")
    assert escape(f"see {address} now").replace("\u2060", "") == f"see {address} now"


def test_the_table_has_every_question(samples: dict[str, Grade]) -> None:
    """One row a question, and the total."""
    rows = [line for line in render(samples["faulty"]).splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 9 + 1
    assert "| 2.1 | Define the layers | 4 | 8 |" in rows
    assert rows[-1] == "| **total** | 70% | **35.25** | **50** |"


def test_a_lost_mark_says_expected_seen_where_hint_and_basis(samples: dict[str, Grade]) -> None:
    """Each lost mark has its five lines, with the source line as code."""
    text = render(samples["faulty"])
    assert "- **layers.convolution** (question 2.1, −3) The kernel is not the one that was asked" in text
    assert "  - expected: convolution 1 → 10 channels, 8×8 kernel, stride 2, no padding\n" in text
    assert "  - seen: 5×5 kernel, stride 2: 28×28×1 → 12×12×10\n" in text
    assert "  - where: cell 5, line 8: ` self.conv = nn.Conv2d(1, K, kernel_size=5, stride=stride) `\n" in text
    assert "  - hint: The size of the output is (28 − kernel) / stride + 1." in text
    assert "  - proved: the grader recomputed it; grade explain layer.kernel-size\n" in text


def test_a_rejected_submission_says_why(samples: dict[str, Grade]) -> None:
    """There is no table and no score, but the reason."""
    text = render(samples["rejected"])
    assert text.startswith("## smith-jo: not graded\n")
    assert "over the limit of 50 MB" in text
    assert "|" not in text


def test_a_run_that_timed_out_says_what_was_not_assessed(samples: dict[str, Grade]) -> None:
    """The score is shown with the points that nobody could judge, and the reasons for a person to look."""
    text = render(samples["timed_out"])
    assert "Timed out" in text
    assert "10 points not assessed" in text
    assert "- accuracy.reference was not assessed: the run was stopped before this was reached" in text
