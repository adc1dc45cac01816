"""Writes tiny GGUF files for tests: a Llama as llama.cpp's converter lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
from transformers import LlamaForCausalLM

_NAMES = {  # of a layer: ours to GGUF's
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def write_gguf(
    path: Path,
    model: LlamaForCausalLM,
    tokens: Sequence[str],
    *,
    merges: Sequence[str] = (),
    scores: Sequence[float] = (),
    kinds: Sequence[int] = (),
    splitting: str = "smollm",
    architecture: str = "llama",
) -> Path:
    """The model in float32 with a tokenizer: byte-level where there are merges, else sentencepiece.

    kinds: of the tokens, llama.cpp's numbers. Token 0 is unknown, 1 begins a text, 2 ends it.
    """
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2" if merges else "llama")
    writer.add_tokenizer_pre(splitting)
    writer.add_token_list(list(tokens))
    writer.add_token_types(list(kinds))
    if merges:
        writer.add_token_merges(list(merges))
    else:
        writer.add_token_scores(list(scores))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        weight = tensor.float().numpy()
        for part, number in heads.items():
            if part in name:
                weight = _rotated(weight, number)
        writer.add_tensor(_gguf_name(name), np.ascontiguousarray(weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _rotated(weight: np.ndarray, num_heads: int) -> np.ndarray:
    """Rows in llama.cpp's order: the two halves of a head's rotary pairs take turns."""
    halves = weight.reshape(num_heads, 2, weight.shape[0] // num_heads // 2, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def _gguf_name(name: str) -> str:
    whole = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
    }
    if name in whole:
        return whole[name]
    _, _, layer, part = name.removesuffix(".weight").split(".", 3)
    return f"blk.{layer}.{_NAMES[part]}.weight"
