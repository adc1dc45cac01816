"""The rating page in a real browser; skipped where Playwright or Chromium is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lynx.evaluation.people.ratings import ratings_of
from lynx.evaluation.people.store import RatingStore
from tests.browser import SECONDS, needs_browser, running_browser, sync_api
from tests.evaluation.people.sheets import make, make_store
from tests.serving.rating_process import RatingProcess

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(SECONDS * 1000)
    yield context
    context.close()


class Serving:
    """A store that is served; `restart` takes the same port, as a person's page expects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.process = RatingProcess(path)

    def restart(self) -> None:
        self.process = RatingProcess(self.path, port=self.process.port)

    def open(self, context: Any, rater: str = "Ana") -> Any:
        page = context.new_page()
        page.foreign, page.errors = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on(
            "request",
            lambda r: (
                r.url.startswith((self.process.address, "data:")) or page.foreign.append(r.url)
            ),
        )
        page.goto(f"{self.process.address}/?rater={rater}")
        page.wait_for_selector(".answer")
        return page


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    path = tmp_path / "r.sqlite"
    make_store(path, make(4, dialogue=(2, 3)), max_ties=2).close()
    serving = Serving(path)
    yield serving
    serving.process.kill()


def expect(locator: Any) -> Any:
    sync_api.expect.set_options(timeout=SECONDS * 1000)
    return sync_api.expect(locator)


def wait_saved(page: Any) -> None:
    expect(page.locator("#saved")).to_have_text("saved")


def shown_scores(page: Any) -> list[str]:
    """The chosen score of each answer, "" where none."""
    return page.eval_on_selector_all(  # type: ignore[no-any-return]
        ".answer",
        "cards => cards.map(c => [...c.querySelectorAll('.score')]"
        ".filter(b => b.getAttribute('aria-pressed') === 'true').map(b => b.textContent).join())",
    )


def question(page: Any, text: str) -> None:
    expect(page.locator("#question")).to_have_text(text)


def test_a_set_is_rated_with_the_keyboard_alone_to_its_end(serving: Serving, context: Any) -> None:
    page = serving.open(context)
    page.on("dialog", lambda dialog: dialog.accept())
    for number in (1, 2, 3, 4):
        question(page, f"what is {number}?")
        for key in ("1", "4", "3", "Enter"):
            page.keyboard.press(key)
    page.wait_for_selector("#finished:not([hidden])")
    ratings = ratings_of(RatingStore(serving.path))
    assert [sorted(one.values()) for one in ratings.scores["Ana"].values()] == [[1, 3, 4]] * 4
    assert page.foreign == [] and page.errors == []


def test_a_third_equal_score_is_refused_on_the_page_and_the_next_is_taken(
    serving: Serving, context: Any
) -> None:
    page = serving.open(context)
    page.keyboard.press("3")
    page.keyboard.press("3")
    page.keyboard.press("3")
    told = page.locator(".answer .refusal:not([hidden])")
    expect(told).to_contain_text("Not taken: 3 answers would have the score 3; at most 2")
    assert shown_scores(page) == ["3", "3", ""]
    expect(page.locator("#ties")).to_have_text("1")
    expect(page.locator(".answer").nth(2)).to_have_class("answer focused")
    page.keyboard.press("5")
    wait_saved(page)
    expect(told).to_have_count(0)
    assert shown_scores(page) == ["3", "3", "5"]
    page.keyboard.press("Enter")
    question(page, "what is 2?")
    for key in ("2", "2", "1"):  # the second tie of two
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    question(page, "what is 3?")
    page.keyboard.press("4")
    page.keyboard.press("4")
    expect(told).to_contain_text("Not taken: this would be tie number 3; at most 2 are allowed")


def test_clicks_while_the_server_is_dead_are_kept_and_sent_when_it_is_back(
    serving: Serving, context: Any
) -> None:
    page = serving.open(context)
    page.keyboard.press("2")
    wait_saved(page)
    serving.process.kill()
    page.keyboard.press("5")
    page.locator(".answer").nth(2).locator(".score", has_text="4").click()
    expect(page.locator("#saved")).to_have_text("not saved: 2")
    assert page.locator(".score.waiting").all_inner_texts() == ["5", "4"]
    assert shown_scores(page) == ["2", "", ""]  # what isn't saved doesn't look saved
    serving.restart()
    wait_saved(page)
    assert shown_scores(page) == ["2", "5", "4"]
    assert page.locator(".score.waiting").count() == 0
    assert len(RatingStore(serving.path).scores()) == 3


