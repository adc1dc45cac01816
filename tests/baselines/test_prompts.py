"""What each family's model is given, token by token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from lynx.baselines.adapters.base import Adapter
from lynx.baselines.pictures import pictures_of
from lynx.evaluation.asking import Turn
from tests.baselines.conftest import ASKED_AS, question, video
from tests.baselines.dialogues import DIALOGUES, encoded

AdapterOf = Callable[..., Adapter]
PLACES_OF_PICTURES = 4  # 28 pixels in patches of 14, without LLaVA's class token


@pytest.mark.parametrize("family", ["blip2", "blip2_t5", "instructblip", "instructblip_vicuna"])
def test_blip_is_given_what_its_own_processor_makes(family: str, adapter_of: AdapterOf) -> None:
    adapter = adapter_of(family, video="grid")  # the form for pictures
    made = encoded(adapter, question(3), DIALOGUES[0])
    template = adapter.baseline.template
    assert template is not None
    right = adapter.processor(
        images=pictures_of(question(3), adapter.baseline),
        text=template.text(DIALOGUES[0], num_pictures=1),
        return_tensors="pt",
    )
    assert set(made) == set(right)
    for name, value in made.items():
        assert torch.equal(value, right[name]), name


def test_llava_is_given_bos_the_places_of_the_picture_and_the_text(adapter_of: AdapterOf) -> None:
    adapter = adapter_of("llava")
    made = encoded(adapter, question(0), DIALOGUES[2])
    places = "<image>" * PLACES_OF_PICTURES
    expected = adapter.tokenizer(
        f"USER: {places}\ndescribe the image in detail ASSISTANT: a red dog</s>"
        "USER: what is it ASSISTANT:"
    )["input_ids"]
    assert made["input_ids"].tolist() == [expected]
    ids = made["input_ids"][0].tolist()
    assert ids[0] == adapter.tokenizer.bos_token_id != ids[1]
    assert adapter.tokenizer.eos_token_id in ids  # one token, not the letters of "</s>"
    assert made["pixel_values"].shape == (1, 3, 28, 28)


def test_a_chat_template_is_filled_turn_by_turn_with_one_bos(adapter_of: AdapterOf) -> None:
    adapter = adapter_of("chat")
    made = encoded(adapter, question(0), DIALOGUES[2])
    text = (
        f"<s>user: {'<image>' * PLACES_OF_PICTURES}\ndescribe the image in detail\n"
        "assistant: a red dog</s>\nuser: what is it\nassistant:"
    )
    expected = adapter.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert made["input_ids"].tolist() == [expected]


def test_idefics_is_given_what_its_own_processor_makes(adapter_of: AdapterOf) -> None:
    adapter, asked = adapter_of("idefics"), video(1, num_frames=3)
    made = encoded(adapter, asked, DIALOGUES[2])
    frames = pictures_of(asked, adapter.baseline)
    right = adapter.processor(
        text=[["User:", *frames, "describe the image in detail<end_of_utterance>\nAssistant: "
               "a red dog<end_of_utterance>\nUser:what is it<end_of_utterance>\nAssistant:"]],
        add_end_of_utterance_token=False, return_tensors="pt",
    )  # fmt: skip
    # The processor leaves the second of two tokens out where pictures follow each other.
    fake = adapter.tokenizer.convert_tokens_to_ids("<fake_token_around_image>")
    ours, theirs = made["input_ids"][0].tolist(), right["input_ids"][0].tolist()
    assert [i for i in ours if i != fake] == [i for i in theirs if i != fake]
    assert torch.equal(made["pixel_values"], right["pixel_values"])
    ours_mask, mask = made["image_attention_mask"][0], right["image_attention_mask"][0]
    kept, right_kept = ([i != fake for i in ids] for ids in (ours, theirs))
    assert torch.equal(ours_mask[kept].bool(), mask[right_kept].bool())


@pytest.mark.parametrize("family", list(ASKED_AS))
def test_special_tokens_in_a_question_or_an_answer_are_words(
    family: str, adapter_of: AdapterOf
) -> None:
    adapter = adapter_of(family)
    turns: list[Turn] = [("is <image> a </s> thing?", "an <image>"), ("what of <image>", None)]
    plain: list[Turn] = [("is a thing?", "an"), ("what of", None)]
    tokenizer = adapter.tokenizer
    special = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<image>")]
    counts = [
        [encoded(adapter, question(0), said)["input_ids"][0].tolist().count(one) for one in special]
        for said in (turns, plain)
    ]
    assert counts[0] == counts[1]
