"""Turns a configuration into benchmarks ready to be asked, and a trained run into a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.config.prompt_pools import load_pool
from lynx.config.schema import STAGE_NAMES, BenchmarkConfig, Config
from lynx.evaluation.asking import Asker, Generator
from lynx.evaluation.padding import padded
from lynx.evaluation.plug_and_play import Description
from lynx.evaluation.questions import (
    WORLD_PREFIX,
    Question,
    fingerprint,
    first_per_category,
    load_questions,
    turns,
)
from lynx.evaluation.without_picture import picture_donors, without_picture
from lynx.tracking.code_identity import code_identity
from lynx.tracking.ranks import is_connected
from lynx.tracking.run_dir import SHOWN, RunDir


@dataclass(frozen=True)
class Benchmark:
    """Questions with the prompts that ask them, and everything else that determines the answers.

    A dialogue's questions stand in order, all first ones before all second ones, and so on.
    """

    name: str
    format: str  # as published; it decides how answers are scored
    vision: str  # "shown", or what stands for the pictures
    questions: tuple[Question, ...]
    prompts: tuple[str, ...]
    decoding_row: str
    decoding: dict[str, Any]
    description: Description | None
    described: tuple[Question, ...]  # whose pictures are described: the questions, or others
    is_multi_turn: bool
    conditions: dict[str, Any]  # image_size, max_input_tokens, seed, precision, checkpoint

    @cached_property
    def protocol(self) -> dict[str, Any]:
        """What protocol.json holds; its `key` is the digest of the rest but `code`.

        code: identity of what asked. It is no part of the key, as a change of the code needn't
        change an answer; tables mark it.
        """
        content = {
            "benchmark": self.name,
            "format": self.format,
            "vision": self.vision,
            "num_questions": len(self.questions),
            "questions": fingerprint(self.questions),
            "prompts": _digest(self.prompts),
            "first_prompt": self.prompts[0],
            "decoding": {"row": self.decoding_row, **self.decoding},
            "plug_and_play": self._round_zero(),
            "multi_turn": self.is_multi_turn,
            **self.conditions,
        }
        return {"key": _digest(content), "code": code_identity(), **content}

    @cached_property
    def turns(self) -> list[int]:
        """How many earlier questions of its dialogue each question sees."""
        return turns(self.questions) if self.is_multi_turn else [0] * len(self.questions)

    def without_picture(self, vision: str, seed: int) -> Benchmark:
        """The same questions with `vision` for their pictures."""
        changed = tuple(without_picture(self.questions, vision, seed=seed))
        is_own = self.description is None or self.description.source != "another"
        return replace(
            self, vision=vision, questions=changed, described=changed if is_own else self.described
        )

    def _round_zero(self) -> dict[str, Any] | None:
        if self.description is None:
            return None
        captions = [q.caption for q in self.questions]
        return {
            **asdict(self.description),
            "captions": _digest(captions) if self.description.source == "caption" else None,
        }


def build_benchmark(config: Config, name: str, *, checkpoint: str) -> Benchmark:
    """Load a benchmark of `evaluation.benchmarks`. checkpoint: identity of the trained parts."""
    benchmark = config.evaluation.benchmarks[name]
    where = f"evaluation.benchmarks.{name}"
    questions = load_questions(
        _questions_of(benchmark),
        kind=benchmark.kind,
        cache_dir=from_root(config.data.cache_dir),
        num_frames=config.model.num_frames,
        format_=benchmark.format,
    )
    questions = first_per_category(
        questions, benchmark.num_questions_per_class, has_pairs=benchmark.format == "mme"
    )
    questions = [_framed(question, benchmark.padding) for question in questions]
    if benchmark.multi_turn:
        in_turns = sorted(zip(turns(questions), range(len(questions)), strict=True))
        questions = [questions[place] for _, place in in_turns]
    description = _description(config, benchmark, questions, where)
    described = questions
    if description is not None and description.source == "another":
        described = [questions[place] for place in picture_donors(questions, seed=config.seed)]
    return Benchmark(
        name=name,
        format=benchmark.format,
        vision=SHOWN,
        questions=tuple(questions),
        prompts=tuple(_prompts(benchmark, questions, where)),
        decoding_row=benchmark.generation,
        decoding=_decoding(config, benchmark.generation, f"{where}.generation"),
        description=description,
        described=tuple(described),
        is_multi_turn=benchmark.multi_turn and any(q.dialogue for q in questions),
        conditions={
            "image_size": last_stage_image_size(config),
            "max_input_tokens": config.evaluation.max_input_tokens,
            "seed": config.seed,
            "precision": "bf16" if uses_bf16(config) else "fp32",
            "checkpoint": checkpoint,
        },
    )


def build_asker(config: Config, *, model: Generator, tokenizer: PreTrainedTokenizerBase) -> Asker:
    """Make the model ready to be asked at the resolution of the last stage."""
    hardware = config.hardware
    if hardware.threads > 0:  # alone, this process takes the threads of those that train
        alone = hardware.accelerator == "cpu" and not is_connected()
        torch.set_num_threads(hardware.threads * (hardware.devices if alone else 1))
    return Asker(
        model=model,
        tokenizer=tokenizer,
        device=torch.device("cuda" if config.hardware.accelerator == "gpu" else "cpu"),
        use_bf16=uses_bf16(config),
        image_size=last_stage_image_size(config),
        max_input_tokens=config.evaluation.max_input_tokens,
        seed=config.seed,
        image_mean=config.model.vision_encoder.image_mean,
        image_std=config.model.vision_encoder.image_std,
    )


def load_trained_model(
    run_dir: RunDir, config: Config
) -> tuple[Generator, PreTrainedTokenizerBase]:
    """The model of a finished run, in evaluation mode on its device, and its tokenizer."""
    from lynx.model.build import load_for_evaluation
    from lynx.model.language_model import load_tokenizer

    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    return load_for_evaluation(config, trained_parts_path(run_dir)), tokenizer


def trained_parts_path(run_dir: RunDir) -> Path:
    """The file that the last stage leaves; raises LynxError where training has not ended."""
    stage = STAGE_NAMES[-1]
    path = run_dir.checkpoint_dir(stage) / "final.safetensors"
    if not path.is_file():
        raise LynxError(
            f"nothing to evaluate: {path} is missing, so the run's stage '{stage}' has not ended; "
            "train it first"
        )
    return path


def file_identity(path: Path) -> str:
    """Short SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def last_stage_image_size(config: Config) -> int:
    """Pictures are shown at the resolution at which the model was trained last."""
    size: int = getattr(config.stages, STAGE_NAMES[-1]).image_size
    return size


