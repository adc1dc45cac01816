"""Composes a variant: schema <- scale <- experiment <- ablation <- key=value."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lynx.config.ablation import (
    EXPERIMENTS,
    Ablation,
    ablation_names,
    check_variant_name,
    list_ablations,
    load_ablation,
)
from lynx.config.diff import comparable, resolved_diff
from lynx.config.errors import LynxError
from lynx.config.fields import entry_keys, field_type, is_group, is_text
from lynx.config.files import (
    check_no_empty_mapping,
    first_line,
    flattened,
    named_file,
    names_in,
    nested,
    read_mapping,
    shown,
)
from lynx.config.nearest import nearest_hint
from lynx.config.schema import Config
from lynx.config.validate import validate

__all__ = [
    "Ablation", "ablation_names", "compose", "config_dict", "config_text", "list_ablations",
    "list_experiments", "list_scales", "load_ablation", "load_config", "variant_name",
]  # fmt: skip

COMMAND_LINE = "command line"
SCALES = f"{EXPERIMENTS}/scale"
# Chosen by compose's arguments, never by a layer: which argument it is on the command line.
SELECTORS = {
    "experiment": "the name that the command is given",
    "ablation": "the name that the command is given",
    "scale": "`--scale` (make: SCALE)",
    "seed": "`--seed` (make: SEEDS)",
}
# Overrides of these give the same answers, so they make no variant of their own. Who judged the
# answers stands beside every score.
NO_VARIANT = (
    "seed", "tracking.", "data.cache_dir", "data.num_workers", "data.shard_cache_gb",
    "evaluation.judge.", "evaluation.batch_size", "evaluation.ask_only",
    "evaluation.without_vision",
    "hardware.devices", "hardware.num_nodes", "hardware.threads",
)  # fmt: skip
_SPLIT = ".micro_batch_size"  # how a step is spread over devices is not what it learns from


@dataclasses.dataclass(frozen=True)
class Layer:
    """One file's, or the command line's, values by dotted key."""

    origin: str
    leaves: Mapping[str, Any]
    may_add: bool = False  # whether it may add entries to benchmarks and generation rows


class _Stack:
    """The schema with layers merged over it, interpolations still unresolved; never changed."""

    def __init__(
        self, config: DictConfig | None = None, origins: Mapping[str, str] | None = None
    ) -> None:
        self._config = _schema() if config is None else config
        self._origins = origins or {}  # dotted key -> what set it last

    def on(self, *layers: Layer) -> _Stack:
        """A further stack with `layers` over this one."""
        origins = dict(self._origins)
        for layer in layers:
            _check_keys(self._config, layer)
            origins |= dict.fromkeys(layer.leaves, layer.origin)
        try:
            config = OmegaConf.merge(self._config, *(nested(layer.leaves) for layer in layers))
        except (OmegaConfBaseException, ValueError) as error:
            raise _located(self._config, layers, error) from error
        return _Stack(cast(DictConfig, config), origins)

    def resolved(self) -> Config:
        """Interpolations resolved, as frozen dataclasses."""
        try:
            return cast(Config, OmegaConf.to_object(self._config))
        except OmegaConfBaseException as error:
            raise _unresolvable(self._config, self._origins) from error


def compose(
    *,
    ablation: str | None = None,
    experiment: str = "lynx",
    scale: str = "desk",
    seed: int = 0,
    overrides: Sequence[str] = (),
) -> Config:
    """The resolved and validated configuration of a variant.

    With an ablation its own `base` is the experiment. overrides: `dotted.key=value`, values as in
    YAML. Every mistake is a LynxError that names the file and the key.
    """
    chosen = load_ablation(ablation) if ablation else None
    experiment = chosen.base if chosen else experiment
    check_variant_name(experiment, origin=f"{EXPERIMENTS}/{experiment}.yaml")
    base = _Stack().on(
        _file_layer(SCALES, scale, kind="scale"),
        _file_layer(EXPERIMENTS, experiment, kind="experiment"),
        Layer("compose", {"experiment": experiment, "scale": scale, "seed": seed}),
    )
    varied = base
    if chosen:
        own = Layer(chosen.origin, chosen.diff)
        _check_selectors(own)
        varied = base.on(own, Layer("compose", {"ablation": chosen.name}))
        _check_changes(own, base.resolved(), varied.resolved())
    config = varied.on(_override_layer(overrides)).resolved()
    validate(config)
    return config


def variant_name(config: Config) -> str:
    """`<ablation or experiment>`, and `+<6 hex>` when the command line changed something else."""
    plain = compose(ablation=config.ablation, experiment=config.experiment, scale=config.scale)
    changes = {
        key: new
        for key, (_, new) in resolved_diff(plain, config).items()
        if not key.startswith(NO_VARIANT) and not key.endswith(_SPLIT)
    }
    name = config.ablation or config.experiment
    if not changes:
        return name
    text = json.dumps(changes, sort_keys=True, default=str)
    return f"{name}+{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def list_experiments() -> list[str]:
    """Names of the base configurations."""
    return names_in(EXPERIMENTS)


def list_scales() -> list[str]:
    """Names of the scales."""
    return names_in(SCALES)


def config_dict(config: Config) -> dict[str, Any]:
    """The configuration as nested plain values (for YAML, JSON and W&B)."""
    return comparable(config)


def config_text(config: Config) -> str:
    """The configuration as YAML, in the schema's order; `load_config` reads it back."""
    return yaml.safe_dump(config_dict(config), sort_keys=False, allow_unicode=True, width=100)


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration of a run, from its `config.yaml`; not validated against today's files.

    overrides: `dotted.key=value`, over what the file says.
    """
    if not path.is_file():
        raise LynxError(f"no configuration at {path}; a run's folder holds config.yaml")
    layer = _layer_of(path)
    if not layer.leaves:
        raise LynxError(f"{layer.origin}: is empty, and not a run's configuration")
    return _Stack().on(layer).on(_override_layer(overrides)).resolved()


def _file_layer(folder: str, name: str, *, kind: str) -> Layer:
    layer = _layer_of(named_file(folder, name, kind=kind))
    _check_selectors(layer)
    return layer


def _layer_of(path: Path) -> Layer:
    leaves = flattened(read_mapping(path), origin=shown(path))
    return Layer(shown(path), leaves, may_add=True)


def _override_layer(overrides: Sequence[str]) -> Layer:
    leaves: dict[str, Any] = {}
    for item in overrides:
        key, equals, text = item.partition("=")
        if not equals or not key:
            raise LynxError(f"{COMMAND_LINE}: `{item}` is not of the form key=value")
        try:
            # Through OmegaConf, so that 1e-4 is a number here as it is in the files.
            value = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]))
        except (yaml.YAMLError, OmegaConfBaseException) as error:
            raise LynxError(f"{COMMAND_LINE}: value of `{item}` is not YAML: {error}") from error
        leaves |= flattened({key: cast(dict[str, Any], value)["value"]}, origin=COMMAND_LINE)
    check_no_empty_mapping(leaves, origin=COMMAND_LINE)
    layer = Layer(COMMAND_LINE, leaves)
    _check_selectors(layer)
    return layer


def _check_selectors(layer: Layer) -> None:
    """What names the run is an argument; a layer that set it would belie the run's folder."""
    for key, argument in SELECTORS.items():
        if key in layer.leaves:
            raise LynxError(f"{layer.origin}: `{key}` can't be set here; use {argument}")