def test_nothing_is_lost_when_page_and_server_both_die(serving: Serving, context: Any) -> None:
    page = serving.open(context)
    page.keyboard.press("2")
    wait_saved(page)
    serving.process.kill()
    page.keyboard.press("5")
    expect(page.locator("#saved")).to_have_text("not saved: 1")
    page.close()
    serving.restart()
    page = serving.open(context)
    wait_saved(page)
    assert shown_scores(page) == ["2", "5", ""]
    assert RatingStore(serving.path).num_clicks() == 2


def test_a_rater_comes_back_to_the_first_question_not_rated_and_may_edit(
    serving: Serving, context: Any
) -> None:
    page = serving.open(context)
    for key in ("1", "2", "3", "Enter"):
        page.keyboard.press(key)
    question(page, "what is 2?")
    page.close()
    page = serving.open(context, rater="ana")
    question(page, "what is 2?")
    expect(page.locator("#rater")).to_have_text("Ana")
    expect(page.locator("#done")).to_have_text("1")
    page.keyboard.press("ArrowLeft")
    question(page, "what is 1?")
    assert shown_scores(page) == ["1", "2", "3"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("5")
    wait_saved(page)
    assert shown_scores(page) == ["1", "5", "3"]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("0")
    wait_saved(page)
    assert sorted(shown_scores(page)) == ["", "1", "3"] or sorted(shown_scores(page)) == [
        "",
        "1",
        "5",
    ]
    expect(page.locator("#done")).to_have_text("0")
    page.keyboard.press("Enter")  # not on while an answer has no score
    expect(page.locator("#hint")).to_have_text("1 of 3 answers have no score yet")


def test_a_second_rater_begins_by_name_and_sees_nothing_of_the_first(
    serving: Serving, context: Any, browser: Any
) -> None:
    page = serving.open(context)
    for key in ("1", "2", "3"):
        page.keyboard.press(key)
    wait_saved(page)
    other = browser.new_context()
    other.set_default_timeout(SECONDS * 1000)
    second = other.new_page()
    second.goto(serving.process.address)
    second.fill("#name", "Ben")
    second.keyboard.press("Enter")
    second.wait_for_selector(".answer")
    question(second, "what is 1?")
    assert shown_scores(second) == ["", "", ""]
    assert "Ana" not in second.content()
    other.close()


def test_a_dialogue_shows_what_each_model_has_said_before(serving: Serving, context: Any) -> None:
    page = serving.open(context)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(50)
    question(page, "what is 4?")
    expect(page.locator("#over")).to_contain_text("dialogue, turn 2 of 2")
    for card in page.locator(".answer").all():
        model = card.locator(".text").inner_text().split()[2]
        said = card.locator(".earlier p").all_inner_texts()
        assert said == ["what is 3?", f"answer of {model} to 3"]
    page.keyboard.press("h")
    assert page.locator("details[open]").count() == 0


def test_answers_are_shown_as_they_were_written(tmp_path: Path, context: Any) -> None:
    text = "<b>bold</b> <img src=x onerror=alert(1)>\n  & <script>document.title='x'</script>"
    sheet = make(1)
    sheet.items[0].answers["ours"] = text
    sheet.items[0].answers["third"] = " "
    make_store(tmp_path / "r.sqlite", sheet).close()
    serving = Serving(tmp_path / "r.sqlite")
    page = serving.open(context)
    texts = page.eval_on_selector_all(".text", "all => all.map(one => one.textContent)")
    assert sorted(texts) == sorted([text, "answer of theirs to 1", "(an empty answer)"])
    assert page.title() == "Rating · Lynx Lab" and page.foreign == []
    serving.process.kill()


def test_what_one_page_of_a_rater_has_saved_is_shown_on_the_other(
    serving: Serving, context: Any
) -> None:
    first, second = serving.open(context), serving.open(context)
    first.keyboard.press("5")
    wait_saved(first)
    pressed = second.locator(".score[aria-pressed=true]")
    expect(pressed).to_have_text(["5"])
    second.keyboard.press("0")  # the answer in focus is the first
    wait_saved(second)
    expect(first.locator(".score[aria-pressed=true]")).to_have_count(0)
    assert first.errors == second.errors == []
