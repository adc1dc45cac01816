"""Loads the language model and its tokenizer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from torch import nn
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from lynx.config.errors import LynxError
from lynx.config.paths import from_root

PAD_TOKEN = "[PAD]"


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
    folder = resolve_checkpoint(checkpoint, key="model.language_model.checkpoint")
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    for role in ("bos", "eos"):
        if getattr(tokenizer, f"{role}_token_id") is None:
            raise LynxError(f"tokenizer in {folder}: it has no {role} token, and one is needed")
    if tokenizer.pad_token_id is None:
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})
    return tokenizer


def load_language_model(checkpoint: str, *, dtype: torch.dtype, attention: str) -> LlamaForCausalLM:
    """The language model, with rows for every token of its tokenizer and the tokenizer's ids."""
    folder = resolve_checkpoint(checkpoint, key="model.language_model.checkpoint")
    transformers_logging.disable_progress_bar()
    model = LlamaForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention)
    model.config.attention_dropout = 0.0
    tokenizer = load_tokenizer(checkpoint)
    extend_vocabulary(model, len(tokenizer))
    for role in ("bos", "eos", "pad"):
        setattr(model.generation_config, f"{role}_token_id", getattr(tokenizer, f"{role}_token_id"))
    return model


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
