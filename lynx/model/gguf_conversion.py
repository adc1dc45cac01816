"""Turns a GGUF file of a Llama into a folder with weights, settings and tokenizer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from tokenizers import normalizers, pre_tokenizers
from transformers import AutoTokenizer, GgufConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from lynx.config.errors import LynxError
from lynx.tracking.files import atomic_dir, write_json_atomic

_ARCHITECTURE, _TOKENIZER = "general.architecture", "tokenizer.ggml.model"
_SPLITTING, _PREFIX = "tokenizer.ggml.pre", "tokenizer.ggml.add_space_prefix"
_FACTS = (_ARCHITECTURE, "general.name", "general.file_type", _TOKENIZER, _SPLITTING, _PREFIX)
# Ways to split text into words (llama.cpp's names) that transformers reads as they are meant. What
# it doesn't know, it takes for GPT-2's; so does it with `smollm`, which is put right here.
_SPLITTINGS = ("default", "gpt-2", "llama-bpe", "llama3", "llama-v3", "smollm")
_ROLES = ("bos_token", "eos_token", "pad_token", "unk_token")


def convert_gguf(source: Path, folder: Path, *, dtype: torch.dtype = torch.bfloat16) -> Path:
    """Write what `save_pretrained` would of the model in `source`, dequantised to `dtype`.

    What quantising has rounded off stays lost; `converted_from.json` says what the file was.
    Raises LynxError for another architecture, for a tokenizer that would be rebuilt wrongly, and
    where the package `gguf` is missing.
    """
    if folder.exists():
        raise LynxError(f"{folder} exists already; give another folder, or remove it")
    facts = _checked_facts(source)
    transformers_logging.disable_progress_bar()
    try:
        model = LlamaForCausalLM.from_pretrained(
            source.parent,
            gguf_file=source.name,
            dtype=dtype,
            quantization_config=GgufConfig(dequantize=True),
        )
        loaded: Any = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise LynxError(f"{source}: transformers can't read it: {error!r}") from error
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_mended(loaded.backend_tokenizer, facts),
        chat_template=loaded.chat_template,
        **{role: getattr(loaded, role) for role in _ROLES},
    )
    with atomic_dir(folder) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        # Only the owner may read what safetensors writes.
        shutil.copymode(temporary / "config.json", temporary / "model.safetensors")
        write_json_atomic(temporary / "converted_from.json", {"file": source.name, **facts})
    return folder


def _checked_facts(source: Path) -> dict[str, Any]:
    """What the file says of itself, by llama.cpp's keys."""
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise LynxError(
            "reading GGUF needs the package gguf: `pip install -c constraints.txt -e '.[gguf]'`"
        ) from error
    try:
        fields = GGUFReader(source).fields
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise LynxError(f"{source}: not readable as GGUF: {error}") from error
    facts = {key: fields[key].contents() for key in _FACTS if key in fields}
    if facts.get(_ARCHITECTURE) != "llama":
        raise LynxError(f"{source}: holds a {facts.get(_ARCHITECTURE)}; a llama is needed")
    kind, splitting = facts.get(_TOKENIZER), facts.get(_SPLITTING)
    if kind != "llama" and (kind != "gpt2" or splitting not in _SPLITTINGS):
        raise LynxError(
            f"{source}: its tokenizer ({kind}, {splitting}) can't be rebuilt with certainty; take "
            "the model's folder from the Hub, which has a tokenizer.json"
        )
    return facts


def _mended(backend: Any, facts: dict[str, Any]) -> Any:
    """The tokenizer with text split as the file says, where transformers does it otherwise."""
    if facts[_TOKENIZER] == "llama" and facts.get(_PREFIX, True):
        # As sentencepiece: a space before every text, also before one that begins with a space.
        spaces = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        backend.normalizer = normalizers.Sequence(spaces)
        backend.pre_tokenizer = None
    if facts.get(_SPLITTING) == "smollm":
        words = [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
        backend.pre_tokenizer = pre_tokenizers.Sequence(words)
    return backend
