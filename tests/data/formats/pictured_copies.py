"""What tests of captioned and labelled pictures share: writing tiny copies, reading them."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

from PIL import Image

from lynx.config.prompt_pools import load_pools
from lynx.config.source_facts import load_source
from lynx.data.building import reader
from lynx.data.sample import Sample


def put_pictures(root: Path, *names: str) -> None:
    """Pictures that each have their own colour; the ending says in which format."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        form = {".png": "PNG", ".gif": "GIF"}.get(path.suffix, "JPEG")
        Image.new("RGB", (8, 6), (40 * number % 256, 90, 200)).save(path, form)


def put_text(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)


def put_json(path: Path, content: Any) -> None:
    put_text(path, json.dumps(content))


def read_source(
    source: str, root: Path, skipped: Counter[str] | None = None, /, **options: Any
) -> list[Sample]:
    """The samples of the copy in `root`, read as `data_recipes/sources/` says, all of them sound:
    of one picture that opens, with the fields that the source's prompt pool fills in."""
    facts = load_source(source)
    assert facts.format is not None
    counted: Counter[str] = Counter() if skipped is None else skipped
    chosen = {**facts.options, **options}
    samples = list(reader(facts.format)(root, source=source, skipped=counted, **chosen))
    needed = set(load_pools()[facts.prompts].fields)
    for sample in samples:
        assert (sample.source, sample.kind, len(sample.images)) == (source, "image", 1)
        Image.open(io.BytesIO(sample.images[0])).verify()
        assert all(set(one.fields) == needed and one.response for one in sample.rounds)
        assert sample.num_rows == len(sample.rounds)
    return samples


def responses(samples: list[Sample]) -> dict[str, list[str]]:
    return {sample.key: [one.response for one in sample.rounds] for sample in samples}
