"""A toy checkpoint under the names of the authors' release, its weights drawn by a recipe."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models
from torch import Tensor
from transformers import (
    Blip2VisionConfig,
    Blip2VisionModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from lynx.config.schema import Config
from tests.tiny import tiny_config

PATCH, IMAGE_SIZE, NUM_FRAMES = 14, 56, 5
VISION_WIDTH, VISION_HEADS, VISION_BLOCKS, VISION_MLP = 48, 4, 3, 209  # int(48 * 4.3637)
WIDTH, LLM_HEADS, LLM_LAYERS, LLM_MLP, ADAPTED = 64, 4, 5, 96, (0, 2, 4)
QUERIES, BRIDGE_LAYERS, BRIDGE_INNER = 6, 3, 512  # 8 heads of 64, which the release doesn't name
POSITIONS = (IMAGE_SIZE // PATCH) ** 2 + 1
VOCABULARY = 44  # the first four are special; without [PAD], which gets a row of its own

Shapes = dict[str, tuple[int, ...]]


def vision_shapes() -> Shapes:
    """Of `models/vits/eva_vit.py` at toy size."""
    width = VISION_WIDTH
    shapes: Shapes = {
        "vision_encoder.cls_token": (1, 1, width),
        "vision_encoder.pos_embed": (1, POSITIONS, width),
        "vision_encoder.patch_embed.proj.weight": (width, 3, PATCH, PATCH),
        "vision_encoder.patch_embed.proj.bias": (width,),
    }
    for block in range(VISION_BLOCKS):
        own: Shapes = {
            "norm1.weight": (width,),
            "norm1.bias": (width,),
            "attn.q_proj.weight": (width, width),
            "attn.q_proj.bias": (width,),
            "attn.k_proj.weight": (width, width),
            "attn.v_proj.weight": (width, width),
            "attn.v_proj.bias": (width,),
            "attn.proj.weight": (width, width),
            "attn.proj.bias": (width,),
            "norm2.weight": (width,),
            "norm2.bias": (width,),
            "mlp.fc1.weight": (VISION_MLP, width),
            "mlp.fc1.bias": (VISION_MLP,),
            "mlp.fc2.weight": (width, VISION_MLP),
            "mlp.fc2.bias": (width,),
        }
        shapes |= {f"vision_encoder.blocks.{block}.{name}": shape for name, shape in own.items()}
    return shapes


def bridge_shapes() -> Shapes:
    """Of `models/bridges/resampler.py`, and the frame positions of `models/lynx.py`."""
    shapes: Shapes = {
        "absolute_frame_pos_embed": (1, NUM_FRAMES, 1, VISION_WIDTH),
        "bridge.latents": (QUERIES, WIDTH),
        "bridge.norm.weight": (WIDTH,),
        "bridge.norm.bias": (WIDTH,),
    }
    for layer in range(BRIDGE_LAYERS):
        own: Shapes = {
            "0.norm_media.weight": (VISION_WIDTH,),
            "0.norm_media.bias": (VISION_WIDTH,),
            "0.norm_latents.weight": (WIDTH,),
            "0.norm_latents.bias": (WIDTH,),
            "0.to_q.weight": (BRIDGE_INNER, WIDTH),
            "0.to_kv.weight": (2 * BRIDGE_INNER, VISION_WIDTH),
            "0.to_out.weight": (WIDTH, BRIDGE_INNER),
            "1.0.weight": (WIDTH,),
            "1.0.bias": (WIDTH,),
            "1.1.weight": (4 * WIDTH, WIDTH),
            "1.3.weight": (WIDTH, 4 * WIDTH),
        }
        shapes |= {f"bridge.layers.{layer}.{name}": shape for name, shape in own.items()}
    return shapes


def adapter_shapes() -> Shapes:
    """Of `models/adapter_modeling.py`, in every second layer."""
    own: Shapes = {
        "adapter_norm_before.weight": (WIDTH,),
        "adapter_norm_before.bias": (WIDTH,),
        "adapter_down.weight": (WIDTH // 2, WIDTH),
        "adapter_down.bias": (WIDTH // 2,),
        "adapter_up.weight": (WIDTH, WIDTH // 2),
        "adapter_up.bias": (WIDTH,),
        "scaling": (1,),
    }
    return {
        f"LLM.model.layers.{layer}.output_adapter.{name}": shape
        for layer in ADAPTED
        for name, shape in own.items()
    }


def language_model_shapes(vocabulary: int = VOCABULARY) -> Shapes:
    """Of `transformers`' LLaMA, below the release's `LLM.`."""
    shapes: Shapes = {
        "LLM.model.embed_tokens.weight": (vocabulary, WIDTH),
        "LLM.model.norm.weight": (WIDTH,),
        "LLM.lm_head.weight": (vocabulary, WIDTH),
    }
    for layer in range(LLM_LAYERS):
        own: Shapes = {f"self_attn.{name}_proj.weight": (WIDTH, WIDTH) for name in "qkvo"}
        own |= {
            "mlp.gate_proj.weight": (LLM_MLP, WIDTH),
            "mlp.up_proj.weight": (LLM_MLP, WIDTH),
            "mlp.down_proj.weight": (WIDTH, LLM_MLP),
            "input_layernorm.weight": (WIDTH,),
            "post_attention_layernorm.weight": (WIDTH,),
        }
        shapes |= {f"LLM.model.layers.{layer}.{name}": shape for name, shape in own.items()}
    return shapes


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The tensor of that name: the same everywhere (numpy keeps RandomState's numbers for good).

    Far from what a new model would hold, so that a tensor in the wrong place shows.
    """
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) == 1:  # biases, norms, and the adapters' scaling
        noise = 0.3 * noise + (0.0 if name.endswith("bias") else 1.0)
    elif "pos_embed" in name:
        noise = 0.3 * noise
    elif "lm_head" in name:
        noise = 0.4 * noise
    elif not name.endswith(("latents", "cls_token", "embed_tokens.weight")):
        noise = noise / np.sqrt(np.prod(shape[1:]))
    return noise.astype(np.float32)


