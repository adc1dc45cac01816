"""Writes a run as a folder that `transformers` loads, with weights, code, processor and card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import PreTrainedTokenizerBase

from lynx.config.compose import load_config
from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.evaluation.build import last_stage_image_size, trained_parts_path
from lynx.export.card import model_card
from lynx.export.code_files import write_code
from lynx.export.configuration_lynx import LynxConfig
from lynx.export.modeling_lynx import LynxForConditionalGeneration
from lynx.export.processing_lynx import LynxProcessor
from lynx.model.build import DTYPES, build_model, load_tokenizer
from lynx.model.checkpoint import load_trained_parts
from lynx.model.lynx import LynxModel
from lynx.tracking.files import atomic_dir, write_json_atomic
from lynx.tracking.run_dir import RunDir

ROW = "demo"  # of Table 9: what `generate` follows when nothing else is said
SHARD_SIZE = "5GB"
AUTO_CLASSES = {
    "AutoConfig": "configuration_lynx.LynxConfig",
    "AutoModel": "modeling_lynx.LynxForConditionalGeneration",
    "AutoModelForImageTextToText": "modeling_lynx.LynxForConditionalGeneration",
    "AutoProcessor": "processing_lynx.LynxProcessor",
}


def export_run(path: Path, folder: Path, *, dtype: Literal["fp32", "bf16"]) -> Path:
    """Write the whole model of a run, frozen parts included; gives `folder`.

    A folder that holds anything else than an earlier export is a LynxError.
    """
    _check_replaceable(folder)
    run_dir = RunDir(path)
    config = load_config(run_dir.config_path)
    if ROW not in config.evaluation.generation:
        raise LynxError(f"{run_dir.config_path}: evaluation.generation has no row `{ROW}`")
    checkpoint = trained_parts_path(run_dir)
    model = build_model(config, seed=config.seed)
    load_trained_parts(model, checkpoint)
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    with atomic_dir(folder) as temporary:
        wrapped = _wrapped(model.eval(), _hub_config(config, model), dtype=DTYPES[dtype])
        wrapped.save_pretrained(temporary, max_shard_size=SHARD_SIZE)
        _write_processor(config, tokenizer, temporary)
        write_code(temporary)
        card = model_card(run_dir, config, name=folder.name)
        (temporary / "README.md").write_text(card, encoding="utf-8")
    return folder


def _check_replaceable(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir() or (
        any(folder.iterdir()) and not (folder / "modeling_lynx.py").exists()
    ):
        raise LynxError(
            f"--hf {folder}: holds something that is no export; name a new or an empty folder"
        )


def _hub_config(config: Config, model: LynxModel) -> LynxConfig:
    language, generation = model.language_model, model.language_model.generation_config
    text = language.config.to_diff_dict() | {
        f"{role}_token_id": getattr(generation, f"{role}_token_id")
        for role in ("bos", "eos", "pad")
    }
    vision = model.vision_encoder.config
    return LynxConfig(
        vision_config=_plain(vision.to_diff_dict()) | {"model_type": vision.model_type},
        text_config=_plain(text) | {"model_type": "llama"},
        resampler=asdict(config.model.resampler),
        adapter=asdict(config.model.adapter),
        generation=asdict(config.evaluation.generation[ROW]),
        num_frames=config.model.num_frames,
        auto_map={**AUTO_CLASSES},
        architectures=[LynxForConditionalGeneration.__name__],
        **_preparation(config),
    )


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Without what names the library that wrote it."""
    unwanted = ("_name_or_path", "architectures", "transformers_version", "dtype")
    return {key: value for key, value in settings.items() if key not in unwanted}


def _preparation(config: Config) -> dict[str, Any]:
    return {
        "image_size": last_stage_image_size(config),
        "image_mean": config.model.vision_encoder.image_mean,
        "image_std": config.model.vision_encoder.image_std,
        "max_input_tokens": config.evaluation.max_input_tokens,
    }


def _write_processor(config: Config, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    processor = LynxProcessor(tokenizer, num_frames=config.model.num_frames, **_preparation(config))
    processor.save_pretrained(folder)
    path = folder / "processor_config.json"  # AutoProcessor looks for its class in here
    content = json.loads(path.read_text(encoding="utf-8"))
    write_json_atomic(
        path, content | {"auto_map": {"AutoProcessor": AUTO_CLASSES["AutoProcessor"]}}
    )


def _wrapped(
    model: LynxModel, config: LynxConfig, *, dtype: torch.dtype
) -> LynxForConditionalGeneration:
    with torch.device("meta"):  # its parts are replaced by the trained ones
        wrapped = LynxForConditionalGeneration(config)
    expected = {name: value.shape for name, value in wrapped.lynx.state_dict().items()}
    found = {name: value.shape for name, value in model.state_dict().items()}
    wrong = sorted(expected.items() ^ found.items())
    assert not wrong, f"the exported code builds another model: {wrong[0]}"
    kept = set(wrapped._keep_in_fp32_modules_strict or ())
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point():
            is_kept = not kept.isdisjoint(name.split("."))
            tensor.data = tensor.data.to(torch.float32 if is_kept else dtype)
    wrapped.lynx = model
    wrapped.config.dtype = dtype
    return wrapped