@cache
def _schema() -> DictConfig:
    return cast(DictConfig, OmegaConf.structured(Config))


def _check_keys(config: DictConfig, layer: Layer) -> None:
    known = _leaves(config)
    for key, value in layer.leaves.items():
        if is_group(key) and value != {}:
            raise LynxError(f"{layer.origin}: `{key}` holds further keys and takes no value itself")
        if key not in known and not (is_group(key) or (layer.may_add and field_type(key))):
            candidates = [*known, *(entry_keys(key) if layer.may_add else ())]
            raise LynxError(f"{layer.origin}: unknown key `{key}`{nearest_hint(key, candidates)}")
        if isinstance(value, bool) and is_text(key):  # YAML reads a bare `no` as false
            raise LynxError(f"{layer.origin}: `{key}` is a text, not {value}; quote it")


def _located(config: DictConfig, layers: Sequence[Layer], error: Exception) -> LynxError:
    """The error of the first value that fails alone: OmegaConf doesn't name all keys."""
    for layer in layers:
        for key, value in layer.leaves.items():
            try:
                OmegaConf.merge(config, nested({key: value}))
            except (OmegaConfBaseException, ValueError) as own:
                return LynxError(f"{layer.origin}: `{key}: {value}`: {first_line(own)}")
    return LynxError(first_line(error))


def _unresolvable(config: DictConfig, origins: Mapping[str, str]) -> LynxError:
    """What is set by no file, and which `${...}` points at nothing or at the wrong type."""
    problems = []
    for key, value in _leaves(config).items():
        if value == MISSING:
            problems.append(f"`{key}` is set by no file")
            continue
        try:
            OmegaConf.select(config, key)
        except OmegaConfBaseException as error:
            origin = origins.get(key, "lynx/config/schema.py")
            problems.append(f"{origin}: `{key}: {value}`: {first_line(error)}")
    return LynxError("the configuration can't be resolved:\n  " + "\n  ".join(problems))


def _check_changes(layer: Layer, base: Config, other: Config) -> None:
    """An ablation in which a key changes nothing would be tabled as if it had been tried."""
    changed = resolved_diff(base, other)
    for key, value in layer.leaves.items():
        if key not in changed:
            place = f"base {base.experiment} at scale {base.scale}"
            raise LynxError(
                f"{layer.origin}: the diff changes nothing at `{key}`: {place} has {value!r} "
                "already; take the key out or give it another value"
            )


def _leaves(config: DictConfig) -> dict[str, Any]:
    return flattened(cast(dict[str, Any], OmegaConf.to_container(config, resolve=False)))
