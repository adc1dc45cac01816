"""Train the desk's backbones part by part, measure their gates, and write them with a card."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import (
    AutoTokenizer,
    Blip2VisionModel,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from lynx.config.errors import LynxError
from lynx.tracking.files import atomic_dir, write_json_atomic, write_text_atomic
from lynx.training.backbones.card import card
from lynx.training.backbones.gates import language_gate, print_gates, vision_gate
from lynx.training.backbones.language_model import new_llama, train_language_model
from lynx.training.backbones.text import (
    LESSONS,
    PlainDocuments,
    chat_document,
    chat_test,
    plain_test,
    prompt_phrases,
    tokenizer_texts,
)
from lynx.training.backbones.tokenizer import train_tokenizer
from lynx.training.backbones.vision_encoder import LESSONS as ENCODER_LESSONS
from lynx.training.backbones.vision_encoder import new_vision_encoder, train_vision_encoder

PARTS = ("llama", "vicuna", "vision_encoder")
NUM_STEPS = {
    "llama": sum(lesson.num_steps for lesson in LESSONS),
    "vicuna": 300,
    "vision_encoder": sum(lesson.num_steps for lesson in ENCODER_LESSONS),
}
VICUNA_LEARNING_RATE = 1.5e-3
Report = Callable[[int, dict[str, float]], None]


def build_backbones(output_dir: Path, *, seed: int = 0, parts: tuple[str, ...] = PARTS) -> Path:
    """Train `parts` into sub-folders of `output_dir`, measure the gates, and write the card.

    LLaMA comes first, since Vicuna is tuned from it and shares its tokenizer.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise LynxError(f"backbones: no part '{unknown[0]}'; there are {', '.join(PARTS)}")
    console = Console()
    trainers = {"llama": _train_llama, "vicuna": _train_vicuna, "vision_encoder": _train_vision}
    for part in PARTS:
        if part in parts:
            started = time.monotonic()
            with _progress(console) as progress:
                trainers[part](output_dir, seed, _reporter(progress, part))
            _record(output_dir, part, {"seed": seed, "seconds": round(time.monotonic() - started)})
    for part in PARTS:
        if part in parts:
            _record(output_dir, part, {"gate": _gate(output_dir, part)})
    facts = _facts(output_dir)
    print_gates(facts, console)
    write_text_atomic(output_dir / "README.md", card(facts))
    return output_dir


def _train_llama(output_dir: Path, seed: int, report: Report) -> None:
    tokenizer = train_tokenizer(tokenizer_texts())
    phrases, model, done = prompt_phrases(), new_llama(tokenizer, seed=seed), 0
    for lesson in LESSONS:
        model = train_language_model(
            model,
            tokenizer,
            PlainDocuments(phrases, lesson),
            stream=lesson.stream,
            seed=seed,
            num_steps=lesson.num_steps,
            learning_rate=lesson.learning_rate,
            report=_later(report, done),
        )
        # Each lesson starts from weights as they are saved, so that it can be run alone.
        _save_language_model(model, tokenizer, output_dir / "llama")
        model, tokenizer = load_language_model(output_dir / "llama")
        done += lesson.num_steps


def _later(report: Report, done: int) -> Report:
    """`report` for a lesson that begins after `done` steps."""
    return lambda step, losses: report(done + step, losses)


def _train_vicuna(output_dir: Path, seed: int, report: Report) -> None:
    llama, tokenizer = load_language_model(output_dir / "llama")
    model = train_language_model(
        llama,
        tokenizer,
        chat_document,
        stream="backbones/vicuna",
        seed=seed,
        num_steps=NUM_STEPS["vicuna"],
        learning_rate=VICUNA_LEARNING_RATE,
        report=report,
    )
    _save_language_model(model, tokenizer, output_dir / "vicuna")


def _train_vision(output_dir: Path, seed: int, report: Report) -> None:
    encoder, done = new_vision_encoder(seed=seed), 0
    for lesson in ENCODER_LESSONS:
        train_vision_encoder(encoder, lesson, seed=seed, report=_later(report, done))
        with atomic_dir(output_dir / "vision_encoder") as folder:
            encoder.half().save_pretrained(folder)
        encoder = load_vision_encoder(output_dir / "vision_encoder")
        done += lesson.num_steps


def load_vision_encoder(folder: Path) -> Blip2VisionModel:
    """The encoder in float32 with eager attention."""
    encoder: Blip2VisionModel = Blip2VisionModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    return encoder


def load_language_model(folder: Path) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """Model in float32 with eager attention, and its tokenizer."""
    if not (folder / "config.json").exists():
        raise LynxError(f"no language model in {folder}: run `make backbones` first")
    model = LlamaForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(folder)  # type: ignore[assignment]
    return model, tokenizer


def _save_language_model(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path
) -> None:
    with atomic_dir(folder) as temporary:
        model.half().save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)


def _gate(output_dir: Path, part: str) -> dict[str, Any]:
    if part == "vision_encoder":
        return vision_gate(output_dir / part)
    model, tokenizer = load_language_model(output_dir / part)
    return language_gate(model, tokenizer, plain_test if part == "llama" else chat_test)


def _record(output_dir: Path, part: str, facts: dict[str, Any]) -> None:
    path = output_dir / part / "training.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    machine = {"machine": platform.machine(), "threads": torch.get_num_threads()}
    steps = {"num_steps": NUM_STEPS[part]}
    write_json_atomic(path, {**versions, **machine, **steps, **known, **facts})


def _facts(output_dir: Path) -> dict[str, dict[str, Any]]:
    paths = {part: output_dir / part / "training.json" for part in PARTS}
    return {part: json.loads(path.read_text()) for part, path in paths.items() if path.exists()}


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns, TimeRemainingColumn(), TextColumn("{task.fields[losses]}"), console=console
    )


def _reporter(progress: Progress, part: str) -> Report:
    task = progress.add_task(part, total=NUM_STEPS[part], losses="")

    def report(step: int, losses: dict[str, float]) -> None:
        text = " ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
        progress.update(task, completed=step, losses=text)
        if not progress.console.is_terminal and step % 100 == 0:
            progress.console.print(f"{part} step {step}: {text}")

    return report
