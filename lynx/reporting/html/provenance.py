"""Where a report's figures come from: code, packages, what was asked, and the files read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynx.config.schema import STAGE_NAMES
from lynx.evaluation.results import ResultFiles
from lynx.reporting.html.variants import Variant
from lynx.reporting.records import read_record

_PACKAGES = ("torch", "transformers", "lightning", "tokenizers", "wandb", "lynx-lab")


@dataclass(frozen=True)
class RunOrigin:
    """One run: facts as (name, text), and the files that the report read, with their digests."""

    place: int
    title: str
    facts: list[tuple[str, str]]
    files: list[tuple[str, str]]


@dataclass(frozen=True)
class Protocol:
    """How a variant was asked on a benchmark."""

    place: int
    label: str
    benchmark: str
    facts: list[tuple[str, str]]


def run_origins(variants: Sequence[Variant], benchmarks: Sequence[str]) -> list[RunOrigin]:
    """Of every run of the report."""
    origins = []
    for variant in variants:
        for seed, run in variant.runs.items():
            manifest = read_record(run.manifest_path) or {}
            paths = [run.config_path, run.manifest_path]
            paths += [path(stage) for stage in STAGE_NAMES
                      for path in (run.stage_record_path, run.metrics_path)]  # fmt: skip
            for name in benchmarks:
                files = ResultFiles(run.eval_dir(name))
                paths += [files.protocol_path, files.predictions_path, files.verdicts_path]
                paths.append(files.scores_path)
            origins.append(
                RunOrigin(
                    variant.place,
                    f"{variant.label}, seed {seed}",
                    [("folder", str(run.path)), *_facts(manifest)],
                    [(str(p.relative_to(run.path)), _digest(p)) for p in paths if p.is_file()],
                )
            )
    return origins


def protocols(variants: Sequence[Variant], benchmarks: Sequence[str]) -> list[Protocol]:
    """How the first run of every variant was asked."""
    return [
        Protocol(variant.place, variant.label, name, _protocol_facts(protocol))
        for name in benchmarks
        for variant in variants
        if (protocol := ResultFiles(variant.first.eval_dir(name)).protocol()) is not None
    ]


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    git, packages = manifest.get("git") or {}, manifest.get("packages") or {}
    device = manifest.get("device") or {}
    commit = str(git.get("commit") or "unknown")
    gpus = ", ".join(map(str, device.get("gpus") or [])) or "no GPU"
    return [
        ("commit", commit + (", with changes that were not committed" if git.get("dirty") else "")),
        ("trained", str(manifest.get("time", "unknown"))),
        ("command", " ".join(map(str, manifest.get("command") or [])) or "unknown"),
        ("device", f"{device.get('platform', 'unknown')}; {gpus}"),
        ("packages", ", ".join(f"{n} {packages[n]}" for n in _PACKAGES if n in packages)),
    ]


def _protocol_facts(protocol: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key.replace("_", " "), _text(value)) for key, value in protocol.items()]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(one)}" for key, one in value.items())
    return "none" if value is None else str(value)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
