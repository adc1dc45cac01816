"""Reads a JSON list of captions of videos: Something-Something v2 (Goyal et al. 2017)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lynx.data.formats.files import found, placed, read_records, text_of, wanted
from lynx.data.formats.skipped import skip
from lynx.data.formats.videos import clip, file_names, video_samples
from lynx.data.sample import Round, Sample

NO_CAPTION = "videos without a caption"


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    file: str,
    videos: Sequence[str],
    id_key: str = "id",
    caption_key: str = "label",
) -> Iterator[Sample]:
    """One sample per video of the records in `file`, with a row per caption.

    videos: where a video may lie below `root`, with {id} for what a record has in `id_key`.
    """
    path = found(root, file)
    captions: dict[str, list[Round]] = {}
    for place, record in placed(read_records(path), path):
        text = " ".join(text_of(record, caption_key, place).split())
        name = str(wanted(record, id_key, place))
        if text:
            captions.setdefault(name, []).append(Round({}, text))
        else:
            skip(skipped, NO_CAPTION, name)
    yield from video_samples(
        captions.items(),
        lambda video: clip(root, file_names(videos, id=video)),
        source=source,
        skipped=skipped,
    )
