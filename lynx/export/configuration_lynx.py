"""The shape of an exported Lynx, as `transformers` reads it from `config.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import AutoConfig, PreTrainedConfig


class LynxConfig(PreTrainedConfig):
    """Sizes of the parts, and how pictures and text are prepared for them.

    vision_config, text_config: of the parts' own classes. resampler, adapter: fields of the suite's
    `model.resampler` and `model.adapter`. image_size: pixels, of the last stage. generation: the
    row of Table 9 that `generate` follows by default.
    """

    model_type = "lynx"
    sub_configs = {"vision_config": AutoConfig, "text_config": AutoConfig}  # noqa: RUF012

    def __init__(
        self,
        *,
        vision_config: Any = None,
        text_config: Any = None,
        resampler: Mapping[str, int] | None = None,
        adapter: Mapping[str, Any] | None = None,
        num_frames: int = 5,
        image_size: int = 420,
        image_mean: Sequence[float] = (),
        image_std: Sequence[float] = (),
        max_input_tokens: int = 512,
        generation: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.vision_config = _config_of(vision_config, "blip_2_vision_model")
        self.text_config = _config_of(text_config, "llama")
        self.resampler = dict(resampler or {})
        self.adapter = dict(adapter or {})
        self.num_frames = num_frames
        self.image_size = image_size
        self.image_mean, self.image_std = (*image_mean,), (*image_std,)
        self.max_input_tokens = max_input_tokens
        self.generation = dict(generation or {})
        super().__init__(**kwargs)


def _config_of(settings: Any, model_type: str) -> Any:
    if isinstance(settings, PreTrainedConfig):
        return settings
    return AutoConfig.for_model(**{"model_type": model_type, **(settings or {})})
