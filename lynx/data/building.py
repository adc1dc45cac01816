"""Turns a downloaded dataset into shards, by the format that its source names."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.source_facts import SourceFacts
from lynx.data import formats
from lynx.data.sample import Sample
from lynx.data.shards.manifest import Manifest
from lynx.data.shards.writing import write_shards

_GIVEN = ("root", "source", "skipped")  # parameters of every `read`
IN_PLACE = "img2dataset"  # tars that are indexed where they are


class Built(NamedTuple):
    """What `build_source` wrote; skipped: what could not be used, by reason."""

    manifest: Manifest
    skipped: Mapping[str, int]


def build_source(
    facts: SourceFacts,
    root: Path,
    directory: Path,
    *,
    options: Mapping[str, Any] | None = None,
    samples_per_shard: int = 1000,
    told: Callable[[int], None] = lambda count: None,
) -> Built:
    """Read the copy of the source in `root`, write its shards to `directory`.

    options: instead of single ones of the source. told: is given the number of samples so far.
    LynxError where the source has no format, the format no such option, or the copy isn't one.
    """
    if facts.format is None:
        raise LynxError(f"source `{facts.name}`: no published copy is read. {facts.note}".rstrip())
    if facts.format == IN_PLACE:
        raise LynxError(
            f"source `{facts.name}`: comes as tar files, which are used where they are: "
            f"`lynx data import {root} --source {facts.name}`"
        )
    read = reader(facts.format)
    chosen = {**facts.options, **(options or {})}
    _check_options(read, chosen, facts)
    if not root.is_dir():
        raise LynxError(f"{root}: no such folder; it must hold the copy of {facts.title}")
    skipped: Counter[str] = Counter()

    def counted() -> Iterator[Sample]:
        samples = read(root, source=facts.name, skipped=skipped, **chosen)
        for count, sample in enumerate(samples, start=1):
            yield sample
            told(count)

    manifest = write_shards(
        counted(),
        directory,
        source=facts.name,
        samples_per_shard=samples_per_shard,
        licence=facts.licence,
        builder=f"lynx {version('lynx-lab')}, format {facts.format} {chosen or ''}".rstrip(),
    )
    return Built(manifest, dict(skipped))


def format_names() -> list[str]:
    """Names of all formats."""
    names = (module.name for module in pkgutil.iter_modules(formats.__path__))
    return sorted(name for name in names if _has_reader(name))


def reader(name: str) -> Callable[..., Iterator[Sample]]:
    """The `read` of a format; an unknown name is a LynxError that says which is nearest."""
    known = format_names()
    if name not in known:
        raise LynxError(f"no format named `{name}` in lynx/data/formats{nearest_hint(name, known)}")
    found: Callable[..., Iterator[Sample]] = importlib.import_module(
        f"{formats.__name__}.{name}"
    ).read
    return found


def _has_reader(name: str) -> bool:
    return hasattr(importlib.import_module(f"{formats.__name__}.{name}"), "read")


def format_options(read: Callable[..., Iterator[Sample]]) -> dict[str, inspect.Parameter]:
    """The options of a format, by name."""
    parameters = inspect.signature(read).parameters
    return {name: one for name, one in parameters.items() if name not in _GIVEN}


def _check_options(
    read: Callable[..., Iterator[Sample]], options: Mapping[str, Any], facts: SourceFacts
) -> None:
    known = format_options(read)
    for option in options:
        if option not in known:
            hint = nearest_hint(option, known)
            raise LynxError(
                f"source `{facts.name}`: format {facts.format} has no option `{option}`{hint}"
            )
    missing = [
        name for name, one in known.items() if one.default is one.empty and name not in options
    ]
    if missing:
        raise LynxError(
            f"source `{facts.name}`: format {facts.format} needs the option `{missing[0]}`"
        )
