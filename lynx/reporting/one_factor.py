"""Sees to it that runs put side by side differ by the ablation's diff and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.config.ablation import Ablation
from lynx.config.compose import NO_VARIANT
from lynx.config.diff import Diff, diff_text, resolved_diff
from lynx.config.errors import LynxError
from lynx.evaluation.compare import Comparison
from lynx.reporting.configs import config_of
from lynx.reporting.measured import Row
from lynx.reporting.records import read_record
from lynx.tracking.run_dir import RunDir

# A scale's names do nothing until a key takes one. What was asked stands in the protocol of the
# answers; config.yaml is of the training, after which evaluation's settings may have changed.
_NOT_OF_TRAINING = (*NO_VARIANT, "vocabulary.", "evaluation.")

# What tells of the asking but not of what was asked: a change of the code is marked cell by cell.
_NO_DIFFERENCE = ("code",)

# Keys of the protocol, and the beginnings of the configuration's keys that set them.
_SET_BY: dict[str, tuple[str, ...]] = {
    "plug_and_play": ("{benchmark}.plug_and_play", "{benchmark}.description", "{generation}"),
    "decoding": ("{benchmark}.generation", "{generation}"),
    "prompts": ("{benchmark}.prompt",),
    "first_prompt": ("{benchmark}.prompt",),
    "questions": (
        "{benchmark}.questions",
        "{benchmark}.num_questions",
        "{benchmark}.padding",
        "{benchmark}.format",
        "model.num_frames",
    ),
    "num_questions": ("{benchmark}.num_questions",),
    "multi_turn": ("{benchmark}.multi_turn",),
    "format": ("{benchmark}.format",),
    "image_size": ("stages.instruct.image_size",),
    "max_input_tokens": ("evaluation.max_input_tokens",),
    "precision": ("hardware.precision", "hardware.accelerator"),
}


def changes_text(base: RunDir, other: RunDir) -> str:
    """What can change numbers and differs in the runs' config.yaml, a key per line."""
    configs = config_of(base), config_of(other)
    lines = diff_text(*configs).rstrip("\n").split("\n") if resolved_diff(*configs) else []
    hidden = tuple(key for key in NO_VARIANT if key != "seed")
    return "\n".join(f"  {line}" for line in lines if not line.startswith(hidden)) or "  nothing"


def check_one_factor(base: Row, others: Sequence[Row], benchmarks: Sequence[str]) -> None:
    """Raise LynxError where an evaluated run is apart by something else than its row's diff.

    Every run is held against the first of the base, so that pooled seeds are alike too.
    """
    first = next(iter(_evaluated(base, benchmarks)), None)
    for row in [base, *others]:
        runs = _evaluated(row, benchmarks)
        for run in runs:
            reference = first or runs[0]
            is_own = reference in runs
            _check_pair(reference, run, ablation=None if is_own else row.ablation)


def unexplained(comparison: Comparison, ablation: Ablation | None) -> list[str]:
    """What the two were asked differently in, though the ablation's diff does not set it."""
    places = {
        "benchmark": f"evaluation.benchmarks.{comparison.benchmark}",
        "generation": "evaluation.generation.",
    }

    def is_set(key: str) -> bool:
        beginnings = tuple(one.format(**places) for one in _SET_BY.get(key, ()))
        return any(own.startswith(beginnings) for own in (ablation.diff if ablation else ()))

    differing = [key for key in comparison.protocol_differences if key not in _NO_DIFFERENCE]
    return [key for key in differing if not is_set(key)]


def _evaluated(row: Row, benchmarks: Sequence[str]) -> list[RunDir]:
    seeds = {seed for name in benchmarks for seed in row.evaluated(name)}
    return [run for seed, run in row.runs.items() if seed in seeds]


def _check_pair(reference: RunDir, run: RunDir, *, ablation: Ablation | None) -> None:
    changed = _changes(reference, run)
    stated = set(ablation.diff) if ablation else set()
    wrong = {key for key in stated ^ set(changed) if not key.startswith(_NOT_OF_TRAINING)}
    if not wrong:
        return
    expected = f"the diff of {ablation.origin}" if ablation else "the seed"
    raise LynxError(
        f"{reference.path} and {run.path} should differ by {expected} alone, but: "
        f"{'; '.join(_told(key, changed) for key in sorted(wrong))}. Move the older one away and "
        f"train it again with `{_command(reference, run, ablation)}`"
    )


def _changes(reference: RunDir, run: RunDir) -> Diff:
    """The diff of the configurations, and backbones that were trained again under one name."""
    changed = resolved_diff(config_of(reference), config_of(run))
    old, new = _backbones(reference), _backbones(run)
    for part in old.keys() & new.keys():
        if old[part] != new[part]:
            weights = f"weights {old[part][:8]}", f"weights {new[part][:8]}"
            changed.setdefault(f"model.{part}.checkpoint", weights)
    return changed


def _backbones(run: RunDir) -> dict[str, str]:
    """The identity of each frozen part's weights, as the manifest has it."""
    manifest = read_record(run.manifest_path) or {}
    identities: dict[str, str] = manifest.get("fingerprints", {}).get("backbones", {})
    return identities


def _told(key: str, changed: Diff) -> str:
    if key not in changed:
        return f"{key} is the same in both"
    old, new = changed[key]
    return f"{key} is {old} in the first, {new} in the second"


def _command(reference: RunDir, run: RunDir, ablation: Ablation | None) -> str:
    variant, _, has_overrides = run.path.parent.name.partition("+")
    what = f"ablation NAME={ablation.name}" if ablation else f"train evaluate NAME={variant}"
    seeds = sorted({one.path.name.removeprefix("seed") for one in (reference, run)})
    overrides = ' SET="the same overrides"' if has_overrides else ""
    return f'make {what} SCALE={run.path.parents[1].name} SEEDS="{" ".join(seeds)}"{overrides}'
