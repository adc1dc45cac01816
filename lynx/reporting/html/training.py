"""What training was made of and what it cost: the realised mix, throughput and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from lynx.config.schema import STAGE_NAMES
from lynx.reporting.html.variants import Variant
from lynx.reporting.records import read_record

_GIB = 2**30


@dataclass(frozen=True)
class MixBar:
    """A source's share of a variant's samples, the mean over its seeds."""

    place: int
    label: str
    share: float
    token_share: float | None
    samples: float


@dataclass(frozen=True)
class StageMix:
    """The sources of a stage, those of most samples first; widest: the largest share of all."""

    stage: str
    sources: list[tuple[str, list[MixBar]]]
    widest: float


@dataclass(frozen=True)
class CostLine:
    """A stage of a run; every figure is printed as it stands."""

    place: int
    label: str
    seed: int
    stage: str
    steps: str
    seconds: str
    samples_per_second: str
    useful_tokens: str
    memory: str
    gpu_memory: str
    unreadable: str
    reused_from: str


def stage_mixes(variants: Sequence[Variant]) -> list[StageMix]:
    """Of every stage that left a record."""
    mixes = []
    for stage in STAGE_NAMES:
        records = {
            v.place: [
                r for run in v.runs.values() if (r := read_record(run.stage_record_path(stage)))
            ]
            for v in variants
        }  # fmt: skip
        names = {n for own in records.values() for r in own for n in r.get("realised_mix") or {}}
        bars = {
            name: [
                bar for v in variants if (bar := _mix_bar(v, records[v.place], name)) is not None
            ]
            for name in names
        }
        order = sorted(bars, key=lambda name: (-max(bar.share for bar in bars[name]), name))
        if order:
            widest = max(bar.share for bar in bars[order[0]])
            mixes.append(StageMix(stage, [(name, bars[name]) for name in order], widest))
    return mixes


def cost_lines(variants: Sequence[Variant]) -> list[CostLine]:
    """A line per run and stage with a record."""
    return [
        _cost_line(variant, seed, stage, record)
        for variant in variants
        for seed, run in variant.runs.items()
        for stage in STAGE_NAMES
        if (record := read_record(run.stage_record_path(stage))) is not None
    ]


def seconds_trained(variants: Sequence[Variant]) -> dict[int, float]:
    """Seconds of the stages that a variant's runs trained themselves, by its place."""
    return {
        variant.place: sum(
            float(record.get("wall_seconds") or 0)
            for run in variant.runs.values()
            for stage in STAGE_NAMES
            if (record := read_record(run.stage_record_path(stage)))
            and not record.get("reused_from")
        )
        for variant in variants
    }


def _mix_bar(variant: Variant, records: Sequence[Mapping[str, Any]], name: str) -> MixBar | None:
    mixes = [record["realised_mix"] for record in records if record.get("realised_mix")]
    if not mixes:
        return None
    tokens = [record["realised_tokens"] for record in records if record.get("realised_tokens")]
    return MixBar(
        place=variant.place,
        label=variant.label,
        share=_mean_share(mixes, name),
        token_share=_mean_share(tokens, name) if tokens else None,
        samples=fmean(mix.get(name, 0) for mix in mixes),
    )


def _mean_share(counts: Sequence[Mapping[str, float]], name: str) -> float:
    return fmean(one.get(name, 0) / max(sum(one.values()), 1) for one in counts)


def _cost_line(variant: Variant, seed: int, stage: str, record: Mapping[str, Any]) -> CostLine:
    reused, useful = record.get("reused_from"), record.get("useful_tokens")
    return CostLine(
        place=variant.place,
        label=variant.label,
        seed=seed,
        stage=stage,
        steps=str(record.get("steps", "-")),
        seconds=_figure(record.get("wall_seconds")),
        samples_per_second=_figure(record.get("samples_per_second")),
        useful_tokens="-" if useful is None else f"{100 * useful:.1f} %",
        memory=_figure(record.get("peak_memory_bytes"), unit=_GIB),
        gpu_memory=_figure(record.get("peak_gpu_memory_bytes"), unit=_GIB),
        unreadable=str(record.get("unreadable_samples", "-")),
        reused_from="/".join(Path(reused).parts[-2:]) if reused else "",
    )


def _figure(value: float | None, *, unit: float = 1) -> str:
    return f"{value / unit:.1f}" if value else "-"
