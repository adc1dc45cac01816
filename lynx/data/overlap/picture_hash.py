"""A hash that re-encoded and resized copies of a picture share, nearly, and others don't."""

from __future__ import annotations

import io
from enum import IntEnum
from importlib.metadata import version

import imagehash
import numpy as np
from PIL import Image

from lynx.data.sample import UnreadableSampleError

METHOD = f"phash-{version('ImageHash')}"  # names caches of hashes
NUM_BITS = 64
_SIDE = 32  # pixels; what phash takes its frequencies of
_COLOUR_SIDE = 16  # pixels
_FLAT = 3.0  # deviation of the grey levels, of 255; below, the hash is one of noise


class State(IntEnum):
    """Whether a picture has a hash, or why not."""

    NONE = 0  # there is no picture
    HASHED = 1
    FLAT = 2  # one colour: all of these look the same
    UNDECODABLE = 3
    UNREADABLE = 4  # the sample is damaged


def picture_hash(picture: bytes) -> tuple[int, State]:
    """The 64-bit perceptual hash of PNG or JPEG bytes; 0 where it has none.

    COYO-700M was cleaned of public datasets' pictures by the same kind of hash. It doesn't know a
    mirrored, rotated or cropped copy.
    """
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            return _hash(opened)
    except Exception:  # on damaged files Pillow also raises AssertionError and others
        return 0, State.UNDECODABLE


def video_hash(video: bytes) -> tuple[int, State]:
    """The same of the frame in the middle of an MP4 or WebM file."""
    from lynx.data.video import decode_frames  # FFmpeg is slow to load

    try:
        return _hash(decode_frames(video, num_frames=1, rng=None)[0])
    except UnreadableSampleError:
        return 0, State.UNDECODABLE


def colours(image: Image.Image) -> np.ndarray:
    """float (16, 16, 3): mean colours, 0 to 255, of a picture stretched to a square."""
    small = image.convert("RGB").resize((_COLOUR_SIDE, _COLOUR_SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def colour_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two pictures' `colours`, relative to how those of the plainer vary."""
    variation = min(np.abs(each - each.mean((0, 1))).mean() for each in (one, other))
    return float(np.abs(one - other).mean() / max(variation, 1.0))


def _hash(image: Image.Image) -> tuple[int, State]:
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    if np.asarray(grey, dtype=np.float64).std() < _FLAT:
        return 0, State.FLAT
    bits = imagehash.phash(grey).hash.ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big"), State.HASHED
