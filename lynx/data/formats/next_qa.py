"""Reads the questions of NExT-QA (Xiao et al. 2021): CSV tables, and videos of VidOR."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, read_json, read_table, wanted
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
    ids: str = "map_vid_vidorID.json",
) -> Iterator[Sample]:
    """One sample per video of the questions in `file`, asked openly.

    file: of the multiple choice (columns a0 to a4; `answer` is the number of the right one) or of
    the open-ended questions (`answer` is the text). videos: where a video may lie below `root`,
    with {video} for its id and {vidor} for what `ids` calls it ("1011/3355244817").
    """
    path = found(root, file)
    vidor = read_json(found(root, ids))
    if not isinstance(vidor, Mapping):
        raise LynxError(f"{root / ids}: must map ids of videos to those of VidOR")

    def rounds() -> Iterator[tuple[str, Round | None]]:
        for row in read_table(path):
            question = wanted(row, "question", path)
            yield (
                wanted(row, "video", path),
                question_round(question, [_answer(row, path)], skipped),
            )

    yield from video_samples(
        by_picture(rounds()).items(),
        lambda video: clip(root, file_names(videos, video=video, vidor=vidor.get(video, "?"))),
        source=source,
        skipped=skipped,
    )


def _answer(row: Mapping[str, str], path: Path) -> str:
    answer = wanted(row, "answer", path)
    if "a0" not in row:
        return answer or ""
    if answer not in ("0", "1", "2", "3", "4"):
        raise LynxError(f"{path}: the answer {answer!r} is no number of a choice, 0 to 4")
    return wanted(row, f"a{answer}", path) or ""
