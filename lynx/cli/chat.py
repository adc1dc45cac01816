"""Commands that let a person talk to a trained model: `lynx chat`, `lynx demo`."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from lynx.config.errors import LynxError

Run = Annotated[Path, typer.Argument(help="A run's folder, or another of the same layout.")]
Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option(help="auto: as the run's configuration says, or the CPU where there is no GPU."),
]


def chat(
    run: Run,
    image: Annotated[Path | None, typer.Option(help="A picture to talk about.")] = None,
    video: Annotated[Path | None, typer.Option(help="A video to talk about.")] = None,
    row: Annotated[str, typer.Option(help="Row of Table 9, as `demo num_beams=1`.")] = "demo",
    seed: Annotated[int, typer.Option(min=0, help="For rows that sample.")] = 0,
    describe_first: Annotated[
        bool, typer.Option("--describe-first", help="The model describes the picture first.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Talk to a trained model in the terminal; /help names the commands."""
    if image is not None and video is not None:
        raise LynxError("--image and --video: a conversation is about one of them; leave one out")
    from lynx.serving.answering import Answerer
    from lynx.serving.rows import decoding_of
    from lynx.serving.terminal import HELP, Chat

    answerer = Answerer.of(run, device=device)
    decoding_of(answerer.rows, row)
    is_typed = sys.stdin.isatty()
    talk = Chat(
        answerer, typer.echo, row=row, seed=seed, describe_first=describe_first,
        strict=not is_typed,
    )  # fmt: skip
    typer.echo(f"{answerer.name} on the {answerer.asker.device.type.upper()}\n{HELP}")
    try:
        if image is not None:
            talk.show(str(image), kind="image")
        if video is not None:
            talk.show(str(video), kind="video")
    except LynxError as error:  # another can be named in the conversation
        if not is_typed:
            raise
        typer.echo(f"error: {error}")
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    talk.run(_typed() if is_typed else sys.stdin)


def demo(
    run: Run,
    beside: Annotated[
        Path | None, typer.Option(help="A second run, asked the same and shown beside the first.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Else the first free one from 7860 on."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="0.0.0.0 lets other machines in; there is no password.")
    ] = "127.0.0.1",
    share: Annotated[
        bool, typer.Option("--share/--no-share", help="A public address by Gradio's servers.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Talk to one trained model, or to two side by side, on a page in the browser."""
    _check_address(host, port)
    try:
        from lynx.serving.page import serve
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise LynxError(
            "lynx demo needs Gradio: pip install -c constraints.txt -e '.[demo]'"
        ) from error
    from lynx.serving.answering import Answerer

    runs = [run] if beside is None else [run, beside]
    serve([Answerer.of(one, device=device) for one in runs], host=host, port=port, share=share)


def _check_address(host: str, port: int | None) -> None:
    """Before models are loaded; LynxError where the page could not be served from there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for option, number in ((f"--host {host}", 0), (f"--port {port}", port or 0)):
        try:
            socket.create_server((host, number), family=family).close()
        except OSError as error:
            reason = error.strerror or error
            raise LynxError(f"{option}: {reason}; give another, or none") from error


def _typed() -> Iterator[str]:
    """Lines of a person; Ctrl+D and Ctrl+C end them."""
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, which lets `input` edit lines and remember them
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            yield input("user: ")
