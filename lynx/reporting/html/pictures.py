"""Small copies of the benchmarks' pictures, to stand inside the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from PIL import Image

_HEIGHT, _WIDTH = 144, 480  # pixels at most
_NUM_FRAMES = 4  # of a video, evenly spaced
_QUALITY = 78


def picture_uri(images: Sequence[bytes]) -> str:
    """A picture, or some of a video's frames side by side, as the `data:` URI of a JPEG."""
    frames = [_small(image) for image in _spread(images)]
    strip = Image.new("RGB", (sum(f.width for f in frames), max(f.height for f in frames)))
    left = 0
    for frame in frames:
        strip.paste(frame, (left, 0))
        left += frame.width
    stream = io.BytesIO()
    strip.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _small(image: bytes) -> Image.Image:
    frame = Image.open(io.BytesIO(image)).convert("RGB")
    frame.thumbnail((_WIDTH, _HEIGHT))
    return frame


def _spread(images: Sequence[bytes]) -> list[bytes]:
    number = min(len(images), _NUM_FRAMES)
    return [images[round(i * (len(images) - 1) / max(number - 1, 1))] for i in range(number)]
