"""Names every file of a run, so that no other module joins paths below it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lynx.config.compose import variant_name
from lynx.config.paths import from_root
from lynx.config.schema import Config

SHOWN = "shown"  # every question with its own picture


@dataclass(frozen=True)
class RunDir:
    """`<output_dir>/<scale>/<variant>/seed<k>`, the folder of one run; nothing is created here."""

    path: Path

    @staticmethod
    def of(config: Config) -> RunDir:
        """The folder of `config`; a relative output_dir is taken from the repository root."""
        base = from_root(config.tracking.output_dir)
        return RunDir(base / config.scale / variant_name(config) / f"seed{config.seed}")

    @property
    def config_path(self) -> Path:
        """The resolved configuration, YAML."""
        return self.path / "config.yaml"

    @property
    def diff_path(self) -> Path:
        """What the variant changes against its experiment, YAML."""
        return self.path / "diff.yaml"

    @property
    def manifest_path(self) -> Path:
        """Code, packages, device, command and identities of the backbones, JSON."""
        return self.path / "manifest.json"

    @property
    def log_path(self) -> Path:
        """Everything that was printed, as text."""
        return self.path / "log.txt"

    @property
    def wandb_dir(self) -> Path:
        """Folder of W&B's own files."""
        return self.path / "wandb"

    @property
    def lock_path(self) -> Path:
        """Held by the process that trains the run."""
        return self.path / ".lock"

    def stage_dir(self, stage: str) -> Path:
        """Folder of one stage."""
        return self.path / stage

    def stage_record_path(self, stage: str) -> Path:
        """The stage's key, commit, data fingerprint and figures, JSON.

        Written last, so that it stands for completeness.
        """
        return self.stage_dir(stage) / "stage.json"

    def metrics_path(self, stage: str) -> Path:
        """One JSON object per line and logged step."""
        return self.stage_dir(stage) / "metrics.jsonl"

    def quarantine_path(self, stage: str) -> Path:
        """One JSON object per line and row of a source that could not be used."""
        return self.stage_dir(stage) / "quarantine.jsonl"

    def checkpoint_dir(self, stage: str) -> Path:
        """Folder of the stage's checkpoints."""
        return self.stage_dir(stage) / "checkpoints"

    def eval_dir(self, benchmark: str, vision: str = SHOWN) -> Path:
        """Folder of one benchmark's predictions, verdicts and scores.

        vision: what stood in for the pictures, "swapped", "blank" or "text_only", if anything did.
        """
        return self.path / "eval" / (benchmark if vision == SHOWN else f"{benchmark}@{vision}")

    def is_complete(self, stage: str) -> bool:
        """Whether the stage has ended and left its record."""
        return self.stage_record_path(stage).is_file()
