"""Makes tiny random backbones, batches and configurations for tests of the model and training."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import OmegaConf
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import (
    AutoModel,
    Blip2VisionConfig,
    Blip2VisionModel,
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PretrainedConfig,
    PreTrainedTokenizerFast,
)

from lynx.config.files import nested
from lynx.config.recipe_files import load_recipe
from lynx.config.schema import Config
from lynx.config.seeds import python_random
from lynx.data.batch import places_of
from lynx.data.sample import Kind, Round, Sample
from lynx.data.shards.writing import write_shards

VOCABULARY = (
    "user bot : , . ? a the is what color red blue green yes no one two three cat dog place name "
    "of this picture video describe short answer question please in to on it image some give say"
)
WORDS = VOCABULARY.split()
SPECIALS = ["<pad>", "<s>", "</s>", "<unk>"]
NUM_QUERIES = 4


def write_tokenizer(folder: Path, *, with_pad: bool = True) -> None:
    """A word-level tokenizer of a few dozen words."""
    vocabulary = {word: number for number, word in enumerate([*SPECIALS, *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    roles = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    if with_pad:
        roles["pad_token"] = "<pad>"
    PreTrainedTokenizerFast(tokenizer_object=backend, **roles).save_pretrained(folder)


def write_language_model(folder: Path, *, seed: int = 0, with_pad: bool = True) -> Path:
    """A two-layer LLaMA of width 32 with its tokenizer."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(SPECIALS) + len(WORDS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=256,
        initializer_range=0.2,  # far from uniform answers, so that comparisons mean something
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    write_tokenizer(folder, with_pad=with_pad)
    return folder


def write_vision_encoder(folder: Path, *, seed: int = 0) -> Path:
    """A two-block vision transformer of width 32 for pictures of 28 pixels, in half precision."""
    torch.manual_seed(seed)
    config = Blip2VisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        initializer_range=0.1,
    )
    model = Blip2VisionModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    halves = {name: tensor.half() for name, tensor in model.state_dict().items()}
    save_file(halves, folder / "model.safetensors")
    return folder


TOWER_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


def write_tower(folder: Path, config: PretrainedConfig, *, seed: int = 0) -> Path:
    """A random vision tower of `transformers`, as `save_pretrained` writes it."""
    torch.manual_seed(seed)
    model = AutoModel.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.1)
    model.save_pretrained(folder)
    return folder


def write_clip_tower(folder: Path) -> Path:
    """A three-block CLIP vision transformer of width 32 for pictures of 28 pixels."""
    return write_tower(folder, CLIPVisionConfig(**TOWER_SIZES, intermediate_size=64))


def write_backbones(root: Path) -> dict[str, str]:
    """Both backbones below `root`; gives the overrides of their configuration keys."""
    return {
        "model.vision_encoder.checkpoint": str(write_vision_encoder(root / "vision_encoder")),
        "model.language_model.checkpoint": str(write_language_model(root / "llama")),
    }


@dataclass
class TinyBatch:
    """A batch made by hand; fields as in `lynx.data.batch.Batch`."""

    pixel_values: Tensor
    num_frames: Tensor
    is_blank: bool
    input_ids: Tensor
    vision_mask: Tensor
    document_ids: Tensor
    position_ids: Tensor
    labels: Tensor
    source_ids: Tensor
    vision_places: Tensor
    target_places: Tensor
    document_bounds: Tensor
    longest_document: int
    step_target_tokens: int


@dataclass(frozen=True)
class Document:
    """One sample: its frames (F, 3, S, S) or None, prompt ids, response ids, source."""

    frames: Tensor | None
    prompt: list[int]
    response: list[int]
    source: int = 0


def document(seed: int, *, num_frames: int, size: int = 28, source: int = 0) -> Document:
    """A random sample; num_frames 0 is text only."""
    rng = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, 8, (2,), generator=rng).tolist()
    prompt, response = (torch.randint(4, len(WORDS), (n,), generator=rng).tolist() for n in lengths)
    frames = torch.randn(num_frames, 3, size, size, generator=rng) if num_frames else None
    return Document(frames, [1, *prompt], [*response, 2], source)


