"""Proves after the first steps that frozen parts have not moved and trained parts have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightning as L
import torch
from rich.table import Table
from torch import Tensor, nn

from lynx.config.errors import LynxError
from lynx.data.batch import Batch
from lynx.model.parts import PARTS, part_of
from lynx.training.printing import RunLog

Fingerprint = tuple[int, int]
CHUNK = 1 << 22  # elements; bounds the extra memory


@torch.no_grad()
def fingerprint(parameter: nn.Parameter) -> Fingerprint:
    """Two sums over a tensor's bits, so that a change of any bit is seen without keeping a copy."""
    # Under ZeRO-3 a rank holds a slice of each parameter.
    tensor: Tensor = getattr(parameter, "ds_tensor", parameter).detach()
    kind = torch.int16 if tensor.element_size() == 2 else torch.int32
    plain = weighted = torch.zeros((), dtype=torch.int64, device=tensor.device)
    for number, chunk in enumerate(tensor.reshape(-1).view(kind).split(CHUNK), start=1):
        bits = chunk.long()
        plain = plain + bits.sum()
        weights = torch.arange(1, len(bits) + 1, device=bits.device)
        weighted = weighted + number * (bits * weights).sum()
    return int(plain), int(weighted)


def fingerprints(model: nn.Module) -> dict[str, Fingerprint]:
    """The fingerprint of every parameter, by name."""
    return {name: fingerprint(parameter) for name, parameter in model.named_parameters()}


def changed_tensors(model: nn.Module, before: Mapping[str, Fingerprint]) -> Tensor:
    """1.0 for every parameter that differs from its fingerprint, in the model's order, else 0.0."""
    return torch.tensor([float(now != before[name]) for name, now in fingerprints(model).items()])


@dataclass
class PartRow:
    """What the audit found of one part."""

    part: str
    trained: bool
    num_parameters: int = 0
    num_tensors: int = 0
    num_changed: int = 0


def compare_parts(
    model: nn.Module, changed: Tensor, *, saw_video: bool, from_start: bool = True
) -> tuple[list[PartRow], list[str]]:
    """A row per part, and what is wrong: frozen tensors that moved, trained ones that did not.

    changed: as `changed_tensors` gives it. saw_video: whether a video has been trained on; without
    one frame positions have no gradient. from_start: whether the steps were the stage's first; the
    learning rate of its last ones is too small to move every number, so only these must. Trained
    tensors in half precision may round small steps away, so there one change per part is enough
    (DeepSpeed keeps the precise ones elsewhere).
    """
    rows: dict[str, PartRow] = {}
    problems: list[str] = []
    named = zip(model.named_parameters(), changed.tolist(), strict=True)
    for (name, parameter), has_changed in named:
        part = part_of(name)
        row = rows.setdefault(part, PartRow(part, parameter.requires_grad))
        row.num_parameters += getattr(parameter, "ds_numel", parameter.numel())
        row.num_tensors += 1
        row.num_changed += bool(has_changed)
        exempt = not from_start or (part == "frame_positions" and not saw_video)
        if has_changed and not parameter.requires_grad:
            problems.append(f"{name} is frozen but has changed")
        must_change = parameter.requires_grad and parameter.dtype == torch.float32
        if must_change and not has_changed and not exempt:
            problems.append(f"{name} is trained but has not changed")
    for row in rows.values():
        exempt = not from_start or (row.part == "frame_positions" and not saw_video)
        if row.trained and not row.num_changed and not exempt:
            problems.append(f"{row.part} is trained but nothing in it has changed")
    return sorted(rows.values(), key=lambda row: PARTS.index(row.part)), problems


def audit_table(rows: list[PartRow], *, stage: str, steps: int) -> Table:
    """The parts with their counts, as a table to print."""
    table = Table(title=f"{stage}: parts after {steps} steps", title_justify="left")
    for heading in ("part", "", "parameters", "tensors changed"):
        table.add_column(heading, justify="left" if heading in ("part", "") else "right")
    for row in rows:
        kind = "trained" if row.trained else "frozen"
        changed = f"{row.num_changed} of {row.num_tensors}"
        table.add_row(row.part, kind, f"{row.num_parameters:,}", changed)
    trained = sum(row.num_parameters for row in rows if row.trained)
    total = sum(row.num_parameters for row in rows)
    table.add_row("together", f"trained {trained:,}", f"{total:,}", "")
    return table


class Audit(L.Callback):
    """Audits the parts after the first steps of a stage, or of what is left of it."""

    def __init__(self, *, stage: str, log: RunLog, after_steps: int = 3) -> None:
        self._stage, self._log, self._after_steps = stage, log, after_steps
        self._before: dict[str, Fingerprint] | None = None
        self._first_step = 0
        self._saw_video = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the fingerprints."""
        self._before = fingerprints(pl_module.get_submodule("model"))
        self._first_step = trainer.global_step

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Batch, *_: Any
    ) -> None:
        """Audit when enough steps have been made."""
        if self._before is None:
            return
        self._saw_video = self._saw_video or bool((batch.num_frames > 1).any())
        if trainer.global_step - self._first_step >= self._after_steps:
            self._audit(trainer, pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Audit a stage that had fewer steps than that."""
        if self._before is not None and trainer.global_step > self._first_step:
            self._audit(trainer, pl_module)

    def _audit(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        saw_video = trainer.strategy.reduce_boolean_decision(self._saw_video, all=False)
        assert self._before is not None
        model = pl_module.get_submodule("model")
        changed = changed_tensors(model, self._before).to(pl_module.device)
        # Under ZeRO-3 a rank's slice of a small tensor may be padding alone, which never changes.
        changed = trainer.strategy.reduce(changed, reduce_op="sum")
        rows, problems = compare_parts(
            model, changed, saw_video=saw_video, from_start=self._first_step == 0
        )
        self._before = None
        steps = trainer.global_step - self._first_step
        self._log.show(audit_table(rows, stage=self._stage, steps=steps))
        if problems:
            raise LynxError(
                f"audit of stage {self._stage} after {steps} steps: {len(problems)} tensors, such "
                f"as: {problems[0]}; stages.{self._stage}.trainable says which parts are trained"
            )
