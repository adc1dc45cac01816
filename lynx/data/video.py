"""Decodes a few frames of a video file, spread over its time."""

from __future__ import annotations

import io
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from PIL import Image

from lynx.data.sample import UnreadableSampleError


def decode_frames(data: bytes, *, num_frames: int, rng: random.Random | None) -> list[Image.Image]:
    """At most `num_frames` different frames of a video file in order, upright, as RGB.

    The time from the first frame to the end of the last is cut into num_frames equal segments; each
    gives one of the frames that begin in it: with rng (training) a random one, without
    (evaluation) the one on screen at its centre. There are fewer where the clip has fewer, or
    where its frame rate varies so much that no frame begins in a segment; none comes twice. The
    same bytes and the same state of rng give the same frames. Raises UnreadableSampleError.
    """
    if num_frames < 1:
        raise ValueError(f"num_frames is {num_frames}; at least one frame can be asked for")
    try:
        return _decode(data, num_frames, rng)
    except Exception as error:  # FFmpeg's errors, and on damaged bytes ValueError and others
        place = f"video of {len(data)} bytes"
        if isinstance(error, UnreadableSampleError):
            raise UnreadableSampleError(f"{place}: {error}") from error
        reason = error.strerror if isinstance(error, av.FFmpegError) else repr(error)
        raise UnreadableSampleError(f"{place}: can't be decoded: {reason}") from error


def choose_frames(count: int, num_frames: int, rng: random.Random | None) -> list[int]:
    """The same rule for `count` frames of equal length: which of 0 .. count - 1 to take.

    All of them where count <= num_frames, else num_frames different ones in order.
    """
    return _chosen(range(count), count, num_frames, rng)


def as_mp4(data: bytes) -> bytes:
    """A video file of another container (AVI, FLV ..) as MP4 with H.264, without sound.

    It is encoded anew at high quality: packets of AVI have no presentation times to be kept.
    """
    target = io.BytesIO()
    with (
        av.open(io.BytesIO(data), mode="r", metadata_errors="ignore") as source,
        av.open(target, mode="w", format="mp4") as sink,
    ):
        read = source.streams.video[0]
        read.codec_context.thread_count = 1
        written = sink.add_stream("libx264", rate=read.average_rate or 25)
        written.options = {"crf": "18", "preset": "veryfast"}
        written.thread_count = 1  # more threads would give other bytes
        # H.264 with 4:2:0 needs even sides.
        written.width, written.height = read.width + read.width % 2, read.height + read.height % 2
        written.pix_fmt = "yuv420p"
        for number, frame in enumerate(source.decode(read)):
            image = frame.reformat(written.width, written.height, "yuv420p")
            image.pts, image.time_base = number, 1 / written.codec_context.framerate
            sink.mux(written.encode(image))
        sink.mux(written.encode())
    return target.getvalue()


def _chosen(
    times: Sequence[int], end: int, num_frames: int, rng: random.Random | None
) -> list[int]:
    """Indices into the sorted `times`; all arithmetic is in integers, so nothing is rounded."""
    if len(times) <= num_frames:
        return list(range(len(times)))
    start, length = times[0], end - times[0]
    segments: list[list[int]] = [[] for _ in range(num_frames)]
    for index, time in enumerate(times):
        segments[(time - start) * num_frames // length].append(index)
    chosen = []
    for number, indices in enumerate(segments):
        if not indices:
            continue
        if rng is not None:
            chosen.append(rng.choice(indices))
        else:
            before = [
                index
                for index in indices
                if 2 * num_frames * (times[index] - start) <= (2 * number + 1) * length
            ]
            chosen.append(before[-1] if before else indices[0])
    return chosen


class _Timeline(NamedTuple):
    """Presentation times in units of the stream's time base, sorted; `end` is the last one's."""

    times: list[int]
    keys: list[int]
    end: int


def _decode(data: bytes, num_frames: int, rng: random.Random | None) -> list[Image.Image]:
    with av.open(io.BytesIO(data), mode="r", metadata_errors="ignore") as container:
        timeline = _timeline(container)
        chosen = _chosen(timeline.times, timeline.end, num_frames, rng)
        wanted = [timeline.times[index] for index in chosen]
        found = _frames_at(container, wanted, timeline.keys)
    if not found:
        raise UnreadableSampleError("no frame of it can be decoded")
    return [_upright(frame) for frame in found.values()]


def _timeline(container: InputContainer) -> _Timeline:
    """Reads all packets and decodes none.

    Durations and frame counts in headers are not used: many files lack them or have wrong ones.
    """
    if not container.streams.video:
        raise UnreadableSampleError("has no video stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise UnreadableSampleError("has an unknown codec")
    stream.codec_context.thread_count = 1
    times, keys, duration = set(), set(), 0
    last = None
    for packet in container.demux(stream):
        time = packet.dts if packet.pts is None else packet.pts
        if packet.size == 0 or time is None:  # size 0: the end
            continue
        if packet.is_keyframe:
            keys.add(time)
        if packet.is_discard:  # cut off by an edit list; needed to decode others
            continue
        times.add(time)
        if last is None or time > last:
            last, duration = time, packet.duration or 0
    if last is None:
        raise UnreadableSampleError("has no frame with a time")
    first = min(times)
    if duration <= 0:
        duration = max(1, round((last - first) / max(1, len(times) - 1)))
    return _Timeline(sorted(times), sorted(keys) or [first], last + duration)


def _frames_at(
    container: InputContainer, wanted: Sequence[int], keys: Sequence[int]
) -> dict[int, VideoFrame]:
    """The frames of the rising times `wanted`, by their own.

    Decoding goes on from frame to frame, and jumps where a key frame lies before the next time.
    Where a time has no frame (VP8's hidden references) the next one is taken.
    """
    found: dict[int, VideoFrame] = {}
    decoded: Iterator[tuple[int, VideoFrame]] = iter(())
    reached = -1  # number of the key frame from which decoding runs
    for time in wanted:
        key = max(0, bisect_right(keys, time) - 1)
        if key > reached:
            reached, decoded = key, _from_key(container, keys[key])
        for shown, frame in decoded:
            if shown >= time:
                found[shown] = frame
                break
    return found


def _from_key(container: InputContainer, key: int) -> Iterator[tuple[int, VideoFrame]]:
    """Frames with their times, from the key frame of that time on."""
    stream = container.streams.video[0]
    container.seek(key, stream=stream)
    for frame in container.decode(stream):
        if frame.pts is not None:
            yield frame.pts, frame


def _upright(frame: VideoFrame) -> Image.Image:
    """As RGB, turned as the file says that it is to be shown (telephones write that)."""
    image = frame.to_image()
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image