def batch_of(rows: list[list[Document]], *, num_queries: int = NUM_QUERIES) -> TinyBatch:
    """Packs documents into the given rows."""
    columns: dict[str, list[list[Any]]] = {
        name: [] for name in ("ids", "vision", "document", "position", "label", "source")
    }
    for row in rows:
        line: dict[str, list[Any]] = {name: [] for name in columns}
        for number, item in enumerate(row, start=1):
            vision = 0 if item.frames is None else num_queries
            text = [*item.prompt, *item.response]
            length = vision + len(text)
            line["ids"] += [0] * vision + text
            line["vision"] += [True] * vision + [False] * len(text)
            line["document"] += [number] * length
            line["position"] += range(length)
            line["label"] += [-100] * (vision + len(item.prompt)) + item.response
            line["source"] += [item.source] * length
        for name, values in line.items():
            columns[name].append(values)
    length = max(len(line) for line in columns["ids"])
    blanks = {"ids": 0, "vision": False, "document": 0, "position": 0, "label": -100, "source": -1}
    tensors = {
        name: torch.tensor([line + [blanks[name]] * (length - len(line)) for line in lines])
        for name, lines in columns.items()
    }
    pictures = [item.frames for row in rows for item in row if item.frames is not None]
    return TinyBatch(
        pixel_values=torch.cat(pictures) if pictures else torch.zeros(1, 3, 28, 28),
        num_frames=torch.tensor([len(frames) for frames in pictures] or [1]),
        is_blank=not pictures,
        input_ids=tensors["ids"],
        vision_mask=tensors["vision"],
        document_ids=tensors["document"],
        position_ids=tensors["position"],
        labels=tensors["label"],
        source_ids=tensors["source"],
        **places_of(
            vision_mask=tensors["vision"].numpy(),
            labels=tensors["label"].numpy(),
            document_ids=tensors["document"].numpy(),
        ),
        step_target_tokens=int((tensors["label"] != -100).sum()),
    )


TINY_OVERRIDES: dict[str, Any] = {
    "experiment": "lynx",
    "scale": "desk",
    "vocabulary.image_size.low": 28,
    "vocabulary.image_size.high": 56,
    "vocabulary.language_model.vicuna": "nowhere",
    "vocabulary.language_model.llama": "nowhere",
    "model.resampler.num_queries": NUM_QUERIES,
    "model.resampler.num_layers": 1,
    "model.resampler.num_heads": 2,
    "model.resampler.head_dim": 8,
    "data.catalog": "nowhere.yaml",
    "data.pack_length": 128,
    "data.max_text_tokens": 64,
    "hardware.attention": "eager",
    "tracking.log_every_n_steps": 1,
    "tracking.checkpoint_every_n_steps": 2,
    "stages.resolution.trainable.vision_encoder": True,
}
STAGE_OVERRIDES = {
    "pretrain": ("pretrain", 28),
    "resolution": ("resolution", 56),
    "instruct": ("instruct", 56),
}


def tiny_config(root: Path | None, changes: Mapping[str, Any] | None = None) -> Config:
    """A configuration of a tiny Lynx, with backbones below `root`; None: full-size model settings.

    changes: dotted keys. Not validated, so that a test may ask for what no file offers.
    """
    values = dict(TINY_OVERRIDES)
    if root is None:
        values = {key: value for key, value in values.items() if not key.startswith("model.")}
        values |= {f"model.{part}.checkpoint": "" for part in ("vision_encoder", "language_model")}
    else:
        values |= write_backbones(root / "backbones")
        values["tracking.output_dir"] = str(root / "runs")
    for stage, (recipe, image_size) in STAGE_OVERRIDES.items():
        sizes = {"steps": 4, "global_batch_size": 8, "micro_batch_size": 4, "learning_rate": 1e-3}
        chosen = {"recipe": recipe, "image_size": image_size, **sizes}
        values |= {f"stages.{stage}.{key}": value for key, value in chosen.items()}
    tree = nested(values | dict(changes or {}))
    return cast(Config, OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), tree)))


VIDEO_SOURCES = {"msrvtt_qa", "vln_vqa", "next_qa", "msvd_qa", "sthv2", "vln_caption"}
TEXT_SOURCES = {"flan_v2", "laion_oig_small", "alpaca_gpt4", "unnatural_instruction", "baize"}
FIELDS = ("question", "hypothesis", "options", "meme", "instruction", "words", "text")


def tiny_catalog(root: Path, *, samples_per_source: int = 6) -> dict[str, Path]:
    """Shards of a few noise pictures for every source of the three recipes."""
    recipes = [load_recipe(recipe) for recipe, _ in STAGE_OVERRIDES.values()]
    names = sorted({name for recipe in recipes for name in recipe.sources})
    for name in names:
        write_shards(
            [_sample(name, row) for row in range(samples_per_source)],
            root / "shards" / name,
            source=name,
            samples_per_shard=4,
            licence="none",
            builder="tests",
        )
    return {name: root / "shards" / name for name in names}


def _sample(source: str, row: int) -> Sample:
    rng = python_random(0, "tiny", source, row)
    kind: Kind = "video" if source in VIDEO_SOURCES else "image"
    kind = "text" if source in TEXT_SOURCES else kind
    pictures = {"text": 0, "image": 1, "video": 5}[kind]
    fields = {field: " ".join(rng.choices(WORDS[8:], k=4)) for field in FIELDS}
    responses = (" ".join(rng.choices(WORDS[8:], k=rng.randint(1, 6))) for _ in range(2))
    rounds = tuple(Round(fields, response) for response in responses)
    return Sample(f"{row:04d}", source, kind, rounds, tuple(_png(rng) for _ in range(pictures)))


def _png(rng: random.Random) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("RGB", (12, 12), rng.randbytes(432)).save(stream, "PNG")
    return stream.getvalue()
