"""The Gradio page on which one or two runs are talked to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported

import gradio as gr

from lynx.config.errors import LynxError
from lynx.serving.answering import Answerer
from lynx.serving.comparing import Comparison, Side, load_vision
from lynx.serving.examples import write_examples
from lynx.serving.page_texts import (
    difference_text,
    messages,
    prompt_sent,
    settings_text,
    statistics,
)
from lynx.serving.rows import DEFAULT_ROW
from lynx.serving.vision import Vision

_FONTS = ("system-ui", "sans-serif")  # of the system: the default theme fetches its own
_MONOSPACE = ("ui-monospace", "monospace")
_LARGEST_UPLOAD = "200mb"
_WAITING = 32  # users; further ones are told that the queue is full
CSS = """
.gradio-container {max-width: 1360px !important; margin: 0 auto !important}
#title h1 {margin: 0; font-size: 1.35rem} #title p {margin: .1rem 0 0; opacity: .75}
.small, .small p {font-size: .8rem; opacity: .8; margin: 0}
.mono textarea {font-family: ui-monospace, monospace; font-size: .78rem}
"""

Kind = Literal["image", "video"]
State = tuple[str | None, tuple[Side, ...]]  # what is shown (its path), and what was said


def serve(
    answerers: Sequence[Answerer],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    blocking: bool = True,
) -> str:
    """Show the page until the process ends; gives its address where not `blocking`.

    port: None takes the first free one from 7860 on. share: a public address by Gradio's servers,
    which needs the network; nothing else does.
    """
    folder = Path(tempfile.mkdtemp(prefix="lynx-demo-"))
    page = build_page(answerers, write_examples(folder))
    page.queue(default_concurrency_limit=1, max_size=_WAITING, api_open=False)
    _, address, shared = page.launch(
        server_name=host,
        server_port=port,
        share=share,
        quiet=True,
        show_error=True,
        prevent_thread_lock=True,
        footer_links=[],
        max_file_size=_LARGEST_UPLOAD,
        enable_monitoring=False,
        ssr_mode=False,
        theme=gr.themes.Soft(font=_FONTS, font_mono=_MONOSPACE),
        css=CSS,
    )
    if blocking:
        print(f"page: {shared or address}  (Ctrl+C ends it)", flush=True)
        page.block_thread()
    return str(address)


def build_page(answerers: Sequence[Answerer], examples: Sequence[tuple[str, str]]) -> gr.Blocks:
    """The page for one run, or for two side by side."""
    rows = list(answerers[0].rows)
    start_row = DEFAULT_ROW if DEFAULT_ROW in rows else rows[0]
    with gr.Blocks(analytics_enabled=False, title="Lynx Lab", fill_width=True) as page:
        gr.Markdown(_title(answerers), elem_id="title")
        state = gr.State(None)
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                with gr.Tabs():
                    with gr.Tab("Picture"):
                        image: Any = gr.Image(
                            type="filepath",
                            label="Picture",
                            height=260,
                            sources=["upload", "clipboard"],
                        )
                        # An upload as it came: Gradio's own preprocessing would decode it, fail
                        # before we can say what is wrong, and write others anew.
                        image.preprocess = lambda payload: payload and payload.path
                    with gr.Tab("Video"):
                        video = gr.Video(label="Video", height=260, sources=["upload"])
                describe = gr.Checkbox(label="Describe first (plug-and-play)")
                with gr.Row():
                    row = gr.Dropdown(
                        rows, value=start_row, label="Row (Table 9)", scale=3, min_width=170
                    )
                    seed = gr.Number(0, label="Seed", precision=0, minimum=0, scale=1, min_width=60)
                changes = gr.Textbox(label="Other settings", placeholder="num_beams=1 top_k=5")
                settings = gr.Markdown(settings_text(answerers[0], start_row), elem_classes="small")
            with gr.Column(scale=3):
                with gr.Row():
                    panels = [_panel(answerer, number) for number, answerer in enumerate(answerers)]
                with gr.Row():
                    question = gr.Textbox(
                        placeholder="Ask about the picture, or anything without one",
                        show_label=False, container=False, scale=6, elem_id="question",
                    )  # fmt: skip
                    send = gr.Button("Ask", variant="primary", scale=1, min_width=80, elem_id="ask")
                    new = gr.Button("Start anew", scale=1, min_width=110, elem_id="new")
                gr.Markdown(
                    "Pictures of the desk world, none of them trained on; each brings a question:",
                    elem_classes="small",
                )
                gallery = gr.Gallery(
                    [path for path, _ in examples], show_label=False, columns=len(examples) or 1,
                    height=130, object_fit="contain", buttons=[], allow_preview=False,
                    interactive=False, elem_id="examples",
                )  # fmt: skip
                if len(answerers) > 1:
                    with gr.Accordion("What differs between the two runs", open=False):
                        gr.Textbox(
                            difference_text(answerers), show_label=False, lines=2, max_lines=12,
                            container=False, elem_classes="mono",
                        )  # fmt: skip

        shown = [part for panel in panels for part in panel]
        inputs = [state, question, image, video, row, changes, seed, describe]
        # One event of both, so that an impatient second click or Enter asks nothing.
        gr.on(
            [send.click, question.submit], _asking(answerers), inputs, [state, question, *shown],
            concurrency_id="model", trigger_mode="once",
        )  # fmt: skip
        clears = (new.click, image.clear, video.clear, *(chat.clear for chat, *_ in panels))
        for event in clears:
            event(lambda: _drawn(None, answerers), None, [state, *shown], queue=False)

        def choose(chosen: gr.SelectData) -> list[Any]:
            path, text = examples[chosen.index]
            return [path, text, None, *_drawn(None, answerers)]

        gallery.select(choose, None, [image, question, video, state, *shown])
        # One thing is talked about: what is uploaded last takes the other's place.
        image.upload(_uploading("image", answerers), image, [video, state, *shown])
        video.upload(_uploading("video", answerers), video, [image, state, *shown])
        for part in (row, changes):
            part.change(
                lambda name, text: _settings(answerers[0], name, text), [row, changes], settings,
                queue=False,
            )  # fmt: skip
    return page


def _panel(answerer: Answerer, number: int) -> tuple[gr.Chatbot, gr.Markdown, gr.Textbox]:
    """One run's conversation, and what is known about its last answer."""
    with gr.Column(min_width=300):
        chat = gr.Chatbot(
            label=answerer.name, height=360, render_markdown=False, elem_id=f"chat{number}",
            buttons=["copy_all"], layout="bubble",
        )  # fmt: skip
        stats = gr.Markdown(elem_classes="small", elem_id=f"stats{number}")
        with gr.Accordion("Prompt really sent", open=False):
            prompt = gr.Textbox(
                show_label=False, container=False, lines=3, max_lines=14, elem_classes="mono",
                elem_id=f"prompt{number}",
            )  # fmt: skip
    return chat, stats, prompt