def uses_bf16(config: Config) -> bool:
    """Never on the CPU, whatever training used: rounding makes ties between beams there."""
    return config.hardware.precision == "bf16" and config.hardware.accelerator == "gpu"


def _questions_of(benchmark: BenchmarkConfig) -> str:
    spec = benchmark.questions
    return spec if spec.startswith(WORLD_PREFIX) else str(from_root(spec))


def _framed(question: Question, pixels: int) -> Question:
    """The question with `pixels` of black at every side of its pictures (OwlEval: 8)."""
    if pixels == 0:
        return question
    return replace(question, images=tuple(padded(image, pixels) for image in question.images))


def _description(
    config: Config, benchmark: BenchmarkConfig, questions: Sequence[Question], where: str
) -> Description | None:
    if not benchmark.plug_and_play:
        return None
    lacking = [question.id for question in questions if not question.caption]
    if benchmark.description_source == "caption" and lacking:
        raise LynxError(
            f"{where}.description_source is caption, and {len(lacking)} questions of "
            f"{benchmark.questions} have none, the first is {lacking[0]}; own and another need none"
        )
    row = benchmark.description_generation
    return Description(
        benchmark.description_prompt,
        _decoding(config, row, f"{where}.description_generation"),
        benchmark.description_source,
    )


def _decoding(config: Config, row: str, where: str) -> dict[str, Any]:
    rows = config.evaluation.generation
    if row not in rows:
        raise LynxError(f"{where} names the row '{row}' of Table 9; there are: {', '.join(rows)}")
    return asdict(rows[row])


def _prompts(benchmark: BenchmarkConfig, questions: list[Question], where: str) -> list[str]:
    """What the user says: the prompt, or the pool's held-out phrasings in turn."""
    phrasings: Sequence[str] = [benchmark.prompt]
    if benchmark.prompt_pool is not None:
        phrasings = load_pool(benchmark.prompt_pool).held_out
    for phrasing in phrasings:
        if "{question}" not in phrasing:
            raise LynxError(
                f"the phrasing '{phrasing}' of {where} has no {{question}}: "
                "choose a pool whose only field is the question"
            )
    return [
        phrasings[q.index % len(phrasings)].replace("{question}", q.question) for q in questions
    ]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
