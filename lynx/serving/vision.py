"""Reads what a user shows: a picture, or a video as the frames that the model is to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.sample import UnreadableSampleError
from lynx.data.transforms import as_rgb, decoded
from lynx.data.video import choose_frames, decode_frames

Picture = bytes | str | Path | Image.Image
Source = Picture | Sequence[Picture]  # a sequence: the frames of a video, in order


@dataclass(frozen=True)
class Vision:
    """One picture, or the frames of a video in order; RGB."""

    frames: tuple[Image.Image, ...]

    @property
    def is_video(self) -> bool:
        """Whether frame positions are added, as in training (more than one frame)."""
        return len(self.frames) > 1


def see(
    source: Source, *, num_frames: int, kind: Literal["image", "video"] | None = None
) -> Vision:
    """What the model sees of `source`.

    source: a picture or a video, as bytes, path or decoded; or frames, of which at most
    `num_frames`, spread over them, are kept. kind: None takes whichever it can be decoded as.
    Raises LynxError where a file is missing or can't be decoded.
    """
    if isinstance(source, Image.Image):
        return Vision((as_rgb(source),))
    if isinstance(source, bytes | str | Path):
        return _from_file(_content(source), str_of(source), num_frames, kind)
    frames = list(source)
    if not frames:
        raise LynxError("a video of no frames: give at least one, or None for a text-only question")
    kept = choose_frames(len(frames), num_frames, None)
    return Vision(tuple(see(frames[i], num_frames=1, kind="image").frames[0] for i in kept))


def str_of(source: bytes | str | Path) -> str:
    """How an error names the source."""
    return f"{len(source)} bytes" if isinstance(source, bytes) else str(source)


def _content(source: bytes | str | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return Path(source).expanduser().read_bytes()
    except OSError as error:
        raise LynxError(f"{source}: can't be read: {error.strerror or error}") from error


def _from_file(data: bytes, name: str, num_frames: int, kind: str | None) -> Vision:
    reasons = []
    if kind != "video":
        try:
            return Vision((decoded(data),))
        except UnreadableSampleError as error:
            reasons.append(str(error))
    if kind != "image":
        try:
            return Vision(tuple(decode_frames(data, num_frames=num_frames, rng=None)))
        except UnreadableSampleError as error:
            reasons.append(str(error))
    raise LynxError(f"{name}: {'; '.join(reasons)}")
