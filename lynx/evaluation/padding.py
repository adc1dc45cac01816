"""Pads pictures with black at every side, as the paper does before it asks about OwlEval's."""

from __future__ import annotations

import io

from PIL import ImageOps

from lynx.config.errors import LynxError
from lynx.data.transforms import decoded


def padded(image_bytes: bytes, pixels: int) -> bytes:
    """The picture as PNG in RGB, `pixels` wider at each of its four sides; 0 changes nothing.

    The paper pads by 8 pixels (appendix B) and tells neither sides nor colour: every side, black.
    The same bytes give the same bytes. Raises UnreadableSampleError where they are no picture.
    """
    if pixels < 0:
        raise LynxError(f"a picture can't be padded by {pixels} pixels; 0 or more are right")
    if pixels == 0:
        return image_bytes
    stream = io.BytesIO()
    ImageOps.expand(decoded(image_bytes), border=pixels, fill=(0, 0, 0)).save(stream, "PNG")
    return stream.getvalue()
