"""A GGUF file becomes a folder with the same model and the same tokenizer."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

from lynx.config.errors import LynxError
from lynx.config.paths import repository_root
from lynx.model.gguf_conversion import convert_gguf
from lynx.model.language_model import load_language_model, load_tokenizer
from lynx.model.pretrained import resolve_checkpoint
from tests.gguf_files import write_gguf
from tests.sentencepiece_files import pieces_of, train_sentencepiece

TEXTS = ["user: how many are there?\nbot: 12 cats", " a  b", "it's 3.50  7", "", "ünï 🎉"]
NORMAL, CONTROL = 1, 3  # kinds of tokens


def llama(num_tokens: int, *, tied: bool) -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=num_tokens,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
            initializer_range=0.3,
            tie_word_embeddings=tied,
        )
    ).eval()


def digits_apart() -> Tokenizer:
    """As SmolLM2's: byte-level, every digit a word of its own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 5, trainer)
    return tokenizer


def write_byte_level(path: Path, *, tied: bool = True, **options: Any) -> tuple[Any, Tokenizer]:
    tokenizer = digits_apart()
    tokenizer.save(str(path.with_suffix(".json")))
    merges = merges_in(path.with_suffix(".json"))
    tokens = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    model = llama(len(tokens), tied=tied)
    kinds = [CONTROL] * 3 + [NORMAL] * (len(tokens) - 3)
    write_gguf(path, model, tokens, merges=merges, kinds=kinds, **options)
    return model, tokenizer


def merges_in(path: Path) -> list[str]:
    return [" ".join(pair) for pair in json.loads(path.read_text())["model"]["merges"]]


@pytest.mark.parametrize("tied", [True, False])
def test_weights_and_byte_level_tokenizer_come_out_as_they_went_in(
    tmp_path: Path, tied: bool
) -> None:
    model, tokenizer = write_byte_level(tmp_path / "m.gguf", tied=tied)
    folder = convert_gguf(tmp_path / "m.gguf", tmp_path / "out", dtype=torch.float32)
    made = load_language_model(str(folder), dtype=torch.float32, attention="eager").eval()
    own = load_tokenizer(str(folder))
    ids = torch.tensor([[1, *tokenizer.encode(TEXTS[0]).ids]])
    with torch.no_grad():
        logits = made(ids).logits[..., : model.config.vocab_size]
        assert torch.allclose(logits, model(ids).logits, atol=1e-4)
    for text in TEXTS:
        assert own(text, add_special_tokens=False)["input_ids"] == tokenizer.encode(text).ids
        assert own.decode(own(text, add_special_tokens=False)["input_ids"]) == text
    assert (own.bos_token_id, own.eos_token_id, own.pad_token) == (1, 2, "[PAD]")


def test_a_sentencepiece_vocabulary_encodes_as_sentencepiece_does(tmp_path: Path) -> None:
    text = (repository_root() / "docs" / "architecture.md").read_text()
    trained = train_sentencepiece(tmp_path / "tokenizer", text=text)
    tokens, scores, kinds = pieces_of(trained)
    write_gguf(
        tmp_path / "m.gguf",
        llama(len(tokens), tied=False),
        tokens,
        scores=scores,
        kinds=kinds,
        splitting="default",
    )
    own = load_tokenizer(str(convert_gguf(tmp_path / "m.gguf", tmp_path / "out")))
    for line in [*TEXTS, *text.splitlines()]:
        assert own(line, add_special_tokens=False)["input_ids"] == trained.encode(line)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "gemma"}, "holds a gemma; a llama is needed"),
        ({"splitting": "poro-chat"}, r"tokenizer \(gpt2, poro-chat\) can't be rebuilt"),
    ],
)
def test_what_would_be_rebuilt_wrongly_is_refused(
    tmp_path: Path, options: dict[str, str], message: str
) -> None:
    write_byte_level(tmp_path / "m.gguf", **options)
    with pytest.raises(LynxError, match=message):
        convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damage_a_missing_package_and_a_folder_that_is_there_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "m.gguf"
    source.write_bytes(b"GGUF cut short")
    with pytest.raises(LynxError, match=r"m\.gguf: not readable as GGUF"):
        convert_gguf(source, tmp_path / "out")
    with pytest.raises(LynxError, match="exists already"):
        convert_gguf(source, tmp_path)
    imported = builtins.__import__

    def without_gguf(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "gguf":
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_gguf)
    with pytest.raises(LynxError, match=r"needs the package gguf: `pip install"):
        convert_gguf(source, tmp_path / "out")


def test_a_configuration_that_names_the_file_is_told_to_convert_it(tmp_path: Path) -> None:
    source = tmp_path / "m.gguf"
    source.touch()
    with pytest.raises(LynxError, match=rf"KEY: .*`lynx backbones convert {source} --out FOLDER`"):
        resolve_checkpoint(str(source), key="KEY")
