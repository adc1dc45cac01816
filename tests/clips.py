"""Makes small video files whose frames are told apart by their colour."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from fractions import Fraction

import av
from PIL import Image

# codec, container, options that also make hidden and reordered frames
KINDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "h264": ("libx264", "mp4", {}),
    "mpeg4": ("mpeg4", "mp4", {}),
    "vp8": ("libvpx", "webm", {"auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "good"}),
    "vp9": ("libvpx-vp9", "webm", {"deadline": "realtime", "cpu-used": "8"}),
}
_MILLISECONDS = Fraction(1, 1000)


def numbered(number: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """One plain colour for each number up to 255."""
    return Image.new("RGB", size, (number % 16 * 16 + 8, number // 16 * 16 + 8, 128))


def number_of(image: Image.Image) -> int:
    """The number of a picture that `numbered` made, after coding."""
    red, green, _ = image.convert("RGB").getpixel((image.width // 2, image.height // 2))  # type: ignore[misc]
    return int(red) // 16 + int(green) // 16 * 16


def make_clip(
    num_frames: int = 60,
    *,
    kind: str = "h264",
    container: str = "",
    images: Sequence[Image.Image] | None = None,
    times: Sequence[int] | None = None,
    muxer: Mapping[str, str] | None = None,
) -> bytes:
    """A clip with a key frame at least every ten frames.

    images: instead of numbered ones. times: milliseconds, 40 apart if not given. muxer: options of
    the container.
    """
    pictures = [numbered(number) for number in range(num_frames)] if images is None else images
    codec, usual, options = KINDS[kind]
    target = io.BytesIO()
    with av.open(
        target, mode="w", format=container or usual, container_options=dict(muxer or {})
    ) as sink:
        stream = sink.add_stream(codec, rate=25, options=options)
        stream.width, stream.height = pictures[0].size if pictures else (64, 48)
        stream.pix_fmt, stream.gop_size = "yuv420p", 10
        stream.codec_context.time_base = _MILLISECONDS
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_image(picture)
            frame.pts = times[number] if times else 40 * number
            frame.time_base = _MILLISECONDS
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode())
    return target.getvalue()
