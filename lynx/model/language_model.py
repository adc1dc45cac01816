"""Loads the language model and its tokenizer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.model.pretrained import missing_shards, resolve_checkpoint

PAD_TOKEN = "[PAD]"
KEY = "model.language_model.checkpoint"
_NEEDED = {  # what a checkpoint's folder holds: any file of these names
    "config.json": ("config.json",),
    "weights (*.safetensors or *.bin)": ("*.safetensors", "*.bin"),
    "tokenizer (tokenizer.json or tokenizer.model)": ("tokenizer.json", "tokenizer.model"),
}


def load_tokenizer(checkpoint: str) -> PreTrainedTokenizerFast:
    """The language model's tokenizer; `[PAD]` is added where it has no padding token."""
    folder = _language_model_folder(checkpoint)
    # The class itself, for it keeps tokenizer.json as it is. A tokenizer.model is read as a legacy
    # one, which encodes as sentencepiece does; LlamaTokenizer would cut runs of spaces otherwise.
    options: dict[str, Any] = {} if (folder / "tokenizer.json").is_file() else {"legacy": True}
    try:
        tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(folder, **options)
    except Exception as error:  # of tokenizers, it is Exception itself
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
    try:  # transformers opens the weights on the meta device: there is never a second copy
        loaded: Any = LlamaForCausalLM.from_pretrained(
            folder, dtype=dtype, attn_implementation=attention, output_loading_info=True
        )
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise LynxError(f"{KEY}: the weights in {folder} can't be loaded: {error}") from error
    model: LlamaForCausalLM = loaded[0]
    if loaded[1]["missing_keys"]:  # transformers would have them random
        missing = sorted(loaded[1]["missing_keys"])
        raise LynxError(f"{KEY}: {folder} lacks {len(missing)} weights, such as {missing[0]}")
    model.config.attention_dropout = 0.0
    tokenizer = load_tokenizer(checkpoint)
    extend_vocabulary(model, len(tokenizer))
    # generation_config.json may name more ends of an answer: only the tokenizer's is ever learnt,
    # and the file isn't part of the weights' identity.
    for role in ("bos", "eos", "pad"):
        setattr(model.generation_config, f"{role}_token_id", getattr(tokenizer, f"{role}_token_id"))
    return model


def _language_model_folder(checkpoint: str) -> Path:
    """The checkpoint's folder, which holds all that is needed of a Llama."""
    if re.search(r"-delta-v[\d.]+/?$", checkpoint):
        raise LynxError(
            f"{KEY}: {checkpoint} holds differences to LLaMA's weights and can't be used alone; "
            "take the whole weights, such as lmsys/vicuna-7b-v1.1"
        )
    folder = resolve_checkpoint(checkpoint, key=KEY)
    lacking = [
        what
        for what, patterns in _NEEDED.items()
        if not any(path for pattern in patterns for path in folder.glob(pattern))
    ]
    lacking += missing_shards(folder)
    if lacking:
        mend = "" if from_root(checkpoint).is_dir() else f"; `lynx backbones fetch {checkpoint}`"
        raise LynxError(
            f"{KEY}: the folder {folder} has no {', no '.join(lacking)}; it needs what "
            f"`save_pretrained` of a Llama and of its tokenizer writes{mend}"
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
    """Give added tokens rows in embedding and head: the mean of the others, as in the release.

    Where the head is the embedding (`tie_word_embeddings`), it stays so.
    """
    present = model.config.vocab_size
    if num_tokens <= present:
        return
    model.resize_token_embeddings(num_tokens, mean_resizing=False)
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        assert isinstance(module, nn.Embedding | nn.Linear)
        module.weight[present:] = module.weight[:present].mean(dim=0, dtype=torch.float32)
