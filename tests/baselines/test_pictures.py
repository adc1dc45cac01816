"""Pictures and frames in the form that a model takes."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from lynx.baselines.known import Baseline
from lynx.baselines.pictures import evenly_spaced, grid, pictures_of
from lynx.config.errors import LynxError
from tests.baselines.conftest import question
from tests.fabricated import png


def shade(picture: Image.Image, place: tuple[int, int]) -> int:
    value = picture.getpixel(place)
    assert isinstance(value, tuple)
    return int(value[0])


def test_a_grid_shows_all_frames_row_by_row() -> None:
    frames = [Image.open(io.BytesIO(png(value))) for value in (10, 20, 30, 40, 50)]
    whole = grid(frames)
    assert whole.size == (24, 16)
    corners = [(0, 0), (8, 0), (16, 0), (0, 8), (8, 8), (16, 8)]
    assert [shade(whole, place) for place in corners] == [10, 20, 30, 40, 50, 0]


def test_frames_are_taken_evenly_with_first_and_last() -> None:
    frames = [Image.new("RGB", (1, 1), (value, 0, 0)) for value in range(5)]
    assert [shade(one, (0, 0)) for one in evenly_spaced(frames, 4)] == [0, 1, 3, 4]
    assert [shade(one, (0, 0)) for one in evenly_spaced(frames, 1)] == [0]
    assert len(evenly_spaced(frames, 9)) == 5


@pytest.mark.parametrize(
    ("video", "shown"), [("pictures", [0, 1, 2, 3, 4]), ("first", [0]), ("grid", [0])]
)
def test_a_video_is_shown_as_the_baseline_says(
    video: str, shown: list[int], baseline_of: Callable[..., Baseline]
) -> None:
    asked = question(1, kind="video", images=tuple(png(value) for value in range(5)))
    pictures = pictures_of(asked, baseline_of("llava", video=video))
    assert [shade(one, (0, 0)) for one in pictures] == shown
    assert pictures[0].size == ((24, 16) if video == "grid" else (8, 8))


def test_instructblip_takes_four_frames_of_five(baseline_of: Callable[..., Baseline]) -> None:
    asked = question(1, kind="video", images=tuple(png(value) for value in range(5)))
    pictures = pictures_of(asked, baseline_of("instructblip"))
    assert [shade(one, (0, 0)) for one in pictures] == [0, 1, 3, 4]


def test_no_picture_stays_none_and_damage_names_the_question(
    baseline_of: Callable[..., Baseline],
) -> None:
    assert pictures_of(question(1, images=()), baseline_of("llava")) == []
    with pytest.raises(LynxError, match="the picture of question q1 can't be read"):
        pictures_of(question(1, images=(b"no picture",)), baseline_of("llava"))
