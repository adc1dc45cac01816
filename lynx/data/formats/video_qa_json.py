"""Reads questions about videos from a JSON list: MSRVTT-QA and MSVD-QA (Xu et al. 2017)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, placed, read_lines, read_records, wanted
from lynx.data.formats.questions import by_picture, question_round
from lynx.data.formats.videos import clip, file_names, video_samples
from lynx.data.sample import Round, Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    file: str,
    videos: Sequence[str],
    names: str = "",
) -> Iterator[Sample]:
    """One sample per video of the records {video_id, question, answer} in `file`.

    videos: where a video may lie below `root`, with {id} for its `video_id` and {name} for what
    `names` calls it. names: a text with one `<name> vid<id>` per line (MSVD's
    youtube_mapping.txt); "" for none.
    """
    path = found(root, file)
    named = _names(found(root, names)) if names else {}

    def rounds() -> Iterator[tuple[str, Round | None]]:
        for place, record in placed(read_records(path), path):
            asked, answer = (wanted(record, key, place) for key in ("question", "answer"))
            one = question_round(asked, [answer], skipped)
            yield str(wanted(record, "video_id", place)), one

    yield from video_samples(
        by_picture(rounds()).items(),
        lambda video: clip(root, file_names(videos, id=video, name=named.get(video, "?"))),
        source=source,
        skipped=skipped,
    )


def _names(path: Path) -> Mapping[str, str]:
    named = {}
    for line in read_lines(path):
        name, _, label = line.strip().rpartition(" ")
        if not name or not label.startswith("vid"):
            raise LynxError(f"{path}: {line!r} must be the name of a video, a blank, and vid<id>")
        named[label.removeprefix("vid")] = name
    return named
