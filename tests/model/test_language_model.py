"""The language model as it is loaded: one copy, the wanted type, rows and tokens of the release."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from lynx.config.errors import LynxError
from lynx.config.paths import repository_root
from lynx.model.language_model import extend_vocabulary, load_language_model, load_tokenizer
from tests.sentencepiece_files import train_sentencepiece
from tests.tiny import SPECIALS, WORDS, write_language_model, write_tokenizer

LINES = [
    "User: how many are there?\nbot: 12 cats",
    " one space before",
    "   three spaces  and two, then a tab\tand ünï 漢字 🎉",
    "trailing  ",
    "",
]


def load(folder: Path, dtype: torch.dtype = torch.float32) -> LlamaForCausalLM:
    return load_language_model(str(folder), dtype=dtype, attention="eager")


def llama(*, tied: bool, num_tokens: int = 46, width: int = 32) -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=num_tokens,
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=2,
            num_attention_heads=2,
            tie_word_embeddings=tied,
        )
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tied", [True, False])
def test_an_added_token_gets_the_mean_row_in_embedding_and_head(
    tied: bool, dtype: torch.dtype
) -> None:
    model = llama(tied=tied).to(dtype)
    modules = [model.get_input_embeddings(), model.get_output_embeddings()]
    means = [module.weight.detach().float().mean(dim=0).to(dtype) for module in modules]
    before = model(torch.arange(8)[None]).logits.detach()
    extend_vocabulary(model, 48)
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert (embedding.weight is head.weight) == tied
    assert embedding.weight.shape == head.weight.shape == (48, 32) and head.out_features == 48
    assert model.config.vocab_size == 48 and embedding.weight.dtype == dtype
    for module, mean in zip((embedding, head), means, strict=True):
        assert torch.equal(module.weight[46], mean) and torch.equal(module.weight[47], mean)
    after = model(torch.arange(8)[None]).logits
    assert torch.equal(after[..., :46], before)


def test_a_tied_model_with_an_added_row_saves_and_loads_again(tmp_path: Path) -> None:
    num_tokens = len(SPECIALS) + len(WORDS) + 1  # with [PAD]
    llama(tied=True, num_tokens=num_tokens - 1).save_pretrained(tmp_path / "tied")
    write_tokenizer(tmp_path / "tied", with_pad=False)
    model = load(tmp_path / "tied")
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert model.config.vocab_size == num_tokens
    assert model.generation_config.pad_token_id == num_tokens - 1
    model.save_pretrained(tmp_path / "again")
    again = LlamaForCausalLM.from_pretrained(tmp_path / "again")
    assert torch.equal(again.lm_head.weight, model.lm_head.weight)


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16, torch.float32])
def test_weights_are_loaded_in_the_wanted_type_from_safetensors_and_bin(
    tmp_path: Path, stored: torch.dtype
) -> None:
    model = llama(tied=False).to(stored)
    model.save_pretrained(tmp_path / "safe")
    (tmp_path / "bin").mkdir()
    model.config.save_pretrained(tmp_path / "bin")
    torch.save(model.state_dict(), tmp_path / "bin" / "pytorch_model.bin")
    for folder in (tmp_path / "safe", tmp_path / "bin"):
        write_tokenizer(folder)
        for wanted in (torch.float32, torch.bfloat16):
            loaded = load(folder, wanted)
            assert {p.dtype for p in loaded.parameters()} == {wanted}
            expected = model.lm_head.weight.to(wanted)
            assert torch.equal(loaded.lm_head.weight[: len(expected)], expected)


def test_there_is_never_a_second_copy_of_the_weights(tmp_path: Path) -> None:
    """Memory of its own, that is: pages of the file that is read can be given back at any time."""
    width = 1024
    model = llama(tied=False, width=width).half()
    for layer in model.model.layers:
        layer.mlp.up_proj = torch.nn.Linear(width, 2 * width, bias=False, dtype=torch.float16)
    model.save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    num_bytes = 2 * sum(parameter.numel() for parameter in model.parameters())
    code = f"""
import re, threading, torch
from lynx.model.language_model import load_language_model
import transformers.models.llama.modeling_llama
def own():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
start, peak, done = own(), 0, threading.Event()
def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, own())
watcher = threading.Thread(target=watch)
watcher.start()
model = load_language_model({str(tmp_path)!r}, dtype=torch.bfloat16, attention="eager")
done.set()
watcher.join()
print(peak - start)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 1.5 * num_bytes + 16e6


def write_old_tokenizer(folder: Path, **settings: object) -> object:
    """A model's folder as Vicuna v1.1's: the tokenizer is a tokenizer.model alone."""
    write_language_model(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    text = (repository_root() / "docs" / "architecture.md").read_text()
    return train_sentencepiece(folder / "tokenizer", text=text)


@pytest.mark.parametrize(
    "settings",
    [
        {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "pad_token": None},
        {"tokenizer_class": "LlamaTokenizer", "legacy": False},  # as Vicuna v1.5
        {},
    ],
)
def test_a_tokenizer_that_is_sentencepiece_alone_gives_its_ids(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    trained = write_old_tokenizer(tmp_path, **settings)
    tokenizer = load_tokenizer(str(tmp_path))
    text = (repository_root() / "docs" / "your_own_data.md").read_text()
    for line in [*LINES, *text.splitlines()]:
        ids = trained.encode(line.lower())
        assert tokenizer(line.lower(), add_special_tokens=False)["input_ids"] == ids
        assert tokenizer.decode(ids) == trained.decode(ids)
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (1, 2)
    assert (tokenizer.pad_token, tokenizer.pad_token_id) == ("[PAD]", trained.get_piece_size())


def test_an_answer_ends_with_the_tokenizers_eos_alone(tmp_path: Path) -> None:
    """Though Llama 3's generation_config.json names several."""
    folder = write_language_model(tmp_path)
    path = folder / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": [2, 9]}))
    eos = load_tokenizer(str(folder)).eos_token_id
    assert load(folder).generation_config.eos_token_id == eos == 2


def test_delta_weights_are_refused(tmp_path: Path) -> None:
    for name in ("lmsys/vicuna-7b-delta-v1.1", str(tmp_path / "vicuna-7b-delta-v1.1")):
        with pytest.raises(LynxError, match=r"differences to LLaMA's weights.*vicuna-7b-v1\.1"):
            load(Path(name))


def test_a_missing_shard_and_a_missing_weight_are_named(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "sharded")
    model = LlamaForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    shard = sorted(folder.glob("model-*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(LynxError, match=rf"has no {shard.name}"):
        load(folder)
    folder = write_language_model(tmp_path / "other")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "num_hidden_layers": 3}))
    with pytest.raises(LynxError, match=r"lacks 9 weights, such as model\.layers\.2\."):
        load(folder)