def drawn_all(shapes: Shapes) -> dict[str, np.ndarray]:
    """Every tensor of `shapes`."""
    return {name: drawn(name, shape) for name, shape in shapes.items()}


def pictures(seed: int, num_frames: int) -> np.ndarray:
    """Normalised pixels (num_frames, 3, IMAGE_SIZE, IMAGE_SIZE)."""
    shape = (num_frames, 3, IMAGE_SIZE, IMAGE_SIZE)
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def prompt(seed: int) -> list[int]:
    """BOS and some words."""
    random = np.random.RandomState(1000 + seed)
    return [1, *random.randint(4, VOCABULARY, size=random.randint(3, 9)).tolist()]


def state(*, language_model: bool = False) -> dict[str, Tensor]:
    """A checkpoint's tensors; with the language model, `[PAD]` and rotary tables, if asked for."""
    drawn_here = drawn_all(vision_shapes() | bridge_shapes() | adapter_shapes())
    tensors = {name: torch.from_numpy(value) for name, value in drawn_here.items()}
    if not language_model:
        return tensors
    for name, value in drawn_all(language_model_shapes()).items():
        tensors[name] = torch.from_numpy(value)
        if name.endswith(("embed_tokens.weight", "lm_head.weight")):
            tensors[name] = torch.cat([tensors[name], tensors[name].mean(dim=0, keepdim=True)])
    for layer in range(LLM_LAYERS):
        frequencies = 1 / 10000 ** (torch.arange(0, 16, 2) / 16)
        tensors[f"LLM.model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = frequencies
    return tensors


def toy_config(root: Path, changes: dict[str, Any] | None = None) -> Config:
    """A variant of the toy's size with backbones below `root`; EVA's table is of half a side."""
    sizes = {
        "model.vision_encoder.checkpoint": str(_write_vision_encoder(root / "eva")),
        "model.language_model.checkpoint": str(_write_language_model(root / "llama")),
        "model.resampler.num_queries": QUERIES,
        "model.resampler.num_layers": BRIDGE_LAYERS,
        "model.resampler.num_heads": 8,
        "model.resampler.head_dim": BRIDGE_INNER // 8,
    }
    return tiny_config(root / "tiny", {**sizes, **(changes or {})})


def _write_language_model(folder: Path) -> Path:
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=LLM_MLP,
        num_hidden_layers=LLM_LAYERS,
        num_attention_heads=LLM_HEADS,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config)
    drawn_here = drawn_all(language_model_shapes()).items()
    model.load_state_dict({n.removeprefix("LLM."): torch.from_numpy(v) for n, v in drawn_here})
    model.save_pretrained(folder)
    words = {f"w{number}": number for number in range(3, VOCABULARY)} | {"<unk>": 0}
    backend = Tokenizer(models.WordLevel({**words, "<s>": 1, "</s>": 2}, unk_token="<unk>"))
    PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


def _write_vision_encoder(folder: Path) -> Path:
    config = Blip2VisionConfig(
        hidden_size=VISION_WIDTH,
        intermediate_size=VISION_MLP,
        num_hidden_layers=VISION_BLOCKS,
        num_attention_heads=VISION_HEADS,
        image_size=IMAGE_SIZE // 2,
        patch_size=PATCH,
        initializer_range=0.02,
    )
    config.save_pretrained(folder)
    save_file(Blip2VisionModel(config).state_dict(), folder / "model.safetensors")
    return folder
