"""Reads runs' configurations, and composes their variants as they are today, once each."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from lynx.config.compose import compose, load_config
from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.tracking.run_dir import RunDir


def config_of(run: RunDir) -> Config:
    """The configuration that the run was trained with; LynxError where it can't be read."""
    path = run.config_path
    time = path.stat().st_mtime_ns if path.is_file() else 0
    return _loaded(run, time)


def variant_today(run: RunDir) -> Config | None:
    """The run's variant as it is composed today.

    None where that is not known: values given on the command line made a variant of their own, or
    its files are not here.
    """
    if "+" in run.path.parent.name:
        return None
    old = config_of(run)
    try:
        composed = _composed(old.ablation, old.experiment, old.scale)
    except LynxError:
        return None
    return replace(composed, seed=old.seed)


@lru_cache(maxsize=512)
def _loaded(run: RunDir, time: int) -> Config:
    """time: of the file, so that it is read anew when it changes."""
    return load_config(run.config_path)


@lru_cache(maxsize=64)
def _composed(ablation: str | None, experiment: str, scale: str) -> Config:
    return compose(ablation=ablation, experiment=experiment, scale=scale)
