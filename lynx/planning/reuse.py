"""Tells which stages a run would find trained, would go on with, or would share with its base."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lynx.config.catalog_files import WORLD
from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.config.prompt_pools import load_pools
from lynx.config.recipe_files import load_recipe
from lynx.config.schema import STAGE_NAMES, Config
from lynx.data.build import build_data_module
from lynx.model.build import load_tokenizer, model_identities
from lynx.model.pretrained import is_at_hand
from lynx.planning.lengths import shards_at_hand
from lynx.tracking.run_dir import RunDir
from lynx.training import stages
from lynx.training.checkpoint_io import latest_checkpoint
from lynx.training.consolidation import read_content
from lynx.world.build import fingerprint

State = Literal["trained", "reused", "resumable", "shared", "to train"]


@dataclass(frozen=True)
class StageState:
    """What a run would do about a stage; is_certain: by address, not by comparing settings."""

    state: State
    is_certain: bool
    text: str


def stage_states(config: Config, base: Config) -> dict[str, StageState]:
    """By stage; base: the experiment of the variant, itself where it is one.

    With weights and shards on this machine the stages' addresses decide. Without, two stages are
    taken as the same where their settings, and those of all stages before, are. As in a run, the
    folder's own stages count up to the first that isn't there: the later came from other weights.
    """
    keys = addresses(config)
    own, theirs = settings_addresses(config), settings_addresses(base)
    run_dir, base_dir = RunDir.of(config), RunDir.of(base)
    found: dict[str, StageState] = {}
    for stage in STAGE_NAMES:
        is_shared = own[stage] == theirs[stage] and run_dir.path != base_dir.path
        has_own = all(one.state == "trained" for one in found.values())
        found[stage] = (
            _by_address(run_dir, stage, keys[stage], is_shared=is_shared, has_own=has_own)
            if keys is not None
            else _by_settings(run_dir, base_dir, stage, is_shared=is_shared, has_own=has_own)
        )
    return found


def addresses(config: Config) -> dict[str, str] | None:
    """The stages' keys as a run computes them; None where weights or shards aren't here."""
    settings = config.model
    backbones = (settings.vision_encoder.checkpoint, settings.language_model.checkpoint)
    catalog = _catalog(config)
    if catalog is None or not all(map(is_at_hand, backbones)):
        return None
    identities = model_identities(config)
    tokenizer = load_tokenizer(settings.language_model.checkpoint)
    found: dict[str, str] = {}
    parent: str | None = None
    for stage in STAGE_NAMES:
        data = build_data_module(
            config,
            stage,
            catalog=catalog,
            tokenizer=tokenizer,
            num_queries=settings.resampler.num_queries,
        )
        parent = found[stage] = stages.stage_key(
            config,
            stage,
            identities=identities,
            data_fingerprint=data.fingerprint,
            parent=parent,
        )
    return found


def settings_addresses(config: Config) -> dict[str, str]:
    """Keys in which checkpoints' names, recipes and prompts stand for what they name."""
    identities = {
        "vision_encoder": config.model.vision_encoder.checkpoint,
        "language_model": config.model.language_model.checkpoint,
    }
    found: dict[str, str] = {}
    parent: str | None = None
    for stage in STAGE_NAMES:
        parent = found[stage] = stages.stage_key(
            config,
            stage,
            identities=identities,
            data_fingerprint=_data_settings(config, stage),
            parent=parent,
        )
    return found


def _data_settings(config: Config, stage: str) -> str:
    """All that the configuration and its files say of the stage's samples."""
    settings, data = getattr(config.stages, stage), config.data
    recipe, pools = load_recipe(settings.recipe), load_pools(data.phrasings)
    content = {
        "sources": {name: str(one) for name, one in recipe.sources.items()},
        "unit": recipe.unit,
        "prompts": {
            one.prompts: pools[one.prompts].phrasings(settings.prompts)
            for one in recipe.sources.values()
        },
        "catalog": data.catalog,
        "max_text_tokens": data.max_text_tokens,
        "random_crop_scale": data.random_crop_scale,
        "locality": data.locality,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()


def _catalog(config: Config) -> Mapping[str, str | Path] | None:
    """The shards of all stages; None where one is missing, so that nothing is built or fetched."""
    found: dict[str, str | Path] = {}
    for stage in STAGE_NAMES:
        recipe = load_recipe(getattr(config.stages, stage).recipe)
        places = shards_at_hand(recipe, config.data)
        if places is None:
            return None
        for name, place in places.items():
            world = from_root(config.data.cache_dir) / f"world-{fingerprint()}" / name
            found[name] = world if place == WORLD else place
    return found if all(Path(place).is_dir() for place in found.values()) else None


def _by_address(
    run_dir: RunDir, stage: str, key: str, *, is_shared: bool, has_own: bool
) -> StageState:
    source = stages.find_stage(run_dir, stage, key=key, others_only=not has_own)
    if source is not None:
        if source.path == run_dir.path:
            return StageState("trained", True, "trained already")
        return StageState("reused", True, f"trained in {_short(source)}, which is reused")
    checkpoint = latest_checkpoint(run_dir.checkpoint_dir(stage))
    if checkpoint is not None and _is_of(checkpoint, key):
        return StageState("resumable", True, f"to go on from {checkpoint.name} with --resume")
    if is_shared:
        return StageState("shared", True, "reused from the base, once that is trained")
    old = ""
    if run_dir.is_complete(stage):
        why = "is of other settings" if has_own else "came after another stage"
        old = f" (what the folder has {why})"
    elif checkpoint is not None:
        old = f" ({checkpoint.name} is of other settings or can't be read)"
    return StageState("to train", True, f"to train{old}")


def _is_of(checkpoint: Path, key: str) -> bool:
    """Whether the stage of this address has written the checkpoint."""
    try:
        return bool(read_content(checkpoint).get("stage_key") == key)
    except LynxError:
        return False


def _by_settings(
    run_dir: RunDir, base_dir: RunDir, stage: str, *, is_shared: bool, has_own: bool
) -> StageState:
    if has_own and run_dir.is_complete(stage):
        return StageState("trained", False, f"a run of this name has it: {_short(run_dir)}")
    checkpoint = latest_checkpoint(run_dir.checkpoint_dir(stage))
    if checkpoint is not None:
        return StageState("resumable", False, f"to go on from {checkpoint.name} with --resume")
    if is_shared and base_dir.is_complete(stage):
        return StageState("reused", False, f"the base has it: {_short(base_dir)}")
    if is_shared:
        return StageState("shared", False, "reused from the base, once that is trained")
    return StageState("to train", False, "to train")


def _short(run_dir: RunDir) -> str:
    return "/".join(run_dir.path.parts[-3:])
