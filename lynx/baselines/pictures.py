"""Shows a question's pictures, or a video's frames, in the form that a model takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image

from lynx.baselines.known import Baseline
from lynx.config.errors import LynxError
from lynx.data.sample import UnreadableSampleError
from lynx.data.transforms import decoded
from lynx.evaluation.questions import Question


def pictures_of(question: Question, baseline: Baseline) -> list[Image.Image]:
    """The pictures in RGB that the model is to see; none for a question without any.

    Of a video, by `baseline.video`: its frames ("native", "pictures"), one picture with all frames
    side by side, row by row ("grid"), or the first frame ("first").
    """
    try:
        frames = [decoded(image) for image in question.images]
    except UnreadableSampleError as error:
        raise LynxError(f"the picture of question {question.id} can't be read: {error}") from error
    if question.kind == "image" or not frames:
        return frames
    frames = evenly_spaced(frames, baseline.num_frames or len(frames))
    if baseline.video == "first":
        return frames[:1]
    return [grid(frames)] if baseline.video == "grid" else frames


def evenly_spaced(frames: Sequence[Image.Image], number: int) -> list[Image.Image]:
    """`number` of the frames, first and last among them; all where there are no more."""
    if number >= len(frames):
        return list(frames)
    last = len(frames) - 1
    return [frames[round(i * last / max(number - 1, 1))] for i in range(number)]


def grid(frames: Sequence[Image.Image]) -> Image.Image:
    """All frames in one picture, nearly as many rows as columns, black where there is none."""
    columns = math.ceil(math.sqrt(len(frames)))
    rows = math.ceil(len(frames) / columns)
    width, height = (max(frame.size[axis] for frame in frames) for axis in (0, 1))
    whole = Image.new("RGB", (columns * width, rows * height))
    for number, frame in enumerate(frames):
        whole.paste(frame, (number % columns * width, number // columns * height))
    return whole
