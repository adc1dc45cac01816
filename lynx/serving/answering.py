"""Makes a trained model ready to be talked to, about pictures, videos or neither."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from lynx.config.compose import load_config
from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, Config, GenerationConfig
from lynx.config.seeds import torch_seed
from lynx.evaluation.asking import Asker, Reply, Turn
from lynx.evaluation.build import build_asker, load_trained_model
from lynx.serving.rows import DEFAULT_ROW, Row, decoding_of, description_row
from lynx.serving.vision import Source, Vision, see
from lynx.tracking.run_dir import RunDir
from lynx.training.stages import read_record

Device = Literal["auto", "cpu", "cuda"]
Shown = Source | Vision | None  # None: a question without a picture
DESCRIPTION_PROMPTS = {  # paper 3.2; Table 13's wording for a video
    "image": "Describe the image in detail.",
    "video": "Describe the video in detail.",
}


@dataclass(frozen=True)
class Answer:
    """What the model said to the last turn of a dialogue."""

    text: str
    prompt: str  # really sent, history and template included
    num_new_tokens: int
    seconds: float  # of the whole batch, the description aside
    description: Turn | None = None  # round zero, where it was asked for: it opens the history


@dataclass(frozen=True)
class Answerer:
    """A model with its tokenizer, its preprocessing and the rows of Table 9."""

    asker: Asker
    config: Config  # of the run; its rows of Table 9 are the ones that can be named
    name: str  # how the run is called on a page

    @staticmethod
    def of(path: str | Path, *, device: Device = "auto") -> Answerer:
        """Load a run's folder: `config.yaml`, and the last stage's `final.safetensors`.

        No more is needed, but a record of the stage that is there must not be damaged. device:
        `auto` is the one that the run's configuration names, or the CPU where there is no GPU.
        Raises LynxError where something is missing.
        """
        run_dir = RunDir(Path(path).expanduser())
        config = _on_device(load_config(run_dir.config_path), device)
        read_record(run_dir, STAGE_NAMES[-1])
        model, tokenizer = load_trained_model(run_dir, config)
        return Answerer(
            build_asker(config, model=model, tokenizer=tokenizer), config, _name(run_dir.path)
        )

    @property
    def rows(self) -> dict[str, GenerationConfig]:
        """Table 9, by row."""
        return self.config.evaluation.generation

    @property
    def num_frames(self) -> int:
        """Frames of a video that the model sees at most."""
        return self.config.model.num_frames

    def answer(
        self,
        dialogues: Sequence[Sequence[Turn]],
        pictures: Sequence[Shown],
        *,
        row: Row = DEFAULT_ROW,
        seeds: Sequence[int] | None = None,
        describe_first: bool = False,
    ) -> list[Answer]:
        """Answer the last turn of each dialogue; the turns before it are its history.

        pictures: one per dialogue, before the whole of it: a picture, a video, a list of frames,
        or None. row: of Table 9, see `decoding_of`. seeds: one per dialogue (0), for rows that
        sample; an answer depends on its own dialogue, picture and seed alone. describe_first: let
        the model describe each picture in a round before the dialogue (paper 3.2).
        """
        if not dialogues:
            return []
        seeds = [0] * len(dialogues) if seeds is None else seeds
        visions = [self.see(shown) for shown in pictures]
        history: list[list[Turn]] = [[] for _ in dialogues]
        decoding = decoding_of(self.rows, row)
        if describe_first:
            history = self._described(
                visions, decoding_of(self.rows, description_row(self.rows, row)), seeds
            )
        full = [[*before, *turns] for before, turns in zip(history, dialogues, strict=True)]
        start = time.perf_counter()
        replies = self._replies(full, visions, decoding, seeds, purpose="answer")
        seconds = time.perf_counter() - start
        return [
            Answer(
                text=reply.text,
                prompt=self._prompt_text(reply, vision),
                num_new_tokens=len(reply.new_ids),
                seconds=seconds,
                description=before[0] if before else None,
            )
            for reply, vision, before in zip(replies, visions, history, strict=True)
        ]

    def see(self, shown: Shown) -> Vision | None:
        """What the model sees; a video as so many frames as it has positions for."""
        if shown is None or isinstance(shown, Vision):
            return shown
        return see(shown, num_frames=self.num_frames)

    def _described(
        self, visions: Sequence[Vision | None], decoding: dict[str, object], seeds: Sequence[int]
    ) -> list[list[Turn]]:
        """Round zero of each dialogue that has a picture."""
        chosen = [index for index, vision in enumerate(visions) if vision is not None]
        history: list[list[Turn]] = [[] for _ in visions]
        if not chosen:
            return history
        prompts = [_description_prompt(visions[index]) for index in chosen]
        replies = self._replies(
            [[(prompt, None)] for prompt in prompts],
            [visions[index] for index in chosen],
            decoding,
            [seeds[index] for index in chosen],
            purpose="description",
        )
        for index, prompt, reply in zip(chosen, prompts, replies, strict=True):
            history[index] = [(prompt, reply.text)]
        return history

    def _replies(
        self,
        dialogues: Sequence[Sequence[Turn]],
        visions: Sequence[Vision | None],
        decoding: dict[str, object],
        seeds: Sequence[int],
        *,
        purpose: str,
    ) -> list[Reply]:
        return self.asker.replies(
            dialogues,
            [() if vision is None else vision.frames for vision in visions],
            decoding=decoding,
            seeds=[torch_seed(seed, "sampling", purpose) for seed in seeds],
        )

    def _prompt_text(self, reply: Reply, vision: Vision | None) -> str:
        before = (
            "" if vision is None else f"[{self.config.model.resampler.num_queries} vision tokens]"
        )
        return before + str(self.asker.tokenizer.decode(reply.prompt_ids))


def _description_prompt(vision: Vision | None) -> str:
    return DESCRIPTION_PROMPTS["video" if vision is not None and vision.is_video else "image"]


def _on_device(config: Config, device: Device) -> Config:
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise LynxError("device cuda: PyTorch finds no GPU here; give cpu")
    wants_gpu = device == "cuda" or (device == "auto" and config.hardware.accelerator == "gpu")
    accelerator: Literal["cpu", "gpu"] = "gpu" if wants_gpu and has_gpu else "cpu"
    return replace(config, hardware=replace(config.hardware, accelerator=accelerator))


def _name(folder: Path) -> str:
    """`<variant>/seed<k>` of a run's folder, else the folder's own name."""
    resolved = folder.resolve()
    is_run = resolved.name.startswith("seed") and resolved.parent.name
    return f"{resolved.parent.name}/{resolved.name}" if is_run else resolved.name
