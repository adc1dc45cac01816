"""Finds the video files and frames of a dataset, and gathers the rows about one video."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lynx.config.errors import LynxError
from lynx.data.formats.files import picture, shard_key
from lynx.data.formats.skipped import skip
from lynx.data.sample import Round, Sample
from lynx.data.video import as_mp4, choose_frames

NO_VIDEO = "rows whose video is missing or unreadable"
MAX_FRAMES = 32  # kept of a folder of frames; training draws a few of them

_FRAME_ENDINGS = (".jpg", ".jpeg", ".png")


class Clip(NamedTuple):
    """A video as a sample holds it: a file's bytes, or frames."""

    images: tuple[bytes, ...]
    video: bytes | None


def file_names(patterns: Sequence[str], **values: str) -> list[str]:
    """What the patterns ("video/video{id}.mp4") make of the values."""
    try:
        return [pattern.format(**values) for pattern in patterns]
    except (ValueError, KeyError, IndexError) as error:
        raise LynxError(
            f"the option `videos`, {list(patterns)}: makes no file names of {values}: {error!r}"
        ) from error


def clip(root: Path, names: Iterable[str]) -> Clip | None:
    """The first of the files or folders of frames below `root` that is there; None if none is.

    Of a folder at most MAX_FRAMES frames are taken, spread evenly. Also None where the first that
    is there can't be read.
    """
    for name in names:
        path = root / name
        if path.is_dir():
            return _frames(path)
        if path.is_file():
            content = _video(path)
            return None if content is None else Clip((), content)
    return None


def _video(path: Path) -> bytes | None:
    """MP4 and WebM as they are, other containers (AVI) as MP4; None where that fails.

    Whether MP4 and WebM are sound is not looked at: training replaces what it can't decode.
    """
    content = path.read_bytes()
    if content[4:8] == b"ftyp" or content.startswith(b"\x1a\x45\xdf\xa3"):
        return content
    try:
        return as_mp4(content)
    except Exception:  # FFmpeg's errors, and on damaged bytes ValueError and others
        return None


def _frames(folder: Path) -> Clip | None:
    """Frames in the order of the numbers in their names: 0.png, 1.png .. 10.png."""
    paths = [path for path in folder.iterdir() if path.suffix.lower() in _FRAME_ENDINGS]
    paths.sort(key=lambda path: [int(digits) for digits in re.findall(r"\d+", path.stem)])
    chosen = choose_frames(len(paths), MAX_FRAMES, None)
    images = [image for index in chosen if (image := picture(paths[index])) is not None]
    return Clip(tuple(images), None) if len(images) >= 2 else None


def video_samples(
    grouped: Iterable[tuple[str, Sequence[Round]]],
    clip_of: Callable[[str], Clip | None],
    *,
    source: str,
    skipped: Counter[str],
) -> Iterator[Sample]:
    """One sample per video, with as many rows as there are rounds about it.

    grouped: name of a video, which becomes the key, and its rounds.
    """
    keys: set[str] = set()
    for number, (name, rounds) in enumerate(grouped):
        found = clip_of(name) if rounds else None
        if found is None:
            skip(skipped, NO_VIDEO, name, len(rounds))
            continue
        key = shard_key(name)
        if key in keys:  # names that differ only in what a key can't hold
            key = shard_key(key, number)
        keys.add(key)
        yield Sample(
            key, source, "video", tuple(rounds), found.images, found.video, split="questions"
        )
