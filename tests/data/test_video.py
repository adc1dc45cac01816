"""The frames taken of a video are those of its times, and damaged files are named, never used."""

from __future__ import annotations

import io
import random
import struct
import wave

import av
import pytest
from PIL import Image, ImageStat

from lynx.data.sample import UnreadableSampleError
from lynx.data.video import as_mp4, choose_frames, decode_frames
from tests.clips import KINDS, make_clip, number_of

every_kind = pytest.mark.parametrize("kind", KINDS)


def numbers(data: bytes, num_frames: int, seed: int | None = None) -> list[int]:
    rng = None if seed is None else random.Random(seed)
    return [number_of(image) for image in decode_frames(data, num_frames=num_frames, rng=rng)]


@every_kind
def test_evaluation_takes_the_frame_at_the_centre_of_each_segment(kind: str) -> None:
    clip = make_clip(60, kind=kind)
    assert numbers(clip, 5) == [6, 18, 30, 42, 54]
    assert numbers(clip, 4) == [7, 22, 37, 52]
    assert numbers(clip, 1) == [30]


@every_kind
def test_training_draws_a_frame_of_each_segment(kind: str) -> None:
    clip = make_clip(60, kind=kind)
    drawn = [numbers(clip, 5, seed) for seed in range(12)]
    for taken in drawn:
        assert [number // 12 for number in taken] == [0, 1, 2, 3, 4]
    assert len({tuple(taken) for taken in drawn}) > 9
    assert [numbers(clip, 5, seed) for seed in range(12)] == drawn


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@every_kind
def test_a_clip_with_too_few_frames_gives_each_once(kind: str, count: int) -> None:
    clip = make_clip(count, kind=kind)
    assert numbers(clip, 5) == numbers(clip, 5, 0) == list(range(count))


@every_kind
def test_a_little_more_frames_than_segments_give_no_frame_twice(kind: str) -> None:
    clip = make_clip(9, kind=kind)
    for seed in range(20):
        taken = numbers(clip, 8, seed)
        assert taken == sorted(set(taken)) and len(taken) == 8


def test_frames_are_chosen_by_time_where_the_rate_varies() -> None:
    """Ten seconds: a frame for the first six, another till nine, then nineteen quick ones."""
    clip = make_clip(21, times=[0, 6000, *range(9000, 9950, 50)])
    # Segments of two seconds; the last begins at 8 s and has its centre at 8.96 s.
    assert numbers(clip, 5) == [0, 1, 2]
    assert numbers(clip, 2) == [0, 1]
    for seed in range(10):
        first, second, third = numbers(clip, 5, seed)
        assert (first, second) == (0, 1) and third >= 2


def test_a_clip_that_begins_late_is_cut_from_its_first_frame() -> None:
    clip = make_clip(40, kind="vp9", times=[7000 + 40 * number for number in range(40)])
    assert numbers(clip, 4) == [5, 15, 25, 35]


def test_a_file_without_a_duration_or_an_index_is_read() -> None:
    clip = make_clip(60, kind="vp8", muxer={"live": "1"})
    with av.open(io.BytesIO(clip), mode="r") as container:
        assert container.duration is None
    assert numbers(clip, 5) == [6, 18, 30, 42, 54]


def test_what_lies_between_the_chosen_frames_is_not_decoded() -> None:
    clip = bytearray(make_clip(60, kind="mpeg4"))
    with av.open(io.BytesIO(bytes(clip)), mode="r") as container:
        spans = [(p.pos, p.size, p.pts) for p in container.demux(video=0) if p.size]
    step = sorted(pts for _, _, pts in spans if pts is not None)[1]
    for position, size, pts in spans:
        assert position is not None and pts is not None
        if 20 <= pts // step < 40:  # two whole groups of a key frame and what follows it
            clip[position : position + size] = bytes(size)
    assert numbers(bytes(clip), 2) == [15, 45]
    with pytest.raises(UnreadableSampleError):
        numbers(bytes(clip), 6)


def red_above_blue() -> Image.Image:
    picture = Image.new("RGB", (64, 48), (0, 0, 255))
    picture.paste((255, 0, 0), (0, 0, 64, 24))
    return picture


def where_red_is(data: bytes) -> str:
    (image,) = decode_frames(data, num_frames=1, rng=None)
    wide, high = image.size
    halves = {
        "left": (0, 0, wide // 2, high),
        "right": (wide // 2, 0, wide, high),
        "top": (0, 0, wide, high // 2),
        "bottom": (0, high // 2, wide, high),
    }
    redness = {name: ImageStat.Stat(image.crop(half)).mean[0] for name, half in halves.items()}
    found = max(redness, key=redness.__getitem__)
    assert redness[found] > 220 and (wide > high) == (found in ("top", "bottom"))
    return found


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), "top"),
        ((0, 1, -1, 0), "right"),  # clockwise: a telephone held upright
        ((0, -1, 1, 0), "left"),
        ((-1, 0, 0, -1), "bottom"),
    ],
)
def test_frames_are_turned_as_the_file_says(
    matrix: tuple[int, int, int, int], expected: str
) -> None:
    """The matrix of ISO 14496-12, 8.3.2, which telephones write into `tkhd`."""
    clip = bytearray(make_clip(images=[red_above_blue()]))
    a, b, c, d = (number << 16 for number in matrix)
    start = clip.index(b"tkhd") + 44
    clip[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    assert where_red_is(bytes(clip)) == expected


def without_frames() -> bytes:
    """An MP4 whose table of sizes lists no frame."""
    clip = bytearray(make_clip(5))
    count = clip.index(b"stsz") + 12
    clip[count : count + 4] = bytes(4)
    return bytes(clip)


def cut_in_its_header() -> bytes:
    clip = make_clip(5, kind="vp9")
    return clip[: clip.index(bytes.fromhex("1f43b675"))]  # a Cluster: the frames are in it


def sound() -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "video of 0 bytes: can't be decoded: Invalid data"),
        (b"no video at all" * 40, "video of 600 bytes: can't be decoded: Invalid data"),
        (make_clip(20)[:-400], "can't be decoded: "),  # the index at its end is cut
        (cut_in_its_header(), "can't be decoded: End of file"),
        (without_frames(), "has no frame with a time"),
        (sound(), "has no video stream"),
    ],
)
def test_a_file_without_frames_is_unreadable_and_says_why(data: bytes, complaint: str) -> None:
    with pytest.raises(UnreadableSampleError, match=complaint):
        decode_frames(data, num_frames=5, rng=None)


