"""A contact sheet: pictures of the world, each with what is asked about it, as one PNG."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lynx.config.seeds import python_random
from lynx.tracking.files import write_bytes_atomic
from lynx.world.datasets import DATASETS
from lynx.world.pictures import encode_png
from lynx.world.render import SIZE

_COLUMNS, _TEXT_HEIGHT, _GAP, _LINES = 5, 74, 8, 6
_SEED = 0


def write_contact_sheet(path: Path, *, sources: list[str] | None = None) -> Path:
    """One sample of each source that has pictures (videos show their last frame), with its text."""
    names = sources or [name for name, dataset in DATASETS.items() if dataset.kind != "text"]
    width, height = SIZE * 2, SIZE * 2 + _TEXT_HEIGHT
    rows = -(-len(names) // _COLUMNS)
    size = (_COLUMNS * (width + _GAP), rows * (height + _GAP))
    sheet = Image.new("RGB", size, "white")
    for index, name in enumerate(names):
        left = index % _COLUMNS * (width + _GAP)
        top = index // _COLUMNS * (height + _GAP)
        _draw_sample(sheet, name, left, top)
    buffer = io.BytesIO(encode_png(sheet))
    write_bytes_atomic(path, buffer.getvalue())
    return path


def _draw_sample(sheet: Image.Image, name: str, left: int, top: int) -> None:
    rng = python_random(_SEED, "sheet", name)
    rounds, images = DATASETS[name].make(rng)
    while not rounds:
        rounds, images = DATASETS[name].make(rng)
    sheet.paste(images[-1].resize((2 * SIZE, 2 * SIZE), Image.Resampling.NEAREST), (left, top))
    pieces = [name]
    for one in rounds[:2]:
        asked = " ".join(one.fields.values())
        pieces.extend(textwrap.wrap(f"{asked} -> {one.response}" if asked else one.response, 42))
    canvas, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    canvas.multiline_text(
        (left + 2, top + 2 * SIZE + 2),
        "\n".join(pieces[:_LINES]),
        fill="black",
        font=font,
        spacing=1,
    )
