"""Samples become ids and labels: what is learned, how prompts are drawn, what is cut."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from lynx.config.errors import LynxError
from lynx.config.prompt_pools import PromptPool
from lynx.data.dialogue import encode_prompt
from lynx.data.sample import Round, Sample
from lynx.data.text import IGNORED, Encoded, encode_sample
from tests.tiny import write_tokenizer

POOL = PromptPool(
    name="short",
    fields=("question",),
    single="{question} answer .",
    plain=("{question} answer .", "question : {question}", "please answer {question}"),
    held_out=("say {question}",),
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return AutoTokenizer.from_pretrained(folder)


def dialogue(*responses: str, question: str = "What color is it?") -> Sample:
    rounds = tuple(Round({"question": question}, response) for response in responses)
    return Sample("k", "s", "text", rounds, ())


def encode(sample: Sample, tokenizer: Any, **changes: Any) -> Encoded:
    settings: dict[str, Any] = {
        "pool": POOL, "prompts": "single", "rng": random.Random(0), "max_text_tokens": 200,
    }  # fmt: skip
    return encode_sample(sample, tokenizer=tokenizer, **(settings | changes))


def test_a_dialogue_has_its_layout_in_lower_case(tokenizer: Any) -> None:
    found = encode(dialogue("Red", "Blue"), tokenizer)
    turn = "user : what color is it ? answer . bot :"
    expected = f"<s> {turn} red </s> {turn} blue </s>"
    assert tokenizer.convert_ids_to_tokens(found.input_ids) == expected.split()


def test_only_responses_and_their_ends_are_learned(tokenizer: Any) -> None:
    found = encode(dialogue("a red cat", "blue"), tokenizer)
    learned = [label for label in found.labels if label != IGNORED]
    assert tokenizer.convert_ids_to_tokens(learned) == ["a", "red", "cat", "</s>", "blue", "</s>"]
    pairs = zip(found.input_ids, found.labels, strict=True)
    assert all(label in (IGNORED, token) for token, label in pairs)
    assert found.labels[0] == IGNORED


def test_an_empty_response_still_teaches_to_stop(tokenizer: Any) -> None:
    found = encode(dialogue(""), tokenizer)
    assert [label for label in found.labels if label != IGNORED] == [tokenizer.eos_token_id]


def test_single_prompts_are_the_papers_and_diverse_ones_are_drawn_per_round(tokenizer: Any) -> None:
    single = {
        tuple(encode(dialogue("red"), tokenizer, rng=random.Random(seed)).input_ids)
        for seed in range(20)
    }
    diverse = {
        tuple(
            encode(
                dialogue("red", "red"), tokenizer, prompts="diverse", rng=random.Random(seed)
            ).input_ids
        )
        for seed in range(100)
    }
    assert len(single) == 1
    assert len(diverse) == len(POOL.diverse) ** 2


def test_both_ways_of_prompting_leave_the_random_stream_alike(tokenizer: Any) -> None:
    one, other = random.Random(5), random.Random(5)
    encode(dialogue("red", "blue"), tokenizer, prompts="single", rng=one)
    encode(dialogue("red", "blue"), tokenizer, prompts="diverse", rng=other)
    assert one.random() == other.random()


def test_braces_in_a_question_are_no_placeholders(tokenizer: Any) -> None:
    assert encode(dialogue("red", question="is {it} {} {question}"), tokenizer).input_ids


def test_a_pool_that_does_not_fit_the_source_is_an_error(tokenizer: Any) -> None:
    sample = Sample("k7", "cats", "text", (Round({"claim": "a"}, "yes"),), ())
    with pytest.raises(
        LynxError, match=r"cats: sample 'k7' has the fields \['claim'\].*`question`"
    ):
        encode(sample, tokenizer)


def test_a_long_dialogue_loses_its_oldest_rounds(tokenizer: Any) -> None:
    last_two = encode(dialogue("two", "three"), tokenizer)
    limit = len(last_two.input_ids)
    assert encode(dialogue("one", "two", "three"), tokenizer, max_text_tokens=limit) == last_two
    last = encode(dialogue("three"), tokenizer)
    assert encode(dialogue("one", "two", "three"), tokenizer, max_text_tokens=limit - 1) == last


@pytest.mark.parametrize(("asked", "answered"), [(100, 3), (3, 100), (100, 100)])
def test_a_long_round_is_cut_to_the_limit_and_still_taught(
    asked: int, answered: int, tokenizer: Any
) -> None:
    sample = dialogue("red " * answered, question="cat " * asked)
    found = encode(sample, tokenizer, max_text_tokens=41)
    tokens = tokenizer.convert_ids_to_tokens(found.input_ids)
    assert len(found.input_ids) == len(found.labels) == 41
    assert tokens[0] == "<s>"
    first = next(i for i, label in enumerate(found.labels) if label != IGNORED)
    assert tokens[first - 2 : first + 1] == ["bot", ":", "red"]
    if answered == 3:
        assert tokens[-4:] == ["red", "red", "red", "</s>"]
    if asked == 3:
        assert tokens[1:6] == ["user", ":", "cat", "cat", "cat"]


def test_a_prompt_is_what_training_showed_before_the_answer(tokenizer: Any) -> None:
    trained = encode(dialogue("red", "blue"), tokenizer).input_ids
    said = "What color is it? answer ."
    prompt = encode_prompt([(said, "red"), (said, None)], tokenizer, 200)
    assert prompt == trained[: len(prompt)]
    assert tokenizer.convert_ids_to_tokens(trained[len(prompt) :]) == ["blue", "</s>"]


def test_a_long_prompt_keeps_its_end_and_bos(tokenizer: Any) -> None:
    whole = encode_prompt([("a cat " * 30, None)], tokenizer, 500)
    short = encode_prompt([("a cat " * 30, None)], tokenizer, 12)
    assert short == [whole[0], *whole[-11:]]


def test_a_prompt_must_end_with_a_question(tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="last turn"):
        encode_prompt([("a", "b")], tokenizer, 20)
    with pytest.raises(ValueError, match="must have an answer"):
        encode_prompt([("a", None), ("b", None)], tokenizer, 20)


def test_tokenizers_do_not_share_what_is_remembered(tokenizer: Any, tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    other = AutoTokenizer.from_pretrained(tmp_path)
    other.add_tokens(["red"])
    changed = len(other) - 1
    other.add_tokens(["zebra"])
    assert encode(dialogue("zebra"), tokenizer).input_ids[-2] == tokenizer.unk_token_id
    assert encode(dialogue("zebra"), other).input_ids[-2] >= changed
