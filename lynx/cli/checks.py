"""Refuses comparisons and evaluations that would mislead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lynx.config.compose import NO_VARIANT, load_config
from lynx.config.diff import resolved_diff
from lynx.config.errors import LynxError
from lynx.config.schema import Config

if TYPE_CHECKING:
    from lynx.tracking.run_dir import RunDir


def check_one_factor(base: Config, other: Config, *, diff_keys: set[str]) -> None:
    """Overrides may change both sides, but must leave them apart by the ablation's diff."""
    lost = sorted(diff_keys - set(resolved_diff(base, other)))
    if lost:
        raise LynxError(
            f"{other.ablation}: with the values given on the command line, `{lost[0]}` is the same "
            f"as in {base.experiment}, so there is nothing to compare; leave those values out"
        )


def check_trained_as(config: Config, run_dir: RunDir) -> None:
    """A folder keeps its name when an experiment or a scale is edited; its weights are then old."""
    if not run_dir.config_path.exists():
        return  # said better by the check of the stages
    changed = resolved_diff(load_config(run_dir.config_path), config)
    old = [key for key in changed if _decides_weights(key)]
    if old:
        key = old[0]
        raise LynxError(
            f"{run_dir.path}: was trained with {key} {changed[key][0]}, which is now "
            f"{changed[key][1]}; restore the value, or train it again: `lynx train "
            f"{config.ablation or config.experiment} --scale {config.scale} --seed {config.seed}`"
        )


def _decides_weights(key: str) -> bool:
    """Whether a stage's address holds the key; how a step is spread over devices is not in it."""
    if key == "hardware.precision":
        return True
    elsewhere = ("evaluation.", "vocabulary.", "hardware.", "data.pack", *NO_VARIANT)
    return not key.startswith(elsewhere) and not key.endswith(".micro_batch_size")
