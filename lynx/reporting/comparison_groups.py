"""Puts run folders into groups, the seeds of a variant together, and pairs the groups by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lynx.config.ablation import Ablation, ablation_names, load_ablation
from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.reporting.measured import evaluated_folders, find_runs
from lynx.tracking.run_dir import RunDir


@dataclass(frozen=True)
class Group:
    """A variant's runs by seed, or a run that is looked at alone."""

    label: str
    runs: Mapping[int, RunDir]

    @property
    def first(self) -> RunDir:
        """The run whose config.yaml stands for the group's."""
        return next(iter(self.runs.values()))

    @property
    def place(self) -> str:
        """Where its runs are, for people."""
        if len(self.runs) == 1:
            return str(self.first.path)
        return f"{self.first.path.parent}, seeds {', '.join(map(str, self.runs))}"

    @property
    def ablation(self) -> Ablation | None:
        """What the variant's folder is called after; None for an experiment or another model."""
        name = self.first.path.parent.name.partition("+")[0]
        return load_ablation(name) if name in ablation_names() else None


def find_named(names: Sequence[str], scale_dir: Path) -> list[RunDir]:
    """The runs that people name: a run's folder, a variant's folder, or a variant of the scale.

    A variant means all its seeds. Raises LynxError for what is none of these.
    """
    return [run for name in names for run in _runs_of(name, scale_dir)]


def groups_of(runs: Sequence[RunDir]) -> list[Group]:
    """Runs by variant, in the order given; runs of a single variant each alone.

    Raises LynxError for a folder that is no run, or that is named twice.
    """
    seen: set[Path] = set()
    folders: dict[Path, dict[int, RunDir]] = {}
    for run in runs:
        _check_is_run(run)
        place = run.path.resolve()  # one folder has many paths
        if place in seen:
            raise LynxError(f"{run.path} is named twice: a run doesn't differ from itself")
        seen.add(place)
        of_variant = folders.setdefault(place.parent, {})
        of_variant[_seed_of(run, of_variant)] = run
    if len(folders) > 1:
        labels = [folder.name for folder in folders]
        return [
            Group(name if labels.count(name) == 1 else str(folder), found)
            for (folder, found), name in zip(folders.items(), labels, strict=True)
        ]
    return [Group(f"{run.path.parent.name}/{run.path.name}", {0: run}) for run in runs]


def paired_runs(base: Group, other: Group) -> list[tuple[RunDir, RunDir]]:
    """(base, other) at each seed that both have; two single runs are a pair at any seeds.

    Raises LynxError without any.
    """
    if len(base.runs) == len(other.runs) == 1:
        return [(base.first, other.first)]
    pairs = [(base.runs[seed], other.runs[seed]) for seed in base.runs if seed in other.runs]
    if not pairs:
        raise LynxError(
            f"{base.place} and {other.place} have no seed in common; runs are paired by seed, as "
            "these share their initial weights and the order of samples"
        )
    return pairs


def _runs_of(name: str, scale_dir: Path) -> list[RunDir]:
    for path in (Path(name), scale_dir / name):
        if _is_run(RunDir(path)):
            return [RunDir(path)]
        found = [run for run in find_runs(path.parent, path.name, None).values() if _is_run(run)]
        if found:
            return found
    known = [path.name for path in scale_dir.glob("*") if find_runs(scale_dir, path.name, None)]
    raise LynxError(
        f"`{name}` is neither a run's folder, nor a variant's, nor a variant below {scale_dir}"
        f"{nearest_hint(name, known)}; a run looks like runs/<scale>/<variant>/seed<k>"
    )


def _is_run(run: RunDir) -> bool:
    return run.config_path.is_file() or (run.path.is_dir() and bool(evaluated_folders(run)))


def _check_is_run(run: RunDir) -> None:
    if not _is_run(run):
        raise LynxError(
            f"{run.path} is no run folder, as it holds neither {run.config_path.name} nor an "
            "evaluation; one looks like runs/<scale>/<variant>/seed<k>"
        )


def _seed_of(run: RunDir, taken: Mapping[int, RunDir]) -> int:
    """The number in the folder's name; a folder of another name gets a number below zero.

    So it never takes the place of a seed, and is paired with none.
    """
    number = run.path.resolve().name.removeprefix("seed")
    if number.isdecimal() and int(number) not in taken:
        return int(number)
    return min([0, *taken]) - 1
