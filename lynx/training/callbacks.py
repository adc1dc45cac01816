"""What happens around the steps of a stage: logging and progress, checkpoints, signals, the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from lynx.data.module import LynxDataModule
from lynx.tracking.stopping import StopSignals
from lynx.training.checkpoint_io import checkpoint_path, remove_checkpoints
from lynx.training.module import LynxTrainingModule, is_logged_step
from lynx.training.printing import RunLog

SECONDS_BETWEEN_LINES = 15.0  # where there is no terminal to draw a bar on


class AfterStep(L.Callback):
    """Calls `after_step` once per optimizer step, not once per micro batch."""

    _seen_steps = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remember where the stage starts, or goes on."""
        self._seen_steps = trainer.global_step

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Call `after_step` where the micro batch has completed a step."""
        if trainer.global_step > self._seen_steps:
            self._seen_steps = trainer.global_step
            assert isinstance(pl_module, LynxTrainingModule)
            self.after_step(trainer, pl_module)

    def after_step(self, trainer: L.Trainer, module: LynxTrainingModule) -> None:
        """What is to be done after step number `trainer.global_step` (from 1)."""


class StepLog(AfterStep):
    """Logs losses, learning rate, gradient norm, speed and the realised mix; shows progress."""

    def __init__(
        self,
        *,
        stage: str,
        samples_per_step: int,
        log: RunLog,
        data: LynxDataModule,
    ) -> None:
        self.seconds = 0.0  # of training, over all resumptions
        self.loss = float("nan")  # mean over tokens since the last log
        self._stage, self._samples, self._log = stage, samples_per_step, log
        self._data = data
        self._logged_steps = 0
        self._clock = self._last_line = time.monotonic()
        self._bar: Progress | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start clock and bar."""
        super().on_train_start(trainer, pl_module)
        self._logged_steps = trainer.global_step
        self._clock = self._last_line = time.monotonic()
        if self._log.console.is_terminal and trainer.is_global_zero:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._bar = Progress(*columns, TextColumn("{task.fields[text]}"), transient=True)
            self._bar.add_task(self._stage, total=trainer.max_steps, text="")
            self._bar.start()

    def after_step(self, trainer: L.Trainer, module: LynxTrainingModule) -> None:
        """Log where it is due, and begin the sums of the next step."""
        if is_logged_step(trainer, trainer.global_step):
            self._write(trainer, module)
        module.losses.end_step()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=trainer.global_step)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the bar away."""
        self._stop_bar()

    def on_exception(self, *_: Any) -> None:
        """Take the bar away, so that the message stands on a line of its own."""
        self._stop_bar()

    def state_dict(self) -> dict[str, Any]:
        """Seconds spent so far."""
        return {"seconds": self.seconds + time.monotonic() - self._clock}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.seconds = state_dict["seconds"]

    def _write(self, trainer: L.Trainer, module: LynxTrainingModule) -> None:
        steps, now = trainer.global_step, time.monotonic()
        elapsed, self._clock = now - self._clock, now
        self.seconds += elapsed
        speed = (steps - self._logged_steps) * self._samples / max(elapsed, 1e-9)
        self._logged_steps = steps
        metrics: dict[str, float] = module.losses.compute()
        module.losses.end_log()
        self.loss = metrics["loss_since_last_log"]
        metrics["learning_rate"] = module.last_learning_rate
        norm = module.read_gradient_norm()
        if norm is not None:
            metrics["gradient_norm"] = norm
        metrics["samples"] = steps * self._samples
        metrics["samples_per_second"] = speed
        metrics |= self._mix()
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=steps - 1)
        self._show(trainer, speed)

    def _mix(self) -> dict[str, float]:
        """Samples and tokens of each source so far, padding, and rows that could not be used."""
        mix = self._data.realised_mix()
        found: dict[str, float] = {"useful_tokens": mix.useful_share}
        found |= {f"mix/{name}": count for name, count in mix.samples.items() if count}
        found |= {f"mix_tokens/{name}": count for name, count in mix.tokens.items() if count}
        return found | {f"unreadable/{n}": count for n, count in self._data.unreadable().items()}

    def _show(self, trainer: L.Trainer, speed: float) -> None:
        steps, total = trainer.global_step, trainer.max_steps
        left = timedelta(seconds=round((total - steps) * self._samples / max(speed, 1e-9)))
        text = f"loss {self.loss:.3f}  {speed:.0f} samples/s  {left} left"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], text=text)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES or steps == total:
            self._last_line = time.monotonic()
            self._log.say(f"{self._stage}  step {steps} of {total}  {text}")

    def _stop_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class Checkpoints(AfterStep):
    """Writes a checkpoint every n steps and keeps the newest."""

    def __init__(self, *, folder: Path, every_n_steps: int) -> None:
        self._folder, self._every_n_steps = folder, every_n_steps
        self._saved_steps = -1

    def after_step(self, trainer: L.Trainer, module: LynxTrainingModule) -> None:
        """Save where it is due; after the last step the stage's final file takes its place."""
        steps = trainer.global_step
        if steps % self._every_n_steps == 0 and steps < trainer.max_steps:
            self.save(trainer)

    def save(self, trainer: L.Trainer) -> None:
        """Save now, if this step isn't saved yet; every rank must call it."""
        if trainer.global_step == self._saved_steps:  # a signal came in a step that was due
            return
        self._saved_steps = trainer.global_step
        path = checkpoint_path(self._folder, trainer.global_step)
        trainer.save_checkpoint(path)
        if trainer.is_global_zero:
            remove_checkpoints(self._folder, keep=path)
        trainer.strategy.barrier()


class StopOnSignal(AfterStep):
    """On SIGTERM or SIGUSR1: ends the step, saves, and stops; the ranks agree after every step."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self.signals = StopSignals()
        self._checkpoints = checkpoints

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the place of Lightning's handlers, which wait for other ranks within a step.

        Lightning itself puts back what there was before its own, after a failure too.
        """
        super().on_train_start(trainer, pl_module)
        self.signals.listen()

    def after_step(self, trainer: L.Trainer, module: LynxTrainingModule) -> None:
        """Save and stop if any rank has been told to."""
        if not trainer.strategy.reduce_boolean_decision(self.signals.received, all=False):
            return
        if trainer.global_step < trainer.max_steps:
            self._checkpoints.save(trainer)
            trainer.should_stop = True


class AtEnd(L.Callback):
    """Calls a function on every rank when all steps have been made."""

    def __init__(self, finish: Callable[[L.Trainer], None]) -> None:
        self._finish = finish

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Finish, unless a signal has stopped the stage early."""
        if trainer.global_step >= trainer.max_steps:
            self._finish(trainer)
            trainer.strategy.barrier()
