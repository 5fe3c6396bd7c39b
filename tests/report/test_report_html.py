"""The HTML page is self-contained and inert, accessible, and shows everything a grade holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from grader.checks.catalogue import all_kinds, find_kind
from grader.report.html import render
from grader.score import Grade, RunInfo

PUBLISHED = " ".join(kind.explanation for kind in all_kinds())
"""Every explanation of a finding, with the addresses to read more."""

VOID = {"meta", "img", "br", "polygon", "path", "circle"}
PAGE_TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "main",
    "footer",
    "section",
    "article",
    "div",
    "p",
    "h1",
    "h2",
    "h3",
    "strong",
    "b",
    "br",
    "span",
    "code",
    "pre",
    "mark",
    "a",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "figure",
    "figcaption",
    "svg",
    "polygon",
    "path",
    "circle",
    "text",
    "img",
    "details",
    "summary",
}


@dataclass
class Element:
    """One element of the page with all the text inside it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def has_class(self, name: str) -> bool:
        return name in (self.attributes.get("class") or "").split()


class Page(HTMLParser):
    """A strict reader: every element that opens must close, in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        assert len(element.attributes) == len(attrs), f"<{tag}> repeats an attribute"
        if self._open:
            self._open[-1].children.append(element)
        self.elements.append(element)
        self.handle_data(" ")
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag
        self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, class_: str | None = None) -> list[Element]:
        return [e for e in self.elements if e.tag == tag and (class_ is None or e.has_class(class_))]


def words(element: Element) -> str:
    """The element's text with single spaces."""
    return " ".join(element.text.split())


def test_the_page_runs_and_loads_nothing(grade: Grade) -> None:
    """Only known elements, no script, no handler; addresses are anchors, images within, and what explanations name."""
    page = Page(render(grade))
    assert {element.tag for element in page.elements} <= PAGE_TAGS
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name in ("srcdoc", "action")]
        href = element.attributes.get("href", "#x") or ""
        assert re.match(r"#[a-z0-9-]+$", href) or f"<{href}>" in PUBLISHED
        assert (element.attributes.get("src") or "data:image/png;base64,").startswith("data:image/png;base64,")
        assert "url(" not in (element.attributes.get("style") or "")
    assert "url(" not in page.all("style")[0].text
    assert "@import" not in page.all("style")[0].text


