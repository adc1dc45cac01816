"""Turns the bytes of a picture into the tensor that the vision encoder reads."""

from __future__ import annotations

import io
import math
import random

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from lynx.data.sample import UnreadableSampleError

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MAX_PIXELS = 80_000_000  # below the number at which Pillow warns
_CROP_RATIO = (3 / 4, 4 / 3)  # width : height
_CROP_TRIES = 10

Colors = tuple[float, float, float]  # of red, green and blue, 0 to 1
Box = tuple[float, float, float, float]  # left, upper, right, lower, in pixels


def image_to_tensor(
    picture: bytes | Image.Image,
    *,
    image_size: int,
    rng: random.Random | None = None,
    smallest_crop: float = 0.9,
    image_mean: Colors = CLIP_MEAN,
    image_std: Colors = CLIP_STD,
) -> Tensor:
    """A picture as float32 (3, image_size, image_size): `image_to_levels`, then `normalise`."""
    levels = image_to_levels(picture, image_size=image_size, rng=rng, smallest_crop=smallest_crop)
    out = torch.empty(levels.shape)
    return normalise(levels, out, image_mean=image_mean, image_std=image_std)


def image_to_levels(
    picture: bytes | Image.Image,
    *,
    image_size: int,
    rng: random.Random | None = None,
    smallest_crop: float = 0.9,
) -> Tensor:
    """A picture as uint8 (3, image_size, image_size): a quarter of the memory of `normalise`'s.

    picture: the bytes of a PNG or JPEG, or a frame that is decoded already. With `rng`: a random
    crop of at least the share `smallest_crop` of the area and of aspect ratio 3:4 to 4:3, as the
    authors' release trains on images. Without: the central square, as it does for videos and in
    evaluation. Pictures are turned as their EXIF data say; transparent parts
    become white; of an animation the first frame counts; more than MAX_PIXELS are not decoded.
    Raises UnreadableSampleError when the bytes are no complete picture.
    """
    image = decoded(picture) if isinstance(picture, bytes) else picture
    box = _central_square(image) if rng is None else _random_crop(image, rng, smallest_crop)
    resized = image.resize((image_size, image_size), Image.Resampling.BICUBIC, box=box)
    # Pillow takes bands apart faster than torch makes planes of pixels.
    return torch.from_numpy(np.stack([np.asarray(band) for band in resized.split()]))


def normalise(
    levels: Tensor, out: Tensor, *, image_mean: Colors = CLIP_MEAN, image_std: Colors = CLIP_STD
) -> Tensor:
    """Write uint8 levels (3, S, S) to the float32 `out`: levels / 255 less the mean, by the std.

    image_mean, image_std: those with which the vision encoder was trained.
    """
    mean, std = torch.tensor(image_mean), torch.tensor(image_std)
    return out.copy_(levels).div_(255).sub_(mean[:, None, None]).div_(std[:, None, None])


def decoded(data: bytes) -> Image.Image:
    """The picture in RGB; see `image_to_tensor`."""
    try:
        opened = Image.open(io.BytesIO(data))
        if opened.width * opened.height > MAX_PIXELS:  # a bomb, or a mistake
            raise ValueError(f"{opened.width} x {opened.height} is more than {MAX_PIXELS} pixels")
        ImageOps.exif_transpose(opened, in_place=True)
        return _opaque(opened)
    except Exception as error:  # on damaged files Pillow also raises AssertionError and others
        reason = "no picture" if isinstance(error, UnidentifiedImageError) else str(error)
        reason = reason or type(error).__name__
        raise UnreadableSampleError(
            f"a picture of {len(data)} bytes can't be decoded: {reason}"
        ) from error


def as_rgb(image: Image.Image) -> Image.Image:
    """The picture in RGB, turned as its EXIF data say, transparent parts white."""
    return _opaque(ImageOps.exif_transpose(image))


def _opaque(image: Image.Image) -> Image.Image:
    """The picture in RGB, transparent parts white."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip at 255 to white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    opaque = image.convert("RGBA")
    white = Image.new("RGBA", opaque.size, "white")
    return Image.alpha_composite(white, opaque).convert("RGB")


def _central_square(image: Image.Image) -> Box:
    """What resizing the shorter side and then cropping the centre keeps."""
    side = min(image.size)
    left, upper = (image.width - side) / 2, (image.height - side) / 2
    return left, upper, left + side, upper + side


def _random_crop(image: Image.Image, rng: random.Random, smallest_crop: float) -> Box:
    """The box of torchvision's RandomResizedCrop, with the same distribution."""
    area = image.width * image.height
    for _ in range(_CROP_TRIES):
        target = area * rng.uniform(smallest_crop, 1)
        ratio = math.exp(rng.uniform(*(math.log(ratio) for ratio in _CROP_RATIO)))
        width, height = round(math.sqrt(target * ratio)), round(math.sqrt(target / ratio))
        if 0 < width <= image.width and 0 < height <= image.height:
            left = rng.randint(0, image.width - width)
            upper = rng.randint(0, image.height - height)
            return left, upper, left + width, upper + height
    narrowest, widest = _CROP_RATIO
    width = min(image.width, round(image.height * widest))
    height = min(image.height, round(image.width / narrowest))
    left, upper = (image.width - width) // 2, (image.height - height) // 2
    return left, upper, left + width, upper + height
