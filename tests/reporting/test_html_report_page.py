"""The HTML report in a real browser; skipped where Playwright or Chromium is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lynx.reporting.html_report import write_html_report
from tests.browser import SECONDS, needs_browser, running_browser
from tests.reporting.shown_runs import shown_run, wrong_for

pytestmark = needs_browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three variants, one of a name as long as names get."""
    root = tmp_path_factory.mktemp("report")
    shown_run(root, "base", says=wrong_for(["0", "1"]))
    shown_run(root, "other", says=wrong_for(["0", "2", "3"]))
    shown_run(root, "no_diverse_prompts+stages.instruct.steps=12345", says=wrong_for(["0", "4"]))
    runs = sorted((root / "runs/desk").iterdir(), key=lambda path: len(path.name))
    return write_html_report(runs, root / "report.html").path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running_browser() as browser:
        yield browser


def opened(browser: Any, report: Path, **options: Any) -> Any:
    """A page with lists of the addresses it asked for and of what the console said."""
    context = browser.new_context(**options)
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda said: said.type != "log" and page.errors.append(said.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(report.as_uri())
    page.wait_for_function("document.querySelector('#count').textContent !== ''")
    return page


def shown(page: Any) -> list[str]:
    """Kinds of the cards that are visible."""
    cards = page.locator(".case:visible")
    return [card.get_attribute("data-kinds") for card in cards.all()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 400])
def test_nothing_is_fetched_nothing_fails_and_nothing_sticks_out(
    browser: Any, report: Path, width: int, scheme: str
) -> None:
    page = opened(browser, report, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert [url for url in page.asked if not url.startswith("data:")] == [report.as_uri()]
    assert page.errors == []
    assert page.title() == "other, no_diverse_prompts+stages.instruct.steps=12345 against base"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # Wide tables scroll within their own frame; everything else must fit.
    outside = page.evaluate(
        """(width) => [...document.querySelectorAll("main *")]
          .filter((one) => !one.closest(".scroll, svg"))
          .filter((one) => one.getBoundingClientRect().right > width)
          .map((one) => one.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (brightness(ink) < brightness(paper)) == (scheme == "light")


def brightness(color: str) -> int:
    """Sum of the channels of "rgb(r, g, b)"."""
    return sum(int(part) for part in color.strip("rgb()").split(","))


def test_buttons_lists_and_search_leave_the_right_questions(browser: Any, report: Path) -> None:
    page = opened(browser, report)
    everything = shown(page)
    assert len(everything) == 5
    page.click("button[data-kind=gained]")
    assert shown(page) and all("gained-" in kinds for kinds in shown(page))
    assert page.locator("#count").inner_text() == f"{len(shown(page))} of 5 questions"
    page.select_option("[name=variant]", "1")
    assert all("gained-1" in kinds for kinds in shown(page))
    page.click("button[data-kind=wrong]")
    assert shown(page) == ["wrong-1 wrong-2"]
    page.click("button[data-kind='']")
    page.select_option("[name=variant]", "")
    page.select_option("[name=category]", "B")
    assert len(shown(page)) == 2
    page.select_option("[name=category]", "")
    page.fill("[name=search]", "DOG  blue")
    texts = page.locator(".case:visible").all_inner_texts()
    assert texts == [] or all("dog" in text and "blue" in text for text in texts)
    page.fill("[name=search]", "no such words")
    assert shown(page) == [] and page.locator("#count").inner_text() == "0 of 5 questions"
    page.fill("[name=search]", "")
    assert shown(page) == everything


def test_the_keyboard_is_enough(browser: Any, report: Path) -> None:
    page = opened(browser, report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("button[data-kind=lost]")
    page.keyboard.press("Enter")
    assert page.locator("button[data-kind=lost]").get_attribute("aria-pressed") == "true"
    assert all("lost-" in kinds for kinds in shown(page))
    page.keyboard.press("Escape")
    page.focus("summary >> nth=0")
    is_open = "document.querySelector('summary').parentElement.open"
    before = page.evaluate(is_open)
    page.keyboard.press("Space")
    assert page.evaluate(is_open) != before


def test_pictures_show_and_hostile_answers_are_only_text(browser: Any, report: Path) -> None:
    page = opened(browser, report)
    sizes = page.evaluate("[...document.querySelectorAll('.case img')].map((i) => i.naturalWidth)")
    assert len(sizes) == 5 and all(size >= 30 for size in sizes)
    assert page.locator(".case img[src^=http], .case script").count() == 0
    assert "<script>document.title=" in page.locator(".case").first.inner_text()


def test_what_is_folded_is_printed(browser: Any, report: Path) -> None:
    page = opened(browser, report)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("nav").is_visible() and not page.locator("#filters").is_visible()
