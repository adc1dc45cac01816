"""Tests of the page in a real browser; skipped where Gradio, Playwright or Chromium is missing."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lynx.serving.answering import Answerer
from tests.browser import SECONDS, needs_browser, running_browser, sync_api
from tests.clips import make_clip

pytest.importorskip("gradio", reason="Gradio is missing: pip install -e '.[demo]'")
pytestmark = needs_browser


@pytest.fixture(scope="module")
def address(answerer: Answerer, other: Answerer) -> Iterator[str]:
    import gradio as gr

    from lynx.serving.page import serve

    yield serve([answerer, other], blocking=False)
    gr.close_all()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1360, "height": 1000})
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    page.foreign = []
    page.on(
        "request",
        lambda request: (
            request.url.startswith((address, "data:", "blob:")) or page.foreign.append(request.url)
        ),
    )
    page.goto(address)
    page.wait_for_selector("#ask")
    yield page
    context.close()


def ask(page: Any, text: str) -> None:
    page.fill("#question textarea", text)
    page.click("#ask")


def wait_for_messages(page: Any, number: int) -> list[list[str]]:
    """The texts in each of the two chats, once both hold `number`."""
    chats = []
    for side in range(2):
        found = page.locator(f"#chat{side} :is([data-testid=user], [data-testid=bot])")
        sync_api.expect(found).to_have_count(number, timeout=SECONDS * 1000)
        chats.append([text.strip() for text in found.all_inner_texts()])
    return chats


def png(color: str) -> dict[str, Any]:
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), color).save(stream, "PNG")
    return {"name": f"{color}.png", "mimeType": "image/png", "buffer": stream.getvalue()}


def upload(page: Any, file: dict[str, Any]) -> None:
    page.locator("input[type=file]").first.set_input_files(file)


def test_text_alone_gets_an_answer_of_each_run_and_nothing_is_fetched_elsewhere(page: Any) -> None:
    ask(page, "what is this")
    left, right = wait_for_messages(page, 2)
    assert left[0] == right[0] == "what is this"
    assert "tokens/s" in page.locator("#stats0").inner_text()
    assert page.foreign == []


def test_texts_are_shown_as_they_were_written(page: Any) -> None:
    text = 'what <b>is</b> <image> <s> & "this" &lt;'
    ask(page, text)
    left, _ = wait_for_messages(page, 2)
    assert left[0] == text


def test_impatient_clicks_and_enters_ask_once(
    page: Any, other: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate, calls, go_on = other.asker.model.generate, [], threading.Event()

    def wait(**options: Any) -> Any:
        calls.append(options)
        assert go_on.wait(SECONDS)
        return generate(**options)

    monkeypatch.setattr(other.asker.model, "generate", wait)
    page.fill("#question textarea", "what is this")
    page.press("#question textarea", "Enter")
    page.dblclick("#ask")
    page.press("#question textarea", "Enter")
    go_on.set()
    wait_for_messages(page, 2)
    ask(page, "what color is it")  # behind whatever waits in the queue
    wait_for_messages(page, 4)
    assert len(calls) == 2


def test_a_picture_is_talked_about_in_turns_until_another_takes_its_place(page: Any) -> None:
    upload(page, png("red"))
    page.check("text=Describe first")
    ask(page, "what is this")
    left, _ = wait_for_messages(page, 4)
    assert left[0] == "Describe the image in detail." and left[2] == "what is this"
    ask(page, "what color is it")
    wait_for_messages(page, 6)
    page.locator("text=Prompt really sent").first.click()
    sent = page.locator("#prompt0 textarea").input_value()
    assert sent.startswith("[4 vision tokens]<s>") and "what color is it" in sent
    assert left[1] in sent and left[3] in sent
    page.locator("#examples button img").nth(1).click()
    wait_for_messages(page, 0)
    assert page.locator("#question textarea").input_value()
    page.click("#ask")
    wait_for_messages(page, 4)


def test_mistakes_are_told_on_the_page_and_end_nothing(page: Any) -> None:
    page.click("#ask")
    page.wait_for_selector("text=write a question first")
    upload(page, {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"})
    told, once = page.locator(".toast-body"), r"[^/]*broken\.png: [^/]*can't be decoded"
    for number in (1, 2):  # when it comes, and when it is asked about
        sync_api.expect(told).to_contain_text(re.compile(once * number), timeout=SECONDS * 1000)
        ask(page, "what is this")
    assert page.locator("#question textarea").input_value() == "what is this"
    assert page.locator("#chat0 .error, #chat1 .error").count() == 0
    page.locator("[aria-label='Remove Image'], [aria-label=Clear]").first.click()
    page.get_by_label("Other settings").fill("beams=3")
    page.wait_for_selector("text=unknown setting 'beams'")
    page.get_by_label("Other settings").fill("num_beams=1")
    ask(page, "what is this")
    wait_for_messages(page, 2)


def test_a_failing_model_shows_its_error(
    page: Any, other: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(other.asker.model, "generate", fail)
    ask(page, "what is this")
    page.wait_for_selector("text=RuntimeError: out of memory")
    assert page.locator("#question textarea").input_value() == "what is this"


def test_users_wait_for_each_other_and_keep_their_own_conversations(
    page: Any, browser: Any, address: str, tmp_path: Path
) -> None:
    second = browser.new_page()
    second.goto(address)
    second.wait_for_selector("#ask")
    ask(page, "what is this")
    ask(second, "what color is it")
    (first_left, _), (second_left, _) = (wait_for_messages(p, 2) for p in (page, second))
    assert first_left[0] == "what is this" and second_left[0] == "what color is it"
    second.get_by_role("tab", name="Video").click()
    clip = {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": make_clip(20)}
    second.locator("input[type=file]").last.set_input_files(clip)
    wait_for_messages(second, 0)
    ask(second, "what is this")
    wait_for_messages(second, 2)
    second.locator("text=Prompt really sent").first.click()
    assert "vision tokens" in second.locator("#prompt0 textarea").input_value()
    second.close()
