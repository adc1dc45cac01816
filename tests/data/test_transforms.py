"""Pictures become tensors: shape, colours, crops, and complaints about broken files."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
import torch
from PIL import Image

from lynx.data.sample import UnreadableSampleError
from lynx.data.transforms import CLIP_MEAN, CLIP_STD, image_to_tensor, normalise


def encoded(image: Image.Image, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()


def colors(tensor: torch.Tensor) -> torch.Tensor:
    """Back to 0..255, (S, S, 3)."""
    mean, std = torch.tensor(CLIP_MEAN), torch.tensor(CLIP_STD)
    return (tensor.permute(1, 2, 0) * std + mean) * 255


def ramp(width: int, height: int) -> Image.Image:
    """Red is the column, green the row, as shares of 255: a crop can be read from its corners."""
    columns, rows = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    stacked = np.stack([columns, rows, np.zeros_like(rows)], axis=-1)
    return Image.fromarray(stacked.round().astype(np.uint8))


@pytest.mark.parametrize("rng", [None, random.Random(0)])
def test_any_picture_becomes_a_float_square(rng: random.Random | None) -> None:
    for size in ((200, 90), (5, 31), (64, 64)):
        tensor = image_to_tensor(encoded(Image.new("RGB", size)), image_size=56, rng=rng)
        assert tensor.shape == (3, 56, 56)
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous()


def test_colors_are_normalised_as_clip_does() -> None:
    tensor = image_to_tensor(encoded(Image.new("RGB", (8, 8), (255, 0, 51))), image_size=14)
    expected = [(v - m) / s for v, m, s in zip((1.0, 0.0, 0.2), CLIP_MEAN, CLIP_STD, strict=True)]
    assert torch.allclose(
        tensor, torch.tensor(expected)[:, None, None].expand(3, 14, 14), atol=1e-5
    )


def test_colors_are_normalised_as_the_encoder_wants() -> None:
    mean, std = (0.5, 0.4, 0.3), (0.5, 0.25, 0.1)
    picture = encoded(Image.new("RGB", (8, 8), (255, 0, 51)))
    tensor = image_to_tensor(picture, image_size=14, image_mean=mean, image_std=std)
    torch.testing.assert_close(tensor.mean((1, 2)), torch.tensor([1.0, -1.6, -1.0]))


def test_levels_are_normalised_in_one_order_of_operations() -> None:
    """Figures of finished runs hang on every bit."""
    levels = torch.arange(3 * 256).remainder(256).to(torch.uint8).reshape(3, 16, 16)
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    expected = (levels.float() / 255 - mean) / std
    assert torch.equal(normalise(levels, torch.empty(3, 16, 16)), expected)


def test_evaluation_shows_the_central_square() -> None:
    seen = colors(image_to_tensor(encoded(ramp(200, 100)), image_size=50))
    assert seen[:, :, 0].min().item() == pytest.approx(255 / 4, abs=3)
    assert seen[:, :, 0].max().item() == pytest.approx(255 * 3 / 4, abs=3)
    assert seen[:, :, 1].min().item() < 3
    assert seen[:, :, 1].max().item() > 252


def test_training_crops_keep_the_area_and_the_shape_they_must() -> None:
    data, rng = encoded(ramp(150, 150)), random.Random(1)
    for _ in range(60):
        seen = colors(image_to_tensor(data, image_size=56, rng=rng, smallest_crop=0.6))
        width = (seen[28, -1, 0] - seen[28, 0, 0]).item() / 255
        height = (seen[-1, 28, 1] - seen[0, 28, 1]).item() / 255
        assert 0.55 < width * height < 1.01
        assert 0.72 < width / height < 1.37


def test_the_largest_crop_of_a_long_picture_is_central() -> None:
    seen = colors(image_to_tensor(encoded(ramp(400, 100)), image_size=56, rng=random.Random(0)))
    middle = (seen[28, 0, 0] + seen[28, -1, 0]).item() / 2
    assert middle == pytest.approx(127.5, abs=2)


def test_a_crop_depends_on_its_random_stream_alone() -> None:
    data = encoded(ramp(90, 70))
    one, same, other = (
        image_to_tensor(data, image_size=28, rng=random.Random(seed), smallest_crop=0.5)
        for seed in (3, 3, 4)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK"])
def test_pictures_of_other_modes_are_read(mode: str) -> None:
    image = Image.new("RGB", (20, 20), "white").convert(mode)
    data = encoded(image, "JPEG" if mode == "CMYK" else "PNG")
    assert colors(image_to_tensor(data, image_size=14)).min() > 250


def test_16_bits_of_grey_keep_their_shades() -> None:
    shades = np.repeat(np.array([[0, 128 << 8, 255 << 8]], dtype=np.uint16), 3, axis=0)
    data = encoded(Image.fromarray(shades.repeat(10, 0).repeat(10, 1)))
    seen = colors(image_to_tensor(data, image_size=30))
    assert seen[15, [2, 15, 27]].tolist() == [pytest.approx([s] * 3, abs=2) for s in (0, 128, 255)]


def test_transparent_parts_are_white() -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    assert colors(image_to_tensor(encoded(clear), image_size=14)).min() > 254


def test_a_picture_cut_short_is_unreadable() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8))
    for form in ("PNG", "JPEG"):
        data = encoded(noise, form)
        with pytest.raises(UnreadableSampleError, match=r"can't be decoded"):
            image_to_tensor(data[: len(data) // 2], image_size=14)
    with pytest.raises(UnreadableSampleError, match=r"of 7 bytes can't be decoded"):
        image_to_tensor(b"a story", image_size=14)


@pytest.mark.parametrize("error", [AssertionError(), KeyError("x"), MemoryError()])
def test_whatever_pillow_raises_makes_a_picture_unreadable(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(UnreadableSampleError, match=rf"decoded: .*({type(error).__name__}|x)"):
        image_to_tensor(b"damaged", image_size=14)


def test_a_picture_is_turned_as_its_exif_data_say() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees to the right
    stream = io.BytesIO()
    ramp(60, 60).save(stream, "JPEG", exif=exif, quality=100, subsampling=0)
    seen = colors(image_to_tensor(stream.getvalue(), image_size=56))
    assert seen[0, -1, 0] < 20 and seen[-1, -1, 0] > 230  # red grows downwards now


def test_cmyk_becomes_the_colours_that_are_printed() -> None:
    cyan = encoded(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG")
    seen = colors(image_to_tensor(cyan, image_size=14))[7, 7]
    assert seen[0] < 40 and seen[1] > 200 and seen[2] > 200


def test_of_an_animation_the_first_frame_is_seen() -> None:
    stream = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime")]
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    seen = colors(image_to_tensor(stream.getvalue(), image_size=14))[7, 7]
    assert seen[0] > 250 and seen[1] < 5


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    bomb = encoded(Image.new("1", (40_000, 4_000)))
    assert len(bomb) < 200_000
    with pytest.raises(UnreadableSampleError, match=r"40000 x 4000 is more than 80000000 pixels"):
        image_to_tensor(bomb, image_size=14)
