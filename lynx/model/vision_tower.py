"""Any other vision tower of `transformers`, cut after the block whose output is read."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from lynx.config.errors import LynxError
from lynx.model.vision_encoder import KEY, VisionEncoder, add_drop_path, num_kept_blocks

_WITH_DROP_PATH = ("clip_vision_model", "siglip_vision_model")  # x + self_attn(..), x + mlp(..)


class TransformersTower(VisionEncoder):
    """A tower with `num_hidden_layers` blocks; its output is the last block's, without a norm.

    Final norms, pooling heads and mask tokens, which that output doesn't need, are taken out: a
    parameter that no loss reaches would keep DDP waiting.
    """

    def __init__(self, model: PreTrainedModel, *, drop_path_rate: float = 0.0) -> None:
        super().__init__(model)
        kind = self.config.model_type
        trial = _short_tower(self.config)
        unused = _unused_parameters(trial)
        for tower in (trial, model):
            _take_out(tower, unused)
        if not _ends_with_its_blocks(trial):
            raise _unfit(kind, "it doesn't end with its last block's output (F, N, width)")
        self._resizes = _reads(trial, self.config.image_size + self.config.patch_size)
        if drop_path_rate and kind not in _WITH_DROP_PATH:
            raise LynxError(
                f"{KEY}.drop_path_rate: {drop_path_rate}, but stochastic depth is known only for "
                f"{', '.join(_WITH_DROP_PATH)} and EVA's shape, not for {kind}; give 0"
            )
        add_drop_path([*_blocks(model)], drop_path_rate)

    def check_image_size(self, size: int) -> None:
        """LynxError where the tower can't read square pictures of `size` pixels."""
        super().check_image_size(size)
        if size != self.config.image_size and not self._resizes:
            raise LynxError(
                f"{KEY}.checkpoint: {self.config.model_type} reads pictures of "
                f"{self.config.image_size} pixels only (its position embeddings aren't "
                f"interpolated); the pictures have {size}"
            )

    def _arguments(self) -> dict[str, Any]:
        return _size_arguments(self.model)


def tower_config(
    settings: Mapping[str, Any], *, attention: str, feature_layer: int
) -> PretrainedConfig:
    """The configuration of the kept blocks, from the content of a `config.json`.

    settings: of a vision model, or of one that holds a vision model (CLIP: `vision_config`).
    """
    kind = settings.get("model_type")
    if kind == "blip-2":
        raise LynxError(
            f"{KEY}.checkpoint: a whole BLIP-2; `lynx backbones convert` makes its vision encoder"
        )
    try:
        config: Any = AutoConfig.for_model(**settings)
    except (TypeError, ValueError) as error:
        reason = str(error).split(" Should contain", maxsplit=1)[0]  # all types there are
        raise LynxError(f"{KEY}.checkpoint: config.json: {reason}") from error
    config = getattr(config, "vision_config", config)
    sizes = ("hidden_size", "num_hidden_layers", "patch_size", "image_size")
    lacking = [name for name in sizes if not isinstance(getattr(config, name, None), int)]
    if lacking:
        raise _unfit(config.model_type, f"its configuration has no whole number {lacking[0]}")
    config.num_hidden_layers = num_kept_blocks(config.num_hidden_layers, feature_layer)
    config._attn_implementation = attention
    return config


def empty_tower(config: PretrainedConfig, *, drop_path_rate: float = 0.0) -> TransformersTower:
    """The tower without weights (meta device)."""
    return TransformersTower(_meta_tower(config), drop_path_rate=drop_path_rate)


