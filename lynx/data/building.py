"""Turns a downloaded dataset into shards, by the format that its source names."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.prompt_pools import PromptPool, load_pool
from lynx.config.source_facts import SOURCES, SourceFacts
from lynx.data import formats
from lynx.data.formats.options import check_options
from lynx.data.formats.skipped import Skipped, skip, skipped_lines
from lynx.data.sample import Round, Sample
from lynx.data.shards.manifest import Manifest
from lynx.data.shards.writing import check_writable_target, write_shards

IN_PLACE = "img2dataset"  # tars that are indexed where they are
NOT_UNICODE = "rows of samples with a text that is no Unicode (half a surrogate pair, \\ud800)"

_NAME = re.compile(r"[A-Za-z0-9_-]+")


class Built(NamedTuple):
    """What `build_source` wrote.

    skipped: what could not be used, by reason; examples: the first path, key or text of a reason.
    """

    manifest: Manifest
    skipped: Mapping[str, int]
    examples: Mapping[str, str]


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
    JPEGs and PNGs are copied and not decoded: training counts those that turn out to be damaged and
    draws others. LynxError where the source can't be built (no format, no such option or prompt
    pool), the copy isn't one, its rows don't fit the prompts, or nothing in it can be used.
    """
    place = f"source `{facts.name}`"
    if not _NAME.fullmatch(facts.name):
        raise LynxError(
            f"{place}: shards are named after it; let it have letters (a-z), digits, _ and - alone"
        )
    if facts.format is None:
        raise LynxError(
            f"{place}: its entry in {SOURCES}/ has no `format:`, so no copy of it can be read; "
            f"formats are {', '.join(format_names())}. {facts.note}".rstrip()
        )
    if facts.format == IN_PLACE:
        raise LynxError(
            f"{place}: comes as tar files, which are used where they are: "
            f"`lynx data import {root} --source {facts.name}`"
        )
    read, pool = reader(facts.format), _pool(facts)
    chosen = {**facts.options, **(options or {})}
    check_options(read, chosen, f"{place}: format {facts.format}")
    if not root.is_dir():
        raise LynxError(f"{root}: no such folder; it must hold the copy of {facts.title}")
    check_writable_target(directory, facts.name, reading=root)
    skipped = Skipped()

    def usable() -> Iterator[Sample]:
        count = 0
        for sample in read(root, source=facts.name, skipped=skipped, **chosen):
            _check_fields(sample, pool)
            if not all(map(_is_unicode, sample.rounds)):
                skip(skipped, NOT_UNICODE, f"sample {sample.key}", sample.num_rows)
                continue
            yield sample
            count += 1
            told(count)
        if not count and skipped:  # before an error that can't give the reasons
            reasons = "\n  ".join(skipped_lines(skipped))
            raise LynxError(f"{place}: nothing in {root} can be used; skipped:\n  {reasons}")

    manifest = write_shards(
        usable(),
        directory,
        source=facts.name,
        samples_per_shard=samples_per_shard,
        licence=facts.licence,
        builder=f"lynx {version('lynx-lab')}, format {facts.format} {chosen or ''}".rstrip(),
    )
    return Built(manifest, dict(skipped), skipped.examples)


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


def _pool(facts: SourceFacts) -> PromptPool:
    try:
        return load_pool(facts.prompts)
    except LynxError as error:
        raise LynxError(f"source `{facts.name}`: `prompts`: {error}") from error


def _check_fields(sample: Sample, pool: PromptPool) -> None:
    """A question that no phrasing has room for would be trained on as if it weren't there."""
    for one in sample.rounds:
        had = {*one.fields, *(["options"] if one.options else [])}
        if had != set(pool.fields):
            raise LynxError(
                f"source `{sample.source}`: its `prompts`, the pool {pool.name}, need "
                f"{_listed(pool.fields)}; the format gives {_listed(had)} (sample {sample.key}). "
                "Name a pool with those placeholders, or options of the format that give the others"
            )


def _listed(fields: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(fields)) or "no placeholder"


def _is_unicode(one: Round) -> bool:
    """JSON can spell texts that UTF-8 can't hold."""
    try:
        "".join((*one.fields.values(), one.response, *one.options)).encode()
    except UnicodeEncodeError:
        return False
    return True
