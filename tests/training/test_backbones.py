"""The desk's backbones: what ships passes its gates, and the code that made it learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import LlamaForCausalLM

from lynx.config.paths import from_root
from lynx.config.seeds import python_random
from lynx.training.backbones.build import PARTS, load_language_model, load_vision_encoder
from lynx.training.backbones.gates import TEXT_GATE
from lynx.training.backbones.language_model import answer_accuracy, new_llama, train_language_model
from lynx.training.backbones.text import LESSONS, PlainDocuments, chat_test, plain_test
from lynx.training.backbones.vision_encoder import (
    EncoderLesson,
    new_vision_encoder,
    train_vision_encoder,
)

FOLDER = from_root("backbones/desk")
PHRASES = ["give a short answer.", "describe the picture."]
TESTS = {"llama": plain_test, "vicuna": chat_test}


def _card(part: str) -> dict[str, object]:
    return json.loads((FOLDER / part / "training.json").read_text())


def _weights(part: str) -> dict[str, torch.Tensor]:
    with safe_open(FOLDER / part / "model.safetensors", "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@pytest.mark.parametrize("part", PARTS)
def test_the_shipped_weights_are_half_precision_and_finite(part: str) -> None:
    for tensor in _weights(part).values():
        assert tensor.dtype == torch.float16
        assert tensor.isfinite().all()


def test_the_shipped_weights_are_small_enough_for_a_repository() -> None:
    assert sum((FOLDER / part / "model.safetensors").stat().st_size for part in PARTS) < 24e6


@pytest.mark.parametrize("part", TESTS)
def test_the_card_says_that_each_class_of_text_questions_passes_the_gate(part: str) -> None:
    classes = _card(part)["gate"]["classes"]  # type: ignore[index]
    assert {name for name, one in classes.items() if one["accuracy"] < TEXT_GATE} == set()


@pytest.mark.parametrize("part", TESTS)
def test_a_shipped_language_model_answers_about_text_as_its_card_says(part: str) -> None:
    torch.set_num_threads(1)
    model, tokenizer = load_language_model(FOLDER / part)
    counts = answer_accuracy(model, tokenizer, TESTS[part], num_documents=64)
    right, asked = (sum(column) for column in zip(*counts.values(), strict=True))
    assert right / asked > TEXT_GATE


def test_the_card_says_that_the_word_is_legible_at_the_high_resolution_and_less_at_the_low() -> (
    None
):
    low, high = _card("vision_encoder")["gate"]["accuracy"].values()  # type: ignore[index]
    assert high["word"] > 0.9
    assert low["word"] < high["word"] - 0.15
    assert min(value for name, value in high.items() if name != "word") > 0.9


def test_the_same_lesson_gives_the_same_encoder_and_lowers_its_losses() -> None:
    lesson = EncoderLesson("test", num_steps=6, learning_rate=2e-3, sharp_every=3)
    losses: list[float] = []
    first, second = (
        train_vision_encoder(
            new_vision_encoder(seed=0),
            lesson,
            seed=0,
            report=lambda _, by_name: losses.append(by_name["time"]),
        )
        for _ in range(2)
    )
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert losses[4] < losses[0]  # the third and sixth step show other views


def _lesson_for_llama(num_steps: int) -> tuple[LlamaForCausalLM, list[float]]:
    """A new language model after a few steps, and its loss on answers at each."""
    _, tokenizer = load_language_model(FOLDER / "llama")
    losses: list[float] = []
    model = train_language_model(
        new_llama(tokenizer, seed=0),
        tokenizer,
        PlainDocuments(PHRASES, LESSONS[1]),
        stream="test",
        seed=0,
        num_steps=num_steps,
        learning_rate=3e-3,
        report=lambda _, by_name: losses.append(by_name["answers"]),
    )
    return model, losses


def test_the_same_lesson_gives_the_same_language_model() -> None:
    (first, losses), (second, again) = (_lesson_for_llama(2) for _ in range(2))
    assert losses == again
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_a_lesson_lowers_the_loss_of_a_language_model() -> None:
    _, losses = _lesson_for_llama(10)
    assert losses[-1] < losses[0] - 0.1


def test_a_lesson_on_relations_asks_mostly_for_them() -> None:
    rng = python_random(0, "test")
    documents = PlainDocuments(PHRASES, LESSONS[-1])
    families = [s.family for _ in range(50) for s in documents(rng, 0.5) if s.family]
    focused = sum(family in LESSONS[-1].families for family in families)
    assert focused / len(families) > LESSONS[-1].focus_share


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=str(tmp_path)):
        load_vision_encoder(tmp_path)
