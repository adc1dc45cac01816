"""Sends a stage's metrics to a local JSON Lines file and to Weights & Biases."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast
from uuid import uuid4

import wandb
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.loggers.logger import Logger

from lynx.tracking.files import write_text_atomic
from lynx.tracking.run_dir import RunDir

WandbMode = Literal["online", "offline", "disabled", "shared"]
_data_dirs_set_here: set[str] = set()


class StageWandbLogger(WandbLogger):
    """Puts the stage before every name, e.g. `pretrain/loss`, so that charts can tell stages apart.

    metrics.jsonl, which is of one stage, has the bare names.
    """

    LOGGER_JOIN_CHAR = "/"


class MetricsJsonl(Logger):
    """Appends `{"step": n, name: value, ...}` per log call; tables are rebuilt from this file.

    A resumed stage repeats the steps after its checkpoint. So the first call of a process drops
    the rows of its step and later ones, which an earlier process may have left.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._started = False

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    @property
    def version(self) -> str:
        """There is one file per stage, so versions are not told apart."""
        return ""

    @property
    def save_dir(self) -> str:
        """Folder of the file."""
        return str(self._path.parent)

    def log_hyperparams(self, *arguments: Any, **keywords: Any) -> None:
        """Nothing: the run's configuration is in `config.yaml`."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Append one row. step: the trainer's global step, zero-based."""
        row = {"step": step, **{key: _plain(value) for key, value in metrics.items()}}
        if not self._started:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if step is not None:
                self.drop_from(step)
            self._started = True
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")

    @rank_zero_only
    def drop_from(self, step: int) -> None:
        """Remove the rows of `step` and later ones, and a last line that a kill cut short."""
        rows = read_metrics(self._path)
        kept = [row for row in rows if row["step"] is None or row["step"] < step]
        if self._path.exists():
            write_text_atomic(
                self._path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
            )


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a `metrics.jsonl`; no file gives no rows, and a cut last line is left out."""
    if not path.exists():
        return []
    rows = []
    lines = path.read_text(encoding="utf-8").split("\n")
    for line in lines[:-1]:  # what follows the last newline is empty or was cut by a kill
        rows.append(json.loads(line))
    return rows


def make_loggers(
    *,
    run_dir: RunDir,
    stage: str,
    config_dict: Mapping[str, Any],
    diff_text: str,
    project: str,
    group: str,
    tags: Sequence[str],
) -> list[Logger]:
    """The loggers of one stage: `metrics.jsonl`, and one W&B run.

    W&B is offline unless WANDB_API_KEY or WANDB_MODE is set. group: `<scale>/<experiment>`, so
    that an ablation lines up with its base; the stage is the job type, and stands before the names
    of the metrics. The W&B configuration has the `variant` besides.
    """
    run_dir.stage_dir(stage).mkdir(parents=True, exist_ok=True)
    _keep_wandb_data_below(run_dir.wandb_dir)
    # Begun here: WandbLogger hands on an argument that W&B warns about at every stage, and its
    # `offline` sets WANDB_MODE for the rest of the process.
    run = wandb.init(
        name="/".join([*run_dir.path.parts[-2:], stage]),
        dir=run_dir.path,  # W&B itself adds "wandb"
        id=_wandb_id(run_dir, stage),
        resume="allow",
        project=project,
        group=group,
        job_type=stage,
        tags=list(tags),
        notes=diff_text,
        config={**config_dict, "variant": run_dir.path.parent.name},
        mode=wandb_mode(),
        settings=wandb.Settings(silent=wandb_mode() == "offline"),
    )
    return [
        MetricsJsonl(run_dir.metrics_path(stage)),
        StageWandbLogger(experiment=run, prefix=stage),
    ]


def wandb_mode() -> WandbMode | None:
    """WANDB_MODE, else `offline` without a key; None leaves it to W&B.

    WANDB_MODE is read here because W&B itself reads it only once in a process.
    """
    stated = os.environ.get("WANDB_MODE")
    if stated:
        return cast(WandbMode, stated)  # W&B itself refuses other words
    return None if os.environ.get("WANDB_API_KEY") else "offline"


def _wandb_id(run_dir: RunDir, stage: str) -> str:
    """The id of the stage's W&B run, the same one when the stage is resumed."""
    path = run_dir.stage_dir(stage) / "wandb_id.txt"
    if not path.exists():
        write_text_atomic(path, uuid4().hex[:12])
    return path.read_text(encoding="utf-8")


def _keep_wandb_data_below(directory: Path) -> None:
    """Table pictures go to the home folder otherwise, and a run folder could not be moved."""
    stated = os.environ.get("WANDB_DATA_DIR")
    if stated and stated not in _data_dirs_set_here:
        return
    directory.mkdir(parents=True, exist_ok=True)
    os.environ["WANDB_DATA_DIR"] = str(directory)
    _data_dirs_set_here.add(str(directory))


def _plain(value: Any) -> Any:
    """Tensors and numpy scalars as Python numbers."""
    return value.item() if hasattr(value, "item") else value
