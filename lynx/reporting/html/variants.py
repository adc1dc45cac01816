"""Finds the runs that a report's arguments name, and pairs a variant's runs with the base's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lynx.config.compose import load_config
from lynx.config.errors import LynxError
from lynx.tracking.run_dir import RunDir

Pair = tuple[RunDir, RunDir]


@dataclass(frozen=True)
class Variant:
    """A column of the report: runs of one variant by seed, and its place among the columns."""

    label: str
    place: int  # 0 is the base; it also chooses colour and dashes
    runs: Mapping[int, RunDir]

    @property
    def first(self) -> RunDir:
        """The run with the smallest seed, whose configuration stands for the variant."""
        return next(iter(self.runs.values()))

    @property
    def seeds_text(self) -> str:
        """E.g. "seeds 0, 1"."""
        return f"seed{'s' if len(self.runs) > 1 else ''} {', '.join(map(str, self.runs))}"


def find_variants(paths: Sequence[Path]) -> list[Variant]:
    """A variant for each path: a run's folder, or a variant's folder, which means all its seeds.

    Raises LynxError for a folder that is neither, and for one that is named twice.
    """
    found = [_runs(path.resolve()) for path in paths]
    everyone = [run.path for runs in found for run in runs.values()]
    twice = next((path for path in everyone if everyone.count(path) > 1), None)
    if twice is not None:
        raise LynxError(f"{twice} is named twice: name every run once, alone or by its variant")
    labels = _labels(found)
    return [Variant(labels[place], place, runs) for place, runs in enumerate(found)]


def pairs(base: Variant, other: Variant) -> list[Pair]:
    """(base, other) at the seeds that both have; two single runs make a pair at any seeds."""
    common = [seed for seed in base.runs if seed in other.runs]
    if not common and len(base.runs) == len(other.runs) == 1:
        return [(base.first, other.first)]
    return [(base.runs[seed], other.runs[seed]) for seed in common]


def _runs(path: Path) -> dict[int, RunDir]:
    own = RunDir(path)
    folders = [own] if own.config_path.is_file() else []
    folders = folders or [RunDir(one) for one in sorted(path.glob("seed*"))]
    runs = {load_config(run.config_path).seed: run for run in folders if run.config_path.is_file()}
    if not runs:
        raise LynxError(
            f"{path} holds no run: name a run's folder, such as runs/desk/lynx/seed0, or a "
            "variant's, such as runs/desk/lynx, which means all its seeds"
        )
    return dict(sorted(runs.items()))


def _labels(found: Sequence[Mapping[int, RunDir]]) -> list[str]:
    """The shortest names that tell the variants apart."""
    names: list[Callable[[RunDir], str]] = [
        lambda run: run.path.parent.name,
        lambda run: "/".join(run.path.parts[-3:-1]),
        lambda run: "/".join(run.path.parts[-2:]),
        lambda run: str(run.path),
    ]
    for name in names:
        labels = [name(next(iter(runs.values()))) for runs in found]
        if len(set(labels)) == len(labels):
            break
    return labels
