"""What a baseline's run folder says about itself: `baseline.yaml`, and what may not share it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lynx.baselines.known import Baseline, parsed
from lynx.config.compose import ablation_names, config_dict, list_experiments, variant_name
from lynx.config.errors import LynxError
from lynx.config.files import read_mapping, shown
from lynx.config.paths import from_root
from lynx.config.schema import Config
from lynx.tracking.files import write_text_atomic
from lynx.tracking.run_dir import RunDir

IMPORTED = "imported"  # kind of a run whose answers someone else's program gave
MEASURED = "baseline"  # kind of a run that asked a model here
_SHARED = ("head_to_head", "judgements", "people", "tables")  # beside the runs of a scale
_NAME = re.compile(r"\w[\w.-]{0,79}")


def record_path(run_dir: RunDir) -> Path:
    """`baseline.yaml`: which model it is, its rows in the paper, and how it was evaluated."""
    return run_dir.path / "baseline.yaml"


def run_dir_of(name: str, config: Config) -> RunDir:
    """`<output_dir>/<scale>/<name>/seed<k>`, with the suffix of overrides as in our own runs.

    Raises LynxError where `name` is an experiment or ablation, whose runs lie there, or no name.
    """
    if name in (*list_experiments(), *ablation_names(), *_SHARED):
        raise LynxError(
            f"`{name}` can't be a baseline's name: runs of a variant, or what several runs share, "
            "lie in that folder; give another with --as"
        )
    if not _NAME.fullmatch(name):
        raise LynxError(
            f"{name!r} can't be a baseline's name, as it is a folder's too: 1 to 80 letters, "
            "digits, `_`, `-` and `.`, the first a letter, digit or `_`; give another with --as"
        )
    _, plus, suffix = variant_name(config).partition("+")
    base = from_root(config.tracking.output_dir)
    return RunDir(base / config.scale / f"{name}{plus}{suffix}" / f"seed{config.seed}")


def write_record(run_dir: RunDir, kind: str, config: Config, facts: Mapping[str, Any]) -> None:
    """Write `baseline.yaml`; refuses the folder of another model or of a trained run.

    facts: of the model. What an earlier call has written about the same one is replaced.
    """
    if run_dir.config_path.exists():
        raise LynxError(f"{run_dir.path} is a trained run's folder; give another name with --as")
    facts = {key: value for key, value in facts.items() if value not in (None, "", [], {})}
    path = record_path(run_dir)
    if path.exists():
        held = read_mapping(path)
        if held.get("kind") != kind or _identity(held.get("baseline")) != _identity(facts):
            raise LynxError(
                f"{shown(path)}: the folder holds answers of another model, or of this one asked "
                "otherwise; give another name with --as, or remove the folder"
            )
    content = {
        "kind": kind,
        "baseline": facts,
        "scale": config.scale,
        "seed": config.seed,
        "evaluation": config_dict(config)["evaluation"],
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    write_text_atomic(path, text)


def read_record(run_dir: RunDir) -> tuple[str, Baseline | None]:
    """Kind of a baseline's run, and the baseline; None where the answers were imported."""
    path = record_path(run_dir)
    content = read_mapping(path)
    facts = content.get("baseline")
    if content.get("kind") not in (MEASURED, IMPORTED) or not isinstance(facts, Mapping):
        raise LynxError(f"{shown(path)}: is not what `lynx baseline` writes")
    if content["kind"] == IMPORTED:
        return IMPORTED, None
    return MEASURED, parsed(facts, name=str(facts["name"]), origin=shown(path))


def _identity(facts: Any) -> Any:
    """What must be the same for answers to lie in one folder; titles and notes may change."""
    loose = ("title", "paper_rows", "paper_note", "note", "download_gb", "prompts")
    return {k: v for k, v in dict(facts or {}).items() if k not in loose}