def load_tower(
    folder: Path, config: PretrainedConfig, *, dtype: torch.dtype, drop_path_rate: float = 0.0
) -> TransformersTower:
    """The tower with the weights in `folder`, read tensor by tensor as `dtype`.

    The folder may hold a larger model: what is beside the tower and its kept blocks isn't read.
    """
    kind = type(_meta_tower(config))
    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # it would list every tensor that isn't read
    transformers_logging.disable_progress_bar()
    try:
        loaded: Any = kind.from_pretrained(
            folder, config=config, dtype=dtype, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise LynxError(f"{KEY}.checkpoint: {folder} can't be loaded: {error}") from error
    finally:
        transformers_logging.set_verbosity(before)
    model, report = loaded
    tower = TransformersTower(model, drop_path_rate=drop_path_rate)
    missing = sorted(report["missing_keys"] & tower.model.state_dict().keys())
    if missing:  # filled with random numbers
        raise LynxError(
            f"{KEY}.checkpoint: the weights in {folder} lack {len(missing)} tensors of a "
            f"{config.model_type}, such as {missing[0]}"
        )
    return tower


def _meta_tower(config: PretrainedConfig) -> PreTrainedModel:
    try:
        with torch.device("meta"):
            model: PreTrainedModel = AutoModel.from_config(config)
    except ValueError as error:
        raise _unfit(config.model_type, str(error).split("\n", maxsplit=1)[0]) from error
    return model


def _short_tower(config: PretrainedConfig) -> PreTrainedModel:
    """Of two blocks at most, without weights: to find out what stands around the blocks."""
    short: Any = copy.deepcopy(config)
    short.num_hidden_layers = min(short.num_hidden_layers, 2)
    return _meta_tower(short)


def _blocks(model: PreTrainedModel) -> nn.ModuleList:
    """The list of the tower's blocks."""
    found = [
        module
        for module in model.modules()
        if isinstance(module, nn.ModuleList) and len(module) == model.config.num_hidden_layers
    ]
    if not found:
        raise _unfit(model.config.model_type, "it has no list of its blocks")
    return found[0]


def _trial(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    """Of two pictures (meta device): output of the last block, and of the whole tower."""
    outputs: list[Any] = []
    handle = _blocks(model)[-1].register_forward_hook(lambda *call: outputs.append(call[2]))
    try:
        with torch.enable_grad():
            whole = _forward(model.eval(), model.config.image_size).last_hidden_state
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise _unfit(model.config.model_type, f"it doesn't read pictures: {error}") from error
    finally:
        handle.remove()
    last = outputs[0][0] if isinstance(outputs[0], tuple) else outputs[0]
    return last, whole


def _unused_parameters(model: PreTrainedModel) -> set[str]:
    """Parameters that the output of the last block doesn't depend on."""
    last, _ = _trial(model)
    named = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
    names, parameters = zip(*named, strict=True)
    gradients = torch.autograd.grad(last.sum(), parameters, allow_unused=True)
    return {name for name, one in zip(names, gradients, strict=True) if one is None}


def _take_out(model: PreTrainedModel, unused: set[str]) -> None:
    """Put Identity for the largest modules of unused parameters only, None for lone parameters."""
    for name, module in [*model.named_modules()]:
        own = {f"{name}.{inner}" for inner, _ in module.named_parameters()}
        if name and own and own <= unused:
            model.set_submodule(name, nn.Identity())
            unused = unused - own
    for name in unused:
        path, _, field = name.rpartition(".")
        model.get_submodule(path).register_parameter(field, None)


def _ends_with_its_blocks(model: PreTrainedModel) -> bool:
    """Whether the last block's output is the tower's, with a feature for every patch at least."""
    last, whole = _trial(model)
    if whole is not last or whole.dim() != 3:
        return False
    pictures, tokens, width = whole.shape
    num_patches = (model.config.image_size // model.config.patch_size) ** 2
    return (pictures, width) == (2, model.config.hidden_size) and tokens >= num_patches


def _reads(model: PreTrainedModel, size: int) -> bool:
    """Whether the tower reads pictures of another size than its own."""
    with suppress(ValueError, RuntimeError):
        _forward(model, size)
        return True
    return False


def _forward(model: PreTrainedModel, size: int) -> Any:
    pictures = torch.empty(2, 3, size, size, device="meta", dtype=model.dtype)
    return model(pictures, **_size_arguments(model))


def _size_arguments(model: PreTrainedModel) -> dict[str, Any]:
    known = "interpolate_pos_encoding" in inspect.signature(model.forward).parameters
    return {"interpolate_pos_encoding": True} if known else {}


def _unfit(kind: str, reason: str) -> LynxError:
    return LynxError(f"{KEY}.checkpoint: {kind} can't serve as a vision encoder: {reason}")
