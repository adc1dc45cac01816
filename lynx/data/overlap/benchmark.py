"""The pictures of a benchmark that training rows are compared with, read from a questions file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from lynx.config.errors import LynxError
from lynx.data.formats.files import read_json_lines
from lynx.data.overlap.ids import PictureId, picture_id

T = TypeVar("T")
_PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class BenchmarkPicture:
    """A picture or video that a benchmark asks about.

    name: by which a person finds it. id: None where its name tells none. images: PNG or JPEG, a
    video's frames in order; none where the benchmark's pictures are not at hand. video: the bytes
    of a video file, instead of frames.
    """

    name: str
    id: PictureId | None
    images: tuple[bytes, ...] = ()
    video: bytes | None = None


def compared_pictures(images: Sequence[T]) -> tuple[T, ...]:
    """At most two of a sample's pictures: both of a pair, the first and middle one of a video.

    Evenly spaced frames of a video have these two in common, however many they are; of a video file
    only the middle one is taken.
    """
    return tuple(images) if len(images) <= 2 else (images[0], images[len(images) // 2])


def read_benchmark(path: Path) -> list[BenchmarkPicture]:
    """Each picture and video of a questions file (JSON lines), once.

    Keys of a line, as in Open-VQA: `image` or `video`, a path; `origin_dataset`, the collection,
    which may be left out: then only names that tell their collection give an id, such as
    COCO_val2014_000000000001.jpg, and all else is compared by look. Pictures are read where they
    are at hand: at the paths the file gives, from the file's own folder; frames of a video are
    looked for in the folder of its name without the ending first.
    """
    if not path.is_file():
        raise LynxError(f"{path}: there is no such file of a benchmark's questions (.jsonl)")
    pictures: dict[str, BenchmarkPicture] = {}
    for number, record in enumerate(read_json_lines(path), start=1):
        place = f"{path}: question {number}"
        if not isinstance(record, dict) or not {"image", "video"} & set(record):
            keys = ", ".join(record) if isinstance(record, dict) else type(record).__name__
            raise LynxError(
                f"{place}: must have `image` or `video`, a path from the file's folder, and may "
                f"have `origin_dataset`; it has {keys or 'nothing'}"
            )
        kind = "image" if "image" in record else "video"
        name = str(record[kind])
        if name not in pictures:
            origin = str(record.get("origin_dataset") or "")
            found = picture_id(origin, PurePosixPath(name).stem)
            images, video = _content(path.parent / name, kind)
            pictures[name] = BenchmarkPicture(name, found, images, video)
    if not pictures:
        raise LynxError(f"{path}: has no questions")
    return list(pictures.values())


def _content(path: Path, kind: str) -> tuple[tuple[bytes, ...], bytes | None]:
    """Pictures, or a video file; neither where nothing is there."""
    content = path.read_bytes() if path.is_file() else None
    if kind == "image":
        return (() if content is None else (content,)), None
    frames = sorted(
        one for one in path.with_suffix("").glob("*") if one.suffix.lower() in _PICTURE_ENDINGS
    )
    if not frames:
        return (), content
    return tuple(frame.read_bytes() for frame in compared_pictures(frames)), None
