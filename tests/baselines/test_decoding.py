"""Rows of Table 9 with `transformers`: what decides, and what doesn't."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch

from lynx.baselines.adapters.base import Adapter, Inputs
from lynx.baselines.decoding import OneEnd, OnTheAnswer, is_drawn_alone
from lynx.baselines.pictures import pictures_of
from tests.baselines.conftest import ASKED_AS, BEAMS, DRAWN, DRAWN_BEAMS, GREEDY, question

AdapterOf = Callable[..., Adapter]


def inputs_of(adapter: Adapter, text: str = "what color is it") -> Inputs:
    return adapter.encode([(text, None)], pictures_of(question(0), adapter.baseline))


def answer(adapter: Adapter, row: dict[str, Any], **asked: str) -> list[int]:
    return adapter.answer_ids([inputs_of(adapter, **asked)], row=row, seeds=[7])[0]


@pytest.mark.parametrize("family", ["llava", "blip2_t5", "instructblip_vicuna"])
def test_a_greedy_answer_is_that_of_transformers_alone(family: str, adapter_of: AdapterOf) -> None:
    adapter = adapter_of(family, video="grid")
    inputs = adapter.encode(
        [("what color is it", None)], pictures_of(question(0), adapter.baseline)
    )
    with torch.no_grad():
        made = adapter.model.generate(**inputs, max_new_tokens=8, do_sample=False)[0].tolist()
    start = 1 if adapter.is_encoder_decoder else inputs["input_ids"].shape[1]
    new = made[start:]
    end = adapter.tokenizer.eos_token_id
    expected = new[: new.index(end)] if end in new else new
    assert answer(adapter, GREEDY) == expected


def test_a_processor_sees_the_answer_alone() -> None:
    seen: list[torch.Tensor] = []

    def inner(input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        seen.append(input_ids)
        return scores

    OnTheAnswer(inner, 2)(torch.tensor([[8, 9, 1, 2]]), torch.zeros(1, 3))  # type: ignore[arg-type]
    assert seen[0].tolist() == [[1, 2]]


def test_several_end_tokens_are_one_event_where_beams_are_drawn() -> None:
    scores = torch.tensor([[0.5, 0.2, 0.1, 0.2]]).log()
    made = OneEnd([1, 3])(torch.zeros(1, 0), scores).exp()
    torch.testing.assert_close(made, torch.tensor([[0.5, 0.4, 0.1, 0.0]]))


@pytest.mark.parametrize("family", list(ASKED_AS))
def test_no_pair_of_tokens_comes_twice_in_an_answer(family: str, adapter_of: AdapterOf) -> None:
    ids = answer(adapter_of(family), {**BEAMS, "max_new_tokens": 40})
    pairs = list(pairwise(ids))
    assert len(pairs) == len(set(pairs))


def test_an_answer_may_repeat_a_pair_of_the_question(adapter_of: AdapterOf) -> None:
    adapter = adapter_of("llava")
    row = {**GREEDY, "max_new_tokens": 6}
    free = answer(adapter, row)
    said = adapter.tokenizer.decode(free)
    # Asked with the very words of the answer to come, banned pairs would change it.
    for text in (said, f"{said} {said}"):
        assert answer(adapter, {**row, "no_repeat_ngram_size": 6}, text=text) == answer(
            adapter, row, text=text
        )


@pytest.mark.parametrize("family", ["llava", "instructblip"])
@pytest.mark.parametrize("row", [GREEDY, BEAMS, DRAWN, DRAWN_BEAMS])
def test_the_checkpoints_own_settings_change_nothing(
    family: str, row: dict[str, Any], adapter_of: AdapterOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = adapter_of(family)
    before = answer(adapter, row)
    own = {"repetition_penalty": 3.0, "temperature": 0.2, "no_repeat_ngram_size": 1,
           "num_beams": 2, "length_penalty": 5.0, "early_stopping": True, "min_length": 7,
           "min_p": 0.5, "top_k": 2, "do_sample": True}  # fmt: skip
    for name, value in own.items():
        monkeypatch.setattr(adapter.generation_config, name, value)
    assert answer(adapter, row) == before


@pytest.mark.parametrize("family", list(ASKED_AS))
def test_an_answer_has_at_least_one_token(
    family: str, adapter_of: AdapterOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = adapter_of(family)
    first = answer(adapter, GREEDY)[0]
    monkeypatch.setitem(adapter.__dict__, "end_ids", [first])  # what it would say first ends it
    ids = answer(adapter, GREEDY)
    assert ids and first not in ids


def test_rows_that_sample_beams_go_one_by_one() -> None:
    assert [is_drawn_alone(row) for row in (GREEDY, BEAMS, DRAWN, DRAWN_BEAMS)] == [
        False, False, False, True,
    ]  # fmt: skip


def test_only_the_likeliest_tokens_are_drawn(adapter_of: AdapterOf) -> None:
    adapter = adapter_of("llava")
    inputs = adapter.encode(
        [("what color is it", None)], pictures_of(question(0), adapter.baseline)
    )
    with torch.no_grad():
        best = adapter.model(**inputs).logits[0, -1].topk(3).indices.tolist()
    row = {**DRAWN, "max_new_tokens": 1, "top_p": 1.0}
    answers = adapter.answer_ids([inputs] * 60, row=row, seeds=range(60))
    drawn = {ids[0] for ids in answers}
    assert drawn == set(best) - set(adapter.end_ids)