def test_the_content_security_policy_forbids_the_rest(grade: Grade) -> None:
    """Even if something slipped through, the browser would load and run nothing; the policy precedes any content."""
    page = Page(render(grade))
    policy = next(e for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy")
    directives = (policy.attributes["content"] or "").split("; ")
    assert {"default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"} <= set(directives)
    assert not any("script" in directive for directive in directives)
    assert [e.tag for e in page.elements].index("style") > page.elements.index(policy)


def test_student_text_is_only_text(samples: dict[str, Grade], hostile: dict[str, str]) -> None:
    """Hostile strings appear as characters: markup, templates and brackets unchanged, control characters gone."""
    html = render(samples["faulty"])
    text = words(Page(html).all("body")[0])
    assert hostile["html"] in text
    assert hostile["markdown"] in text
    assert hostile["template"] in text
    assert "<script" not in html
    assert "<img src=x" not in html
    assert html.replace("\n", "").isprintable()


def test_long_messages_are_cut(samples: dict[str, Grade]) -> None:
    """Ten thousand characters do not drown the page."""
    assert "x" * 601 not in render(samples["faulty"])
    assert "(9,400 more characters)" in render(samples["faulty"])


def test_anchors_and_labels_lead_somewhere(grade: Grade) -> None:
    """Ids are unique; every link and every label points at one of them."""
    page = Page(render(grade))
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    targets = [e.attributes["href"][1:] for e in page.all("a") if (e.attributes["href"] or "").startswith("#")]
    labels = [e.attributes["aria-labelledby"] for e in page.elements if "aria-labelledby" in e.attributes]
    assert {*targets, *labels} <= set(ids)


def test_the_page_is_accessible(grade: Grade) -> None:
    """A language, landmarks, one h1, scoped table heads, and words for every picture or its mark as decoration."""
    page = Page(render(grade))
    assert page.all("html")[0].attributes["lang"] == "en"
    assert [len(page.all(tag)) for tag in ("main", "h1")] == [1, 1]
    assert all("scope" in e.attributes for e in page.all("th"))
    assert all(e.attributes.get("alt") for e in page.all("img"))
    assert all(e.attributes.get("aria-hidden") == "true" or e.attributes.get("aria-label") for e in page.all("svg"))
    assert all("aria-labelledby" in e.attributes for e in page.all("section"))


def test_outcomes_have_words_not_only_colours(samples: dict[str, Grade]) -> None:
    """Every check's row names its outcome, its points, and whether it was proved or observed."""
    rows = [words(row) for row in Page(render(samples["faulty"])).all("tr", "check")]
    assert len(rows) == 25
    assert "◐ Partly convolution 1 → 10 channels, 8×8 kernel, stride 2, no padding proved 1 / 4" in rows
    assert all(re.search(r" (proved|observed) [\d.]+ / ", row) or "Not assessed" in row for row in rows)
    assert {re.sub(r"\W*(Not assessed|[A-Z][a-z]+).*", r"\1", row) for row in rows} == {
        "Met",
        "Partly",
        "Unmet",
        "Not assessed",
    }


def test_a_questions_id_is_not_told_twice(samples: dict[str, Grade]) -> None:
    """A question has its id before its title, unless the title begins with it."""
    grade = samples["perfect"]
    titled = replace(grade.questions[-1], id="accuracy", title="Accuracy beside the reference")
    page = render(replace(grade, questions=(*grade.questions[:-1], titled)))
    assert '<span class="id">2.1</span>' in page
    assert "Accuracy beside the reference" in page
    assert '<span class="id">accuracy' not in page


def test_a_lost_mark_is_a_card(samples: dict[str, Grade]) -> None:
    """Expected, seen, where, hint, finding and confidence; the source line is marked among its neighbours."""
    card = Page(render(samples["faulty"])).all("article")[0]
    text = words(card)
    for part in (
        "layers.convolution",
        "−3 of 4",
        "Seen 5×5 kernel, stride 2: 28×28×1 → 12×12×10",
        "Hint The size",
        "Where cnn.ipynb, cell 5, line 8",
        "Proved",
        "What layer.kernel-size means",
    ):
        assert part in text
    mark = Page(render(samples["faulty"])).all("mark")[0]
    assert words(mark) == "8 self.conv = nn.Conv2d(1, K, kernel_size=5, stride=stride)"
    assert "self.dense = nn.Linear(1440, 10)" in text


def test_the_forward_pass_stands_beside_what_was_asked(samples: dict[str, Grade]) -> None:
    """Each stage draws the expected and the seen block with both shapes, and marks a departure in words."""
    flow = Page(render(samples["faulty"])).all("ol", "flow")[0]
    stages = flow.children
    assert [words(stage.children[0]) for stage in stages] == ["x", "z_1", "v_1", "u_2", "y_hat"]
    assert "expected 28×28×1 seen 28×28×1 ✓ As expected" in words(stages[0])
    assert "expected 11×11×10 seen 12×12×10 ✗ convolution 5×5" in words(stages[1])
    assert "expected 11×11×10 seen 12×12×10 ✗ Sigmoid" in words(stages[2])
    assert "expected 1210 seen 1440 ✗ another shape" in words(stages[3])
    assert "expected 10 seen 10 ✗ dense 1440 → 10, then softmax" in words(stages[4])
    assert [stage.has_class("departs") for stage in stages] == [False, True, True, True, True]
    assert all(sum(figure.tag == "figure" for figure in stage.children) == 2 for stage in stages)


def test_a_stage_that_was_not_seen_says_so(samples: dict[str, Grade]) -> None:
    """Without an observation there is the expected block alone."""
    last = Page(render(samples["timed_out"])).all("ol", "flow")[0].children[-1]
    assert sum(child.tag == "figure" for child in last.children) == 1
    assert "Not seen" in words(last)


def test_measures_are_all_there(samples: dict[str, Grade]) -> None:
    """Accuracies with interval and reference, coverage, curves in words, ten filters and the confusion matrix."""
    page = Page(render(samples["faulty"]))
    text = words(page.all("main")[0])
    for part in (
        "89.5% on 2,000 test images, 95% interval 88.1% to 90.9%",
        "94.5%",
        "97.3% ± 0.2%, 5 runs",
        "2,029 of 12,000, 16.9%",
        "199 of 2,000, 10.0%",
    ):
        assert part in text
    curves = [e.attributes["aria-label"] for e in page.all("svg") if "aria-label" in e.attributes]
    assert curves[1] == (
        "Accuracy by epoch. reference's train 55.5% to 97.4%; reference's test 57.3% to 97.2%; "
        "student's train 30% to 84%; student's test 28% to 82.9%."
    )
    assert len(page.all("img")) == 10
    assert [words(e) for e in page.all("td", "right")] == ["171"] * 10


def test_the_run_is_documented(samples: dict[str, Grade]) -> None:
    """Data set, hashes, isolation, time, memory and seed; a run without a sandbox says so."""
    text = words(Page(render(samples["perfect"])).all("main")[0])
    for part in (
        f"offline digits (12,000 + 2,000 images), SHA-256 {'51ab' * 16}",
        "Isolation full",
        "612 MB",
        "Seed 20240501",
    ):
        assert part in text
    bare = replace(samples["perfect"], run=RunInfo("none", 1.0, 1.0, 1.0, 0, True))
    assert "the student's code ran without a sandbox" in render(bare)


def test_every_finding_is_listed(samples: dict[str, Grade]) -> None:
    """All findings with their severity; those that cost marks lead to their card."""
    items = [words(e) for e in Page(render(samples["faulty"])).all("ul", "findings")[0].children]
    assert len(items) == len(samples["faulty"].findings)
    assert items[0] == "Fault layer.kernel-size proved · cnn.ipynb, cell 5, line 8 see the lost mark"
    assert items[-1].startswith("Note test.gradients-on observed")


@pytest.mark.parametrize(
    ("name", "parts", "absent"),
    [
        ("rejected", ["Not graded", "over the limit of 50 MB"], ["Questions", "Lost marks", "Training", "Isolation"]),
        (
            "timed_out",
            ["Timed out", "10 points not assessed", "Limit reached 600 s of wall time"],
            ["Confusion", "filters"],
        ),
    ],
)
def test_an_incomplete_grade_gives_a_sensible_page(
    samples: dict[str, Grade], name: str, parts: list[str], absent: list[str]
) -> None:
    """What is unknown has no section; what happened is said at the top."""
    page = Page(render(samples[name]))
    text = words(page.all("body")[0])
    assert all(part in text for part in parts)
    titles = " ".join(words(e) for e in page.all("h2"))
    assert not any(word in titles for word in absent)


def test_the_page_is_the_same_every_time(grade: Grade) -> None:
    """Nothing random or dated enters, so that unchanged grades give unchanged files."""
    assert render(grade) == render(grade)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
def test_text_has_contrast(theme: int) -> None:
    """In both themes all text colours reach 4.5 : 1 on every ground (WCAG 2.2, criterion 1.4.3)."""
    css = (files("grader.report") / "templates" / "base.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", css)
    colours = {name: pair[theme] for name, *pair in pairs}
    grounds = [
        (ink, ground)
        for ink in ("text", "muted", "accent", "good", "part", "bad")
        for ground in ("page", "panel", "soft") + (("mark",) if ink in ("text", "muted") else ())
    ]
    for ink, ground in [*grounds, ("on-accent", "accent")]:
        lighter, darker = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)


def test_every_finding_is_explained(samples: dict[str, Grade]) -> None:
    """Below each lost mark stands what `grade explain` says of its finding, folded away without any script."""
    page = Page(render(samples["faulty"]))
    told = [words(e) for e in page.all("details", "why")]
    for mark in (check for q in samples["faulty"].questions for check in q.checks if check.finding):
        kind = find_kind(mark.finding or "")
        first = re.sub(r"\*\*|`|\s", "", kind.explanation.split("\n\n")[0])
        assert any(f"What {kind.id} means" in text and first in text.replace(" ", "") for text in told), kind.id


def test_an_unknown_finding_does_without_explanation(samples: dict[str, Grade]) -> None:
    """A report of another version may name a finding that this one has no text for."""
    question = samples["faulty"].questions[1]
    checks = (replace(question.checks[0], finding="layer.of-tomorrow"), *question.checks[1:])
    changed = replace(samples["faulty"], questions=(replace(question, checks=checks),))
    assert "layer.of-tomorrow means" not in render(changed)
