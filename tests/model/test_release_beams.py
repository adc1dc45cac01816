"""Tests that beams give the answers of transformers 4.28.1, token for token.

release_beams.json holds what that version answered on the CPU: `LlamaForCausalLM.generate` with the
weights and the embedded prompts of this file, one prompt at a time after `torch.manual_seed(its
number)`, with min_length=2 as in the release.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from lynx.model.generation import generate_rows

VOCABULARY, WIDTH = 40, 16
RECORDED: dict[str, Any] = json.loads(
    Path(__file__).with_name("release_beams.json").read_text("utf-8")
)


def wave(rows: int, columns: int, step: float) -> Tensor:
    """Numbers that look drawn and are the same everywhere."""
    places = torch.arange(rows * columns, dtype=torch.float64).view(rows, columns)
    return (step * places * places).sin().float()


@pytest.fixture(scope="module")
def bigrams() -> LlamaForCausalLM:
    """A LLaMA whose next token depends on the last alone: its layer adds nothing."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        layer: Any = model.model.layers[0]
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(wave(VOCABULARY, WIDTH, 0.37))
        model.lm_head.weight.copy_(wave(VOCABULARY, WIDTH, 0.11))
        model.lm_head.weight[2] *= 1.3  # EOS comes often enough
    return model


@pytest.mark.parametrize("name", list(RECORDED))
def test_beams_answer_as_the_authors_library_does(bigrams: LlamaForCausalLM, name: str) -> None:
    expected = RECORDED[name]["answers"]
    prompts = [prompt[None] for prompt in wave(len(expected), WIDTH, 0.23)]
    with torch.no_grad():
        answers = generate_rows(
            bigrams, prompts, settings=RECORDED[name]["settings"], seeds=range(len(expected))
        )
    assert answers == expected
    assert len({tuple(answer) for answer in answers}) > 1