def _asking(answerers: Sequence[Answerer]) -> Callable[..., list[Any]]:
    def ask(
        state: State | None,
        text: str,
        image: str | None,
        video: str | None,
        row: str,
        changes: str,
        seed: float,
        describe_first: bool,
    ) -> list[Any]:
        path = image or video
        try:
            if state is not None and state[0] == path:
                comparison = Comparison(answerers, state[1])
            else:
                kind: Kind = "image" if image else "video"
                comparison = Comparison.of(answerers, _seen(path, kind, answerers))
            comparison = comparison.ask(
                text,
                row=f"{row} {changes or ''}",
                seed=int(seed or 0),
                describe_first=describe_first,
            )
        except LynxError as error:
            _warn(error)
            return [gr.skip()] * (2 + len(_drawn(None, answerers)[1:]))
        failed = any(side.error for side in comparison.sides)
        first, *rest = _drawn((path, comparison.sides), answerers)
        return [first, text if failed else "", *rest]

    return ask


def _uploading(kind: Kind, answerers: Sequence[Answerer]) -> Callable[[str], list[Any]]:
    """Empties the other input and the conversations, and tells of a file that can't be read."""

    def look(path: str) -> list[Any]:
        try:
            _seen(path, kind, answerers)
        except LynxError as error:
            _warn(error)
        return [None, *_drawn(None, answerers)]

    return look


def _seen(path: str | None, kind: Kind, answerers: Sequence[Answerer]) -> Vision | None:
    """What is uploaded; an error has the name of the file, not where Gradio has put it."""
    try:
        return load_vision(path, kind=kind, answerers=answerers)
    except LynxError as error:
        raise LynxError(str(error).replace(str(path), Path(str(path)).name)) from error


def _warn(error: LynxError) -> None:
    gr.Warning(escape(str(error)), duration=None)


def _drawn(state: State | None, answerers: Sequence[Answerer]) -> list[Any]:
    """The state, and each panel's chat, statistics and prompt."""
    sides = [Side()] * len(answerers) if state is None else state[1]
    return [
        state,
        *(part for side in sides for part in (messages(side), statistics(side), prompt_sent(side))),
    ]


def _settings(answerer: Answerer, row: str, changes: str) -> str:
    try:
        return settings_text(answerer, f"{row} {changes or ''}")
    except LynxError as error:
        return f"⚠ {error}"


def _title(answerers: Sequence[Answerer]) -> str:
    names = " and ".join(answerer.name for answerer in answerers)
    return f"# Lynx Lab\n{names}, on the {answerers[0].asker.device.type.upper()}"
