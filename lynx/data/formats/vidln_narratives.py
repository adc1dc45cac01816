"""Reads the narratives of Video Localized Narratives (Voigtlaender et al. 2023) as captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lynx.data.formats.files import matching, placed, read_records, text_of, wanted
from lynx.data.formats.skipped import skip
from lynx.data.formats.videos import clip, file_names, video_samples
from lynx.data.sample import Round, Sample

NO_TEXT = "narratives without text"


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    files: Sequence[str],
    videos: Sequence[str],
) -> Iterator[Sample]:
    """One sample per video, with a row per narrative; some videos have several.

    A narrative's text is what its annotator said of each actor, then of the background, in the
    file's order. files: patterns of JSON Lines files. videos: where a video or its frames may lie
    below `root`, with {dataset} ("oops_train") and {video} for the narrative's ids.
    """
    narratives: dict[str, list[Round]] = {}
    for path in matching(root, files):
        for place, record in placed(read_records(path), path):
            said = [
                " ".join(text_of(actor, "caption", place).split())
                for actor in wanted(record, "actor_narratives", place)
            ]
            text = " ".join(part for part in said if part)
            name = f"{wanted(record, 'dataset_id', place)}/{wanted(record, 'video_id', place)}"
            if not text:
                skip(skipped, NO_TEXT, name)
                continue
            narratives.setdefault(name, []).append(Round({}, text))
    yield from video_samples(
        narratives.items(),
        lambda name: clip(root, file_names(videos, **_parts(name))),
        source=source,
        skipped=skipped,
    )


def _parts(name: str) -> dict[str, str]:
    dataset, _, video = name.partition("/")
    return {"dataset": dataset, "video": video}
