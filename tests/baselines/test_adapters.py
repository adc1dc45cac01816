"""Each family, as a tiny model with random weights: what it is given, and what it does with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from lynx.baselines.adapters.base import Adapter, Inputs
from lynx.baselines.asking import BaselineAsker
from lynx.baselines.known import Baseline
from lynx.baselines.loading import load_adapter
from lynx.config.errors import LynxError
from lynx.evaluation.asking import Turn
from tests.baselines.conftest import ASKED_AS, BEAMS, DRAWN, GREEDY, ROWS, noise, question, video
from tests.baselines.dialogues import DIALOGUES, ask, encoded, words
from tests.baselines.families import NUM_QUERIES

AdapterOf = Callable[..., Adapter]
BaselineOf = Callable[..., Baseline]


@pytest.mark.parametrize("row", list(ROWS))
@pytest.mark.parametrize("family", list(ASKED_AS))
def test_a_batch_answers_as_each_question_alone(
    family: str, row: str, adapter_of: AdapterOf
) -> None:
    adapter, questions = adapter_of(family), [question(number) for number in range(4)]
    together = ask(adapter, questions, ROWS[row])
    alone = [
        BaselineAsker(adapter, 0).answers([one], [turns], decoding=ROWS[row], purpose="answer")[0]
        for one, turns in zip(questions, DIALOGUES, strict=True)
    ]
    assert together == alone
    assert len({said.text for said in together}) > 1  # the prompts reach the model


@pytest.mark.parametrize("family", list(ASKED_AS))
def test_another_picture_gives_other_answers(family: str, adapter_of: AdapterOf) -> None:
    adapter = adapter_of(family)
    seen = {
        BaselineAsker(adapter, 0).answers(
            [question(0, images=(noise(number),))], DIALOGUES[:1], decoding=GREEDY, purpose="answer"
        )[0]
        for number in range(6)
    }
    assert len(seen) > 1


@pytest.mark.parametrize("family", list(ASKED_AS))
def test_a_model_in_half_precision_answers(family: str, baseline_of: BaselineOf) -> None:
    baseline = baseline_of(family)
    adapter = load_adapter(
        baseline, Path(baseline.checkpoint), device=torch.device("cpu"), dtype=torch.bfloat16
    )
    assert adapter.model.get_input_embeddings().weight.dtype == torch.bfloat16
    assert len(ask(adapter, [question(0), question(1)], GREEDY)) == 2


@pytest.mark.parametrize("family", list(ASKED_AS))
def test_an_answer_says_how_many_tokens_it_has(family: str, adapter_of: AdapterOf) -> None:
    for said in ask(adapter_of(family), [question(number) for number in range(4)], DRAWN):
        assert said.num_tokens is not None and 1 <= said.num_tokens <= DRAWN["max_new_tokens"]


@pytest.mark.parametrize("row", ["drawn", "drawn_beams"])
@pytest.mark.parametrize("family", ["instructblip", "llava", "idefics", "chat"])
def test_drawn_answers_follow_the_seed_and_leave_torchs_own_generator_alone(
    family: str, row: str, adapter_of: AdapterOf
) -> None:
    adapter, questions = adapter_of(family), [question(number) for number in range(3)]
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = ask(adapter, questions, ROWS[row], seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    assert ask(adapter, questions, ROWS[row], seed=1) == first
    assert any(ask(adapter, questions, ROWS[row], seed=seed) != first for seed in (2, 3, 4))


@pytest.mark.parametrize("family", ["blip2", "llava"])
def test_the_description_and_the_answer_have_streams_of_their_own(
    family: str, adapter_of: AdapterOf
) -> None:
    asker, asked = BaselineAsker(adapter_of(family), 0), [question(1)]
    texts = {
        asker.answers(asked, DIALOGUES[:1], decoding=DRAWN, purpose=purpose)[0].text
        for purpose in ("answer", "description", "caption")
    }
    assert len(texts) > 1


# Pictures, frames and none.


def test_instructblips_form_for_videos_answers_about_a_picture_as_the_form_for_pictures(
    adapter_of: AdapterOf,
) -> None:
    questions = [question(number) for number in range(4)]
    for family in ("instructblip", "instructblip_vicuna"):
        forms = [adapter_of(family), adapter_of(family, video="grid")]
        assert type(forms[0].model) is not type(forms[1].model)
        assert ask(forms[0], questions, BEAMS) == ask(forms[1], questions, BEAMS)


def test_every_frame_reaches_instructblip(adapter_of: AdapterOf) -> None:
    adapter, asked = adapter_of("instructblip"), video(1)
    made = encoded(adapter, asked, DIALOGUES[0])
    assert made["pixel_values"].shape == (1, 4, 3, 28, 28)
    place = adapter.model.config.video_token_index
    assert int((made["input_ids"] == place).sum()) == 4 * NUM_QUERIES

    def logits(inputs: Inputs) -> torch.Tensor:
        start = torch.zeros(1, 1, dtype=torch.long)
        with torch.no_grad():
            return adapter.model(**inputs, decoder_input_ids=start).logits  # type: ignore[no-any-return]

    before = logits(made)
    for frame in range(4):
        changed = made["pixel_values"].clone()
        changed[:, frame] += 1.0
        assert not torch.allclose(logits(made | {"pixel_values": changed}), before)


@pytest.mark.parametrize("family", ["llava", "idefics", "chat"])
def test_frames_are_several_pictures_where_the_baseline_says_so(
    family: str, adapter_of: AdapterOf
) -> None:
    adapter = adapter_of(family, video="pictures")
    made = encoded(adapter, video(1, num_frames=3), DIALOGUES[0])
    assert made["pixel_values"].numel() == 3 * 3 * 28 * 28
    answers = ask(adapter, [video(1, num_frames=3), question(2), video(3)], BEAMS)
    assert len(answers) == 3  # unequal numbers of pictures in one batch


def test_idefics_in_a_batch_of_unequal_numbers_of_pictures_answers_as_alone(
    adapter_of: AdapterOf,
) -> None:
    adapter, questions = adapter_of("idefics"), [video(1, num_frames=3), question(2), video(3)]
    asker = BaselineAsker(adapter, 0)
    alone = [
        asker.answers([one], [turns], decoding=BEAMS, purpose="answer")[0]
        for one, turns in zip(questions, DIALOGUES, strict=False)
    ]
    assert ask(adapter, questions, BEAMS) == alone


@pytest.mark.parametrize("family", ["llava", "idefics", "chat"])
def test_text_alone_is_asked_without_a_picture(family: str, adapter_of: AdapterOf) -> None:
    adapter = adapter_of(family)
    questions = [question(number, images=()) for number in range(4)]
    made = encoded(adapter, questions[0], DIALOGUES[0])
    assert "<image>" not in words(adapter, made)
    assert not made.get("image_attention_mask", torch.zeros(1)).any()
    other = ask(adapter, [question(number) for number in range(4)], BEAMS)
    assert ask(adapter, questions, BEAMS) != other


@pytest.mark.parametrize("family", ["blip2", "instructblip"])
def test_blip_refuses_text_alone(family: str, adapter_of: AdapterOf) -> None:
    with pytest.raises(LynxError, match="can't be asked without a picture: leave text_only out"):
        ask(adapter_of(family), [question(0, images=())], BEAMS)


def test_a_long_text_is_cut_for_the_q_former_alone(adapter_of: AdapterOf) -> None:
    adapter = adapter_of("instructblip")
    turns: list[Turn] = [(" ".join(["red"] * 600), None)]
    made = adapter.encode(turns, [Image.new("RGB", (8, 8))])
    assert made["qformer_input_ids"].shape == (1, 512)
    assert made["qformer_input_ids"][0, 0] == adapter.processor.qformer_tokenizer.bos_token_id
    assert made["input_ids"].shape[1] > 600


# What ends an answer, and what it never holds.


def test_an_answer_ends_at_the_baselines_own_tokens_and_texts(adapter_of: AdapterOf) -> None:
    adapter = adapter_of("idefics")
    end = adapter.tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    assert adapter.end_ids == [adapter.tokenizer.eos_token_id, end]
    ids = adapter.tokenizer("a dog\nUser: what", add_special_tokens=False)["input_ids"]
    assert adapter.text(ids) == "a dog"


def test_an_answer_never_holds_the_places_of_pictures(
    adapter_of: AdapterOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = adapter_of("idefics")
    place = adapter.tokenizer.convert_tokens_to_ids("<image>")
    head = adapter.model.lm_head
    forward = head.forward

    def likes_pictures(*values: Any) -> Any:
        logits = forward(*values)
        logits[..., place] = 1e4
        return logits

    monkeypatch.setattr(head, "forward", likes_pictures)
    made = encoded(adapter, question(0), DIALOGUES[0])
    (ids,) = adapter.answer_ids([made], row=GREEDY, seeds=[0])
    assert ids and place not in ids


def test_a_token_that_the_tokenizer_lacks_is_told(adapter_of: AdapterOf) -> None:
    adapter = adapter_of("llava", end_tokens=("<end_of_turn>",))
    with pytest.raises(LynxError, match="`end_tokens` names <end_of_turn>, which the tokenizer"):
        ask(adapter, [question(0)], GREEDY)