@every_kind
def test_damage_gives_frames_or_an_unreadable_sample_and_nothing_else(kind: str) -> None:
    clip, rng, outcomes = make_clip(30, kind=kind), random.Random(0), set()
    for number in range(60):
        damaged = bytearray(clip[: rng.randrange(len(clip))] if number % 3 == 0 else clip)
        for _ in range(number % 3 * 10):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            frames = decode_frames(bytes(damaged), num_frames=4, rng=rng)
        except UnreadableSampleError:
            outcomes.add("unreadable")
        else:
            assert 1 <= len(frames) <= 4
            outcomes.add("frames")
    assert outcomes == {"frames", "unreadable"}


@pytest.mark.parametrize(
    ("count", "num_frames", "expected"),
    [(0, 5, []), (1, 5, [0]), (5, 5, [0, 1, 2, 3, 4]), (6, 5, [0, 2, 3, 4, 5]), (10, 1, [5])],
)
def test_frames_of_a_list_are_chosen_by_position(
    count: int, num_frames: int, expected: list[int]
) -> None:
    assert choose_frames(count, num_frames, None) == expected


def test_chosen_positions_are_as_many_as_asked_and_differ() -> None:
    for count in range(1, 40):
        for num_frames in range(1, 12):
            for rng in (None, random.Random(count)):
                chosen = choose_frames(count, num_frames, rng)
                assert len(chosen) == min(count, num_frames)
                assert chosen == sorted(set(chosen)) and 0 <= chosen[0] <= chosen[-1] < count


def test_at_least_one_frame_must_be_asked_for() -> None:
    with pytest.raises(ValueError, match="num_frames is 0"):
        decode_frames(make_clip(2), num_frames=0, rng=None)


def test_avi_becomes_mp4_with_the_same_frames() -> None:
    clip = as_mp4(make_clip(60, kind="mpeg4", container="avi"))
    assert clip[4:8] == b"ftyp"
    assert numbers(clip, 60) == list(range(60))
    assert numbers(clip, 5) == [6, 18, 30, 42, 54]
