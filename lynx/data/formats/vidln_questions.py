"""Reads the questions with texts as answers of Video Localized Narratives (Oops-QA)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lynx.data.formats.files import matching, placed, read_json, wanted
from lynx.data.formats.questions import by_picture, question_round
from lynx.data.formats.videos import clip, file_names, video_samples
from lynx.data.sample import Round, Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    files: Sequence[str],
    videos: Sequence[str],
) -> Iterator[Sample]:
    """One sample per video of the question-answer pairs in the files `qa_text_output.json`.

    The processed `question` and `answer` are taken, as the owners advise. videos: where a video or
    its frames may lie below `root`, with {split} ("train") and {video} for the parts of its
    `video_name`.
    """

    def rounds() -> Iterator[tuple[str, Round | None]]:
        for path in matching(root, files):
            for place, annotation in placed(wanted(read_json(path), "annotations", path), path):
                name = wanted(annotation, "video_name", place)
                for pair in wanted(annotation, "qa_pairs", place):
                    asked, answer = (wanted(pair, key, place) for key in ("question", "answer"))
                    yield name, question_round(asked, [answer], skipped)

    yield from video_samples(
        by_picture(rounds()).items(),
        lambda name: clip(root, file_names(videos, **_parts(name))),
        source=source,
        skipped=skipped,
    )


def _parts(name: str) -> dict[str, str]:
    split, _, video = name.partition("/")
    return {"split": split, "video": video}
