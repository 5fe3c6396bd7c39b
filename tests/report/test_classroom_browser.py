"""The pages in a real browser: they open from disk, sort, filter and search, and say nothing on the console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from grader.report import classroom, html
from grader.score.alike import AlikeGroup, Pair
from tests.browser import chromium
from tests.report.classes import a_class, room

NAMES = [grade.submission.id for grade in a_class()]
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1366, "height": 768}
GROUP = AlikeGroup("code", ("student-1", "student-3"), (Pair("student-1", "student-3", 0.93, ("a = 1",)),), "93%")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of grades as the grader leaves it: the class's page, and the report of each."""
    home = tmp_path_factory.mktemp("grades")
    for grade in a_class():
        if "/" not in grade.submission.id:
            (home / grade.submission.id).mkdir()
            (home / grade.submission.id / "report.html").write_text(html.render(grade), encoding="utf-8")
    page = classroom.render(room(a_class(), alike=(GROUP,)))
    (home / "index.html").write_text(page, encoding="utf-8")
    return home


@pytest.fixture
def complaints() -> list[str]:
    """What the browser says on its console, and what scripts throw."""
    return []


@pytest.fixture
def page(browser: Browser, folder: Path, complaints: list[str]) -> Iterator[Page]:
    """The class's page from disk; at the end nothing was complained about and nothing else was asked for."""
    opened = browser.new_page(viewport=LAPTOP)

    def hear(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    asked: list[str] = []
    opened.on("console", hear)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((folder / "index.html").as_uri())
    yield opened
    assert complaints == []
    assert all(url.startswith("file:") for url in asked)
    opened.close()


def shown(page: Page) -> list[str]:
    """The ids of the rows that are to be seen, in their order."""
    return page.locator("#table tbody tr:visible th").all_text_contents()


def column(page: Page, title: str) -> list[str]:
    titles = page.locator("#table thead th").evaluate_all("heads => heads.map(head => head.dataset.title)")
    at = titles.index(title)
    return [row.locator("> *").nth(at).text_content() or "" for row in page.locator("#table tbody tr:visible").all()]


def test_all_submissions_are_listed(page: Page) -> None:
    """Every submission is a row, whatever its name holds, and no name became markup."""
    assert [name.strip() for name in shown(page)] == [" ".join(name.split()) for name in NAMES]
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0


def test_figures_sort_from_the_highest_and_back(page: Page) -> None:
    """One click puts the highest score first, a second the lowest, and the head says which."""
    head = page.locator("#table thead th[data-title=Score]")
    head.get_by_role("button").click()
    scores = [float(s) if s != "–" else -1.0 for s in column(page, "Score")]
    assert scores == sorted(scores, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").click()
    scores = [float(s) if s != "–" else -1.0 for s in column(page, "Score")]
    assert scores == sorted(scores)
    assert page.locator("#table thead th[data-title=Submission]").get_attribute("aria-sort") == "none"


def test_sorting_by_keyboard(page: Page) -> None:
    """The heads are buttons: focus and Enter sort, no mouse is needed."""
    page.locator("#table thead th[data-title=Submission] button").focus()
    page.keyboard.press("Enter")
    assert shown(page)[0].startswith("student-9")
    assert shown(page)[-1].startswith("ångström")


def test_search_by_keyboard_and_arrows_to_a_report(page: Page) -> None:
    """A slash leads to the search, the arrow down to the first row found, Enter opens that report."""
    page.keyboard.press("/")
    page.keyboard.type("student train.epochs")
    assert shown(page) == ["student-0", "student-3", "student-6", "student-9"]
    assert page.locator("#shown").inner_text() == "4 of 14 shown"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("student-3/report.html"))
    assert page.locator("h1").inner_text() == "student-3"


def test_filters_combine_and_are_taken_back(page: Page) -> None:
    """Question, finding and review narrow the table together; one button shows all again."""
    page.locator("#finding").select_option("layer.stride")
    page.locator("#question").select_option("3.1")
    assert shown(page) == ["student-3", "student-9"]
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#shown")).to_have_text("14 of 14 shown")
    page.locator("#status").select_option("rejected")
    assert shown(page) == ["smith-jo"]
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("for review").check()
    assert {"smith-jo", "lee-sam"} <= set(shown(page))
    assert "student-1" not in shown(page)
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("alike", exact=True).check()
    assert shown(page) == ["student-1", "student-3"]


def test_a_column_of_the_histogram_filters(page: Page) -> None:
    """The last column's button shows as many submissions as it counts, each with such a score."""
    column_ = page.locator(".histogram button").last
    counted = int(re.match(r"\d+", column_.get_attribute("aria-label") or "")[0])  # type: ignore[index]
    column_.click()
    assert len(shown(page)) == counted
    assert all(float(score) >= 45 for score in column(page, "Score"))


def test_findings_lead_to_the_lost_marks(page: Page) -> None:
    """A finding opens to the submissions that have it; the link ends at the card that tells of it."""
    finding = page.locator("#findings + ol > li", has_text="layer.stride")
    finding.locator("summary").click()
    links = finding.locator(".links a")
    assert links.all_inner_texts() == [f"student-{number}" for number in (1, 3, 5, 7, 9)]
    links.first.click()
    page.wait_for_url(re.compile(r"student-1/report\.html#lost-1$"))
    assert "layers.convolution" in page.locator("#lost-1").inner_text()


def test_every_link_has_its_report(page: Page, folder: Path) -> None:
    """No link of the page is dead, in-page anchors included."""
    for href in {a.get_attribute("href") or "" for a in page.locator("a").all()}:
        if href.startswith("#"):
            assert page.locator(href).count() == 1
        elif "mallory" not in href:
            target = page.evaluate("href => decodeURI(new URL(href, document.baseURI).pathname)", href)
            assert Path(target).is_file()


@pytest.mark.parametrize("size", [PHONE, LAPTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "student-3/report.html"])
def test_axe_finds_nothing_serious(
    browser: Browser, folder: Path, size: dict[str, int], scheme: str, name: str
) -> None:
    """Accessibility as axe sees it, with every fold open, on phone and laptop, light and dark; no page is too wide."""
    page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto((folder / name).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.close()


def test_print_shows_every_row_and_no_control(page: Page) -> None:
    """On paper nothing is scrolled away, and what only a screen can use is gone."""
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.locator(".show:visible").count() == 0
    table = page.locator(".table")
    assert table.evaluate("table => table.scrollHeight <= table.clientHeight + 1")
    assert len(shown(page)) == 14


# A4 on its side and upright within the page's margins, and A5 upright, in CSS pixels.
@pytest.mark.parametrize("size", [(1032, 703), (703, 1032), (468, 703)])
def test_the_printed_plot_is_no_wider_than_the_page(page: Page, size: tuple[int, int]) -> None:
    """On paper of any size the plot of accuracies lies within its frame, which lies within the page."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    frame, plot = (page.locator(selector).bounding_box() for selector in (".plot", ".plot svg"))
    assert frame is not None and plot is not None
    assert 0 <= frame["x"] <= plot["x"]
    assert plot["x"] + plot["width"] <= frame["x"] + frame["width"] <= size[0]


def test_the_printed_heads_are_text(page: Page) -> None:
    """Only what is no control is painted again on each page: in print the heads' buttons leave nothing but words."""
    buttons = page.locator("#table thead button")
    assert buttons.count() == page.locator("#table thead th").count()
    page.emulate_media(media="print")
    assert set(buttons.evaluate_all("buttons => buttons.map(b => getComputedStyle(b).display)")) == {"contents"}


def test_the_whole_plot_and_table_are_seen(page: Page) -> None:
    """On a laptop no column of the table is out of sight; on a phone the whole plot is seen, its words not too small
    to be read."""
    assert page.locator(".table").evaluate("table => table.scrollWidth <= table.clientWidth")
    page.set_viewport_size(PHONE)
    edges = page.locator(".plot text, .plot .grid").evaluate_all(
        "marks => marks.map(mark => mark.getBoundingClientRect()).map(box => [box.left, box.right, box.height])"
    )
    assert min(left for left, _, _ in edges) >= 0
    assert max(right for _, right, _ in edges) <= PHONE["width"]
    assert min(height for _, _, height in edges if height) > 8


def test_the_theme_follows_the_reader_and_can_be_turned(page: Page) -> None:
    """The page is light where the reader's system is; the button makes it dark, and says what it will do next."""
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(247, 247, 245)"
    page.get_by_role("button", name="Dark page").click()
    assert page.evaluate(ground) == "rgb(20, 23, 27)"
    page.get_by_role("button", name="Light page").click()
    assert page.evaluate(ground) == "rgb(247, 247, 245)"


def test_without_scripts_the_page_shows_everything(browser: Browser, folder: Path) -> None:
    """Where scripts are off, all is there but the controls that would do nothing."""
    page = browser.new_page(java_script_enabled=False)
    page.goto((folder / "index.html").as_uri())
    assert page.locator("#table tbody tr").count() == 14
    assert not page.locator("#filters").is_visible()
    assert not page.locator("#theme").is_visible()
    page.close()


def test_anonymous_says_so(browser: Browser) -> None:
    """Without names the page says that they are left out."""
    page = browser.new_page()
    page.set_content(classroom.render(room(a_class(), anonymous=True)))
    assert "names are left out" in page.locator("header").inner_text()
    page.close()
