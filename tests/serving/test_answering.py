"""Tests of asking a trained model from Python."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from lynx.config.errors import LynxError
from lynx.config.seeds import torch_seed
from lynx.data.dialogue import encode_prompt
from lynx.evaluation.asking import Reply
from lynx.serving.answering import Answerer
from lynx.serving.vision import see
from tests.clips import make_clip, number_of, numbered

QUESTION = [("what color is the cat", None)]
ANSWERED = [("what is this", "a dog"), ("what color is it", None)]


def drawn(seed: int, *, mode: str = "RGB") -> Image.Image:
    rng = torch.Generator().manual_seed(seed)
    levels = torch.randint(0, 256, (12, 12, 3), generator=rng, dtype=torch.uint8)
    return Image.fromarray(levels.numpy()).convert(mode)


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_pictures_videos_texts_and_histories_share_a_batch(answerer: Answerer) -> None:
    dialogues: list[Any] = [QUESTION, ANSWERED, QUESTION, ANSWERED]
    pictures = [drawn(1), None, [drawn(n) for n in range(4)], drawn(2)]
    seeds = [3, 4, 5, 6]
    together = answerer.answer(dialogues, pictures, seeds=seeds)
    alone = [
        answerer.answer([one], [picture], seeds=[seed])[0]
        for one, picture, seed in zip(dialogues, pictures, seeds, strict=True)
    ]
    assert [one.text for one in together] == [one.text for one in alone]
    assert [one.prompt for one in together] == [one.prompt for one in alone]
    assert len({one.text for one in together}) > 1
    assert all(1 <= one.num_new_tokens <= 6 for one in together)


def test_one_picture_is_read_alike_from_every_source(answerer: Answerer, tmp_path: Path) -> None:
    image = drawn(7)
    path = tmp_path / "picture.png"
    path.write_bytes(png(image))
    sources = [image, path, str(path), png(image), see(path, num_frames=5)]
    answers = answerer.answer([QUESTION] * 5, sources)
    assert len({one.text for one in answers}) == 1
    assert see(drawn(7, mode="CMYK"), num_frames=1).frames[0].mode == "RGB"
    turned = Image.new("RGB", (10, 20))
    turned.getexif()[274] = 6
    assert see(turned, num_frames=1).frames[0].size == (20, 10)


def test_a_video_file_and_too_many_frames_become_the_frames_of_the_model() -> None:
    clip = make_clip(60)
    from_file = see(clip, num_frames=5)
    assert from_file.is_video and [number_of(f) for f in from_file.frames] == [6, 18, 30, 42, 54]
    assert see(clip, num_frames=5, kind="video") == from_file
    from_frames = see([numbered(n) for n in range(60)], num_frames=5)
    assert [number_of(f) for f in from_frames.frames] == [6, 18, 30, 42, 54]
    assert not see([numbered(1)], num_frames=5).is_video


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(LynxError, match=r"broken\.png.*picture of 10 bytes.*video of 10 bytes"):
        see(broken, num_frames=5)
    with pytest.raises(LynxError, match=r"absent\.png: can't be read: No such file"):
        see(tmp_path / "absent.png", num_frames=5)
    with pytest.raises(LynxError, match="video of 10 bytes"):
        see(broken, num_frames=5, kind="video")
    with pytest.raises(LynxError, match="no frames"):
        see([], num_frames=5)


def test_the_prompt_is_shown_as_it_was_sent(answerer: Answerer) -> None:
    seen, unseen = answerer.answer([ANSWERED, ANSWERED], [drawn(1), None])
    expected = answerer.asker.tokenizer.decode(
        encode_prompt(ANSWERED, answerer.asker.tokenizer, 99)
    )
    assert seen.prompt == f"[4 vision tokens]{expected}"
    assert unseen.prompt == expected
    assert "a dog</s>" in expected.replace(" </s>", "</s>")


def test_a_description_comes_first_where_there_is_a_picture(answerer: Answerer) -> None:
    video = [drawn(n) for n in range(3)]
    given = [drawn(1), None, video]
    image, text, clip = answerer.answer([QUESTION] * 3, given, describe_first=True, seeds=[1, 2, 3])
    assert text.description is None
    assert image.description is not None and clip.description is not None
    assert image.description[0] == "Describe the image in detail."
    assert clip.description[0] == "Describe the video in detail."
    by_hand = answerer.answer([[image.description, *QUESTION]], [drawn(1)], seeds=[1])[0]
    assert (by_hand.text, by_hand.prompt) == (image.text, image.prompt)
    said = answerer.asker.replies(
        [[(image.description[0], None)]],
        [see(drawn(1), num_frames=1).frames],
        decoding={
            "max_new_tokens": 6, "num_beams": 1, "top_p": 0.9, "top_k": 5, "length_penalty": 1.0,
            "no_repeat_ngram_size": 3, "do_sample": True,
        },
        seeds=[torch_seed(1, "sampling", "description")],
    )  # fmt: skip
    assert said[0].text == image.description[1]


def test_the_row_decides_how_it_is_decoded(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def replies(self: object, dialogues: Any, pictures: Any, **options: Any) -> list[Reply]:
        asked.append(options["decoding"])
        return [Reply("yes", [1], [5])]

    monkeypatch.setattr(type(answerer.asker), "replies", replies)
    rows: list[Any] = ["greedy", "demo num_beams=3 do_sample=false", {"top_k": 2}]
    rows.append({"row": "greedy", "max_new_tokens": 3})
    for row in rows:
        answerer.answer([QUESTION], [None], row=row)
    assert [one["num_beams"] for one in asked] == [1, 3, 2, 1]
    assert [one["do_sample"] for one in asked] == [False, False, True, False]
    assert [one["top_k"] for one in asked] == [5, 5, 2, 5]
    assert asked[3]["max_new_tokens"] == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("gredy", "no row 'gredy' of Table 9; nearest is `greedy`"),
        ("demo beams=3", "unknown setting 'beams'"),
        ("demo num_beams", "not of the form setting=value"),
        ({"num_beams": "many"}, "many"),
        ("demo top_p=0", "top_p: 0.0 is not above 0 and at most 1"),
        ({"num_beams": 0}, "num_beams: 0 is not at least 1"),
    ],
)
def test_a_mistake_in_the_row_is_named(answerer: Answerer, row: Any, message: str) -> None:
    with pytest.raises(LynxError, match=message):
        answerer.answer([QUESTION], [None], row=row)


def test_seeds_change_sampled_answers_and_only_those(answerer: Answerer) -> None:
    def answers(row: str) -> set[str]:
        got = answerer.answer([QUESTION] * 6, [drawn(1)] * 6, row=row, seeds=range(6))
        return {one.text for one in got}

    assert len(answers("demo")) > 1
    assert len(answers("greedy")) == 1


def test_the_device_is_the_runs_own_or_the_cpu(run_path: Path, answerer: Answerer) -> None:
    assert answerer.asker.device.type == "cpu" and answerer.name == "tiny/seed0"
    if not torch.cuda.is_available():
        with pytest.raises(LynxError, match="finds no GPU"):
            Answerer.of(run_path, device="cuda")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, run_path: Path) -> None:
    with pytest.raises(LynxError, match=r"no configuration at .*config\.yaml"):
        Answerer.of(tmp_path)
    (tmp_path / "config.yaml").write_bytes((run_path / "config.yaml").read_bytes())
    with pytest.raises(LynxError, match=r"final\.safetensors is missing"):
        Answerer.of(tmp_path)
    shutil.copytree(run_path, tmp_path / "run")
    (tmp_path / "run" / "instruct" / "stage.json").write_text('{"key": ')
    with pytest.raises(LynxError, match=r"instruct/stage\.json: damaged"):
        Answerer.of(tmp_path / "run")


def test_weights_of_the_folder_are_the_ones_that_answer(
    answerer: Answerer, other: Answerer
) -> None:
    pictures = [drawn(n) for n in range(6)]
    one, another = (
        [a.text for a in who.answer([QUESTION] * 6, pictures, row="greedy")]
        for who in (answerer, replace(other, name="same settings"))
    )
    assert one != another
