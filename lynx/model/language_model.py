"""Loads the language model and its tokenizer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from torch import nn
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from lynx.config.errors import LynxError
from lynx.config.paths import from_root

PAD_TOKEN = "[PAD]"
KEY = "model.language_model.checkpoint"
_NEEDED = {  # what a checkpoint's folder holds: any file of these names
    "config.json": ("config.json",),
    "weights (*.safetensors or *.bin)": ("*.safetensors", "*.bin"),
    "tokenizer (tokenizer.json or tokenizer.model)": ("tokenizer.json", "tokenizer.model"),
}


def resolve_checkpoint(name: str, *, key: str) -> Path:
    """Folder of a checkpoint: a folder (relative to the repository root), or a name on the Hub.

    key: the configuration's key, named in the error.
    """
    folder = from_root(name)
    if folder.is_dir():
        return folder
    wanted = f"{key}: {name} is no folder ({folder})"
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise LynxError(f"{wanted}; give a folder with config.json and weights")
    try:
        patterns = ["*.json", "*.safetensors", "*.bin", "*.model"]
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=patterns))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise LynxError(f"{wanted}, and the Hub doesn't give it: {error}") from error


def load_tokenizer(checkpoint: str) -> PreTrainedTokenizerFast:
    """The language model's tokenizer; `[PAD]` is added where it has no padding token."""
    folder = _language_model_folder(checkpoint)
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise LynxError(f"{KEY}: the tokenizer in {folder} can't be loaded: {error}") from error
    for role in ("bos", "eos"):
        if getattr(tokenizer, f"{role}_token_id") is None:
            raise LynxError(f"tokenizer in {folder}: it has no {role} token, and one is needed")
    if tokenizer.pad_token_id is None:
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})
    return tokenizer


def load_language_model(checkpoint: str, *, dtype: torch.dtype, attention: str) -> LlamaForCausalLM:
    """The language model, with rows for every token of its tokenizer and the tokenizer's ids."""
    folder = _language_model_folder(checkpoint)
    transformers_logging.disable_progress_bar()
    try:
        model = LlamaForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention)
    except (OSError, ValueError, SafetensorError) as error:
        raise LynxError(f"{KEY}: the weights in {folder} can't be loaded: {error}") from error
    model.config.attention_dropout = 0.0
    tokenizer = load_tokenizer(checkpoint)
    extend_vocabulary(model, len(tokenizer))
    for role in ("bos", "eos", "pad"):
        setattr(model.generation_config, f"{role}_token_id", getattr(tokenizer, f"{role}_token_id"))
    return model


def _language_model_folder(checkpoint: str) -> Path:
    """The checkpoint's folder, which holds all that is needed of a Llama."""
    folder = resolve_checkpoint(checkpoint, key=KEY)
    lacking = [
        what
        for what, patterns in _NEEDED.items()
        if not any(path for pattern in patterns for path in folder.glob(pattern))
    ]
    if lacking:
        raise LynxError(
            f"{KEY}: the folder {folder} has no {', no '.join(lacking)}; it needs what "
            "`save_pretrained` of a Llama and of its tokenizer writes"
        )
    kind = _model_type(folder / "config.json")
    if kind != "llama":  # transformers would fill a Llama of this shape with random weights
        raise LynxError(f"{KEY}: {folder}/config.json has model_type {kind!r}; it must be 'llama'")
    return folder


def _model_type(path: Path) -> object:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LynxError(f"{KEY}: {path} is not readable as JSON: {error}") from error
    return content.get("model_type") if isinstance(content, dict) else None


@torch.no_grad()
def extend_vocabulary(model: LlamaForCausalLM, num_tokens: int) -> None:
    """Give added tokens rows in embedding and head: the mean of the others, as in the release."""
    present = model.config.vocab_size
    if num_tokens <= present:
        return
    model.resize_token_embeddings(num_tokens, mean_resizing=False)
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        assert isinstance(module, nn.Embedding | nn.Linear)
        module.weight[present:] = module.weight[:present].float().mean(dim=0)
