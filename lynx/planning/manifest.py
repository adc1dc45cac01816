"""Lists the tensors that a stage's checkpoints hold, chosen by the code that saves them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.checkpoint import trained_state
from lynx.model.lynx import LynxModel
from lynx.planning.parameters import trained_parts


@dataclass(frozen=True)
class Entry:
    """One tensor of a file."""

    name: str
    shape: tuple[int, ...]
    bytes_each: int

    @property
    def num_bytes(self) -> int:
        """Of the tensor."""
        return prod(self.shape) * self.bytes_each


def final_manifest(
    config: Config, stage: str, *, model: LynxModel, bytes_each: int = 4
) -> list[Entry]:
    """Tensors of the file that a complete stage leaves: of all parts trained so far.

    model: the variant's, on the meta device; it is left as after the stage. bytes_each: 4, as files
    are written in float32; 2 would be bfloat16.
    """
    _train_up_to(config, stage, model)
    return [
        Entry(name, tuple(tensor.shape), bytes_each)
        for name, tensor in trained_state(model).items()
    ]


def resume_manifest(config: Config, stage: str, *, model: LynxModel) -> list[Entry]:
    """Tensors of a checkpoint to resume from, of all devices together.

    The parts trained so far as they are held, and Adam's two moments of those that the stage
    trains. DeepSpeed's hold the latter parts only (`exclude_frozen_parameters`), in bfloat16 with
    their float32 originals where that is the precision.
    """
    hardware = config.hardware
    is_deepspeed = hardware.strategy == "deepspeed"
    is_narrow = is_deepspeed and hardware.precision == "bf16"
    entries = final_manifest(config, stage, model=model, bytes_each=2 if is_narrow else 4)
    trained = {name for name, one in model.named_parameters() if one.requires_grad}
    if is_deepspeed:
        entries = [entry for entry in entries if entry.name in trained]
    kinds = ["exp_avg", "exp_avg_sq", *(["master"] if is_narrow else [])]
    states = [
        Entry(f"{kind} of {entry.name}", entry.shape, 4)
        for entry in entries
        if entry.name in trained
        for kind in kinds
    ]
    return entries + states


def _train_up_to(config: Config, stage: str, model: LynxModel) -> None:
    """As a run does: each stage adds its parts to those trained before."""
    model.trained_parts.clear()
    for name in STAGE_NAMES[: STAGE_NAMES.index(stage) + 1]:
        model.set_trainable(trained_parts(config, name))
