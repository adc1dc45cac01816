"""Writes a tiny model with random weights for each family of baselines, in the Hub's layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

IMAGE_SIZE = 28  # pixels
PATCH_SIZE = 14
NUM_QUERIES = 3
_TEXT = (
    "what color is the thing a of how many dogs are there describe image video in detail "
    "red green blue one two three yes no question answer user assistant please give short"
)
WORDS = _TEXT.split()
# As newer models': pictures first, roles by name, an end after what the assistant said.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['role'] }}: "
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% if message['role'] == 'assistant' %}</s>{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")


def tiny_tokenizer(*special: str, with_end: bool = False) -> PreTrainedTokenizerFast:
    """Words, letters and signs, one token each; BOS in front, or with_end: EOS behind."""
    signs = [chr(code) for code in range(33, 127)]
    vocabulary = dict.fromkeys([*SPECIAL, "\n", "▁", *signs, *("▁" + word for word in WORDS)])
    ids = {token: number for number, token in enumerate(vocabulary)}
    merges: list[tuple[str, str]] = []
    for word in WORDS:  # byte-pair merges that put each word together, letter by letter
        piece = "▁"
        for letter in word:
            ids.setdefault(piece + letter, len(ids))
            if (piece, letter) not in merges:
                merges.append((piece, letter))
            piece += letter
    built = Tokenizer(models.BPE(vocab=ids, merges=merges, unk_token="<unk>"))
    built.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    built.decoder = decoders.Metaspace(prepend_scheme="first")
    template = "$A </s>" if with_end else "<s> $A"
    used = [(token, ids[token]) for token in ("<s>", "</s>")]
    built.post_processor = processors.TemplateProcessing(single=template, special_tokens=used)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=built, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token="<unk>",
    )  # fmt: skip
    tokenizer.add_tokens(
        [AddedToken(token, normalized=False, special=True) for token in special],
        special_tokens=True,
    )
    return tokenizer


def _vision(kind: str) -> dict[str, Any]:
    return {
        "model_type": kind,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": IMAGE_SIZE,
        "patch_size": PATCH_SIZE,
    }


def _llama(vocab_size: int) -> dict[str, Any]:
    return {"model_type": "llama", "vocab_size": vocab_size, "hidden_size": 32,
            "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
            "max_position_embeddings": 512, "pad_token_id": 0, "bos_token_id": 1,
            "eos_token_id": 2, "initializer_range": 0.3}  # fmt: skip


def _t5(vocab_size: int) -> dict[str, Any]:
    return {"model_type": "t5", "vocab_size": vocab_size, "d_model": 32, "d_kv": 8, "d_ff": 48,
            "num_layers": 2, "num_heads": 4, "pad_token_id": 0, "eos_token_id": 2,
            "decoder_start_token_id": 0, "initializer_factor": 1.0,
            "tie_word_embeddings": False}  # fmt: skip


def _opt(vocab_size: int) -> dict[str, Any]:
    return {"model_type": "opt", "vocab_size": vocab_size, "hidden_size": 32, "ffn_dim": 48,
            "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 512,
            "word_embed_proj_dim": 32, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
            "init_std": 0.3}  # fmt: skip


def _q_former(**more: Any) -> dict[str, Any]:
    return {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
            "num_attention_heads": 2, "encoder_hidden_size": 16, **more}  # fmt: skip


def _image_processor(kind: Any) -> Any:
    return kind(size={"height": IMAGE_SIZE, "width": IMAGE_SIZE})


def write_blip2(folder: Path, *, text: Callable[[int], dict[str, Any]] = _opt) -> Path:
    """BLIP-2; text: of the language model, OPT's as of blip2-opt or T5's as of blip2-flan-t5."""
    tokenizer = tiny_tokenizer("<image>", with_end=text is _t5)
    config = transformers.Blip2Config(
        vision_config=_vision("blip_2_vision_model"), qformer_config=_q_former(),
        text_config=text(len(tokenizer)), num_query_tokens=NUM_QUERIES,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    processor = transformers.Blip2Processor(
        _image_processor(transformers.BlipImageProcessorPil), tokenizer,
        num_query_tokens=NUM_QUERIES,
    )  # fmt: skip
    return _save(transformers.Blip2ForConditionalGeneration, config, processor, folder)


def write_instructblip(folder: Path, *, text: Callable[[int], dict[str, Any]] = _t5) -> Path:
    """InstructBLIP; its Q-Former has a tokenizer of its own, in a subfolder."""
    tokenizer = tiny_tokenizer("<image>", with_end=text is _t5)
    q_tokenizer = tiny_tokenizer()
    config = transformers.InstructBlipConfig(
        vision_config=_vision("instructblip_vision_model"),
        qformer_config=_q_former(vocab_size=len(q_tokenizer)),
        text_config=text(len(tokenizer)), num_query_tokens=NUM_QUERIES,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    processor = transformers.InstructBlipProcessor(
        _image_processor(transformers.BlipImageProcessorPil), tokenizer, q_tokenizer,
        num_query_tokens=NUM_QUERIES,
    )  # fmt: skip
    return _save(transformers.InstructBlipForConditionalGeneration, config, processor, folder)


def write_llava(folder: Path, *, chat_template: str | None = None) -> Path:
    """LLaVA-1.5, whose CLIP has a class token that is not shown to the language model."""
    tokenizer = tiny_tokenizer("<image>")
    config = transformers.LlavaConfig(
        vision_config=_vision("clip_vision_model"), text_config=_llama(len(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2, vision_feature_select_strategy="default",
    )  # fmt: skip
    square = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    processor = transformers.LlavaProcessor(
        transformers.CLIPImageProcessorPil(size={"shortest_edge": IMAGE_SIZE}, crop_size=square),
        tokenizer, patch_size=PATCH_SIZE, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=chat_template,
    )  # fmt: skip
    return _save(transformers.LlavaForConditionalGeneration, config, processor, folder)


def write_idefics(folder: Path) -> Path:
    """IDEFICS, with the end of an utterance as a token of its own."""
    tokenizer = tiny_tokenizer("<fake_token_around_image>", "<image>", "<end_of_utterance>")
    tokenizer.padding_side = "left"
    config = transformers.IdeficsConfig(
        **{key: value for key, value in _llama(len(tokenizer) - 2).items() if key != "model_type"},
        additional_vocab_size=2, alpha_initializer="ones", alpha_type="float",
        cross_layer_interval=1, qk_layer_norms=False, use_resampler=True,
        tie_word_embeddings=False,
        vision_config={"embed_dim": 16, "image_size": IMAGE_SIZE, "patch_size": PATCH_SIZE,
                       "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2},
        perceiver_config={"resampler_n_latents": 3, "resampler_depth": 1, "resampler_n_heads": 2,
                          "resampler_head_dim": 8, "use_resampler": True},
    )  # fmt: skip
    processor = transformers.IdeficsProcessor(
        transformers.IdeficsImageProcessorPil(image_size=IMAGE_SIZE), tokenizer
    )
    return _save(transformers.IdeficsForVisionText2Text, config, processor, folder)


FAMILIES: dict[str, Callable[[Path], Path]] = {
    "blip2": write_blip2,
    "blip2_t5": lambda folder: write_blip2(folder, text=_t5),
    "instructblip": write_instructblip,
    "instructblip_vicuna": lambda folder: write_instructblip(folder, text=_llama),
    "llava": write_llava,
    "idefics": write_idefics,
}


def _save(kind: Any, config: Any, processor: Any, folder: Path) -> Path:
    torch.manual_seed(0)
    model = kind(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and "layernorm" not in name.lower():
                weight.normal_(0, 0.3)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
