"""Trains a variant: its three stages in order, each trained, resumed or reused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning as L
import safetensors.torch
import torch
import wandb
from lightning.pytorch.plugins.environments import LightningEnvironment
from transformers import PreTrainedTokenizerFast

from lynx.config.compose import config_dict
from lynx.config.schema import STAGE_NAMES, Config
from lynx.data.build import build_data_module, check_stage
from lynx.data.module import LynxDataModule
from lynx.data.quarantine import Quarantine
from lynx.model.build import build_model, load_tokenizer, model_identities
from lynx.model.checkpoint import load_trained_parts, save_trained_parts
from lynx.tracking.files import locked
from lynx.tracking.loggers import make_loggers
from lynx.tracking.memory import peak_memory, release_memory, reset_peak_memory
from lynx.tracking.ranks import (
    agreed,
    check_num_processes,
    gathered,
    is_connected,
    is_first_rank,
)
from lynx.tracking.run_dir import RunDir
from lynx.tracking.stopping import StoppedError
from lynx.training import stages
from lynx.training.audit import Audit
from lynx.training.build import build_module, build_trainer
from lynx.training.callbacks import AtEnd, Checkpoints, StepLog, StopOnSignal
from lynx.training.catalog import catalog_of
from lynx.training.checkpoint_io import latest_checkpoint, remove_checkpoints
from lynx.training.printing import RunLog, quieten
from lynx.training.records import stage_figures, write_description
from lynx.training.strategy import whole_trained_state


@dataclass(frozen=True)
class Run:
    """What the stages of a run share."""

    config: Config
    run_dir: RunDir
    log: RunLog
    catalog: Mapping[str, str | Path]
    tokenizer: PreTrainedTokenizerFast
    identities: Mapping[str, str]
    diff_text: str


@dataclass(frozen=True)
class Parent:
    """The stage before: its address and the file of its trained parts."""

    key: str
    final_path: Path


def train(
    config: Config,
    *,
    ablation_diff_text: str = "",
    resume: bool = False,
    catalog: Mapping[str, str | Path] | None = None,
) -> RunDir:
    """Train the stages that no run has trained yet, and give the run's folder.

    ablation_diff_text: what the variant changes, kept in the folder and in W&B. resume: go on from
    a stage's last checkpoint instead of starting the stage anew. catalog: folder of each source's
    shards; by default the one that the configuration names.
    """
    quieten()
    if config.hardware.threads:
        torch.set_num_threads(config.hardware.threads)
        # Else Lightning gives each of several processes its share of the cores.
        os.environ["OMP_NUM_THREADS"] = str(config.hardware.threads)
    run_dir = RunDir.of(config)
    run = Run(
        config=config,
        run_dir=run_dir,
        log=RunLog(run_dir.log_path),
        catalog=catalog if catalog is not None else catalog_of(config),
        tokenizer=load_tokenizer(config.model.language_model.checkpoint),
        identities=model_identities(config),
        diff_text=ablation_diff_text,
    )
    for stage in STAGE_NAMES:  # what is wrong with the last stage's data must not cost the first's
        check_stage(config, stage, catalog=run.catalog)
    connect(config)
    with _sole_trainer(run):
        parent: Parent | None = None
        for stage in STAGE_NAMES:
            parent = _run_stage(run, stage, parent=parent, resume=resume)
            release_memory()
    agreed(None)  # by now rank zero has written everything
    return run_dir


def connect(config: Config) -> None:
    """Let ranks that torchrun or SLURM has started all at once agree from the beginning.

    Else each would look at the disk in its own moment, and one might train what another reuses.
    Where rank zero starts the others itself it does so when it has decided and has the lock: they
    come to the same decision from what it left. LynxError where there are more processes than the
    configuration says, or fewer: every step would hold more samples, or fewer.
    """
    wanted = config.hardware.devices * config.hardware.num_nodes
    check_num_processes(wanted)
    if is_connected():
        return
    quieten()
    trainer = build_trainer(config, STAGE_NAMES[0], root=RunDir.of(config).path)
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if trainer.world_size > 1 and not isinstance(environment, LightningEnvironment):
        trainer.strategy.setup_environment()
        check_num_processes(wanted)


@contextmanager
def _sole_trainer(run: Run) -> Iterator[None]:
    """Wait for another process that trains this run: two would remove each other's checkpoints.

    Rank zero holds the lock; connected ranks wait for it, as long as the strategy's timeout lets
    them (three hours), and look at no stage before.
    """
    if not is_first_rank():
        agreed(None)
        yield
        return
    with locked(run.run_dir.lock_path, waiting=run.log.say):
        agreed(None)
        yield


def _run_stage(run: Run, stage: str, *, parent: Parent | None, resume: bool) -> Parent:
    """Reuse the stage, or train it to its end."""
    trainer = build_trainer(run.config, stage, root=run.run_dir.path)
    data = build_data_module(
        run.config,
        stage,
        catalog=run.catalog,
        tokenizer=run.tokenizer,
        num_queries=run.config.model.resampler.num_queries,
        rank=trainer.global_rank,
        world_size=trainer.world_size,
    )
    key = stages.stage_key(
        run.config,
        stage,
        identities=run.identities,
        data_fingerprint=data.fingerprint,
        parent=parent.key if parent else None,
    )
    # A rank that isn't connected yet follows rank zero, which has adopted what it reuses.
    follows = not is_first_rank() and not is_connected()
    source = agreed(stages.find_stage(run.run_dir, stage, key=key, own_only=follows))
    is_own = source is not None and source.path == run.run_dir.path
    if trainer.is_global_zero and not is_own:
        stages.remove_records(run.run_dir, first=stage)
    if source is None:
        _train_stage(run, stage, trainer=trainer, data=data, key=key, parent=parent, resume=resume)
    else:
        _reuse_stage(run, stage, source=source, is_first_rank=trainer.is_global_zero)
    # Of the source: rank zero may still be linking the run's own file.
    return Parent(key, stages.final_path(source or run.run_dir, stage))


def _reuse_stage(run: Run, stage: str, *, source: RunDir, is_first_rank: bool) -> None:
    if source.path == run.run_dir.path:
        run.log.say(f"{stage}: already trained")
        if is_first_rank:  # a kill may have come between the record and this
            remove_checkpoints(run.run_dir.checkpoint_dir(stage))
        return
    write_description(run.config, run.run_dir, diff_text=run.diff_text, identities=run.identities)
    if is_first_rank:
        stages.adopt_stage(run.run_dir, stage, source=source)
    agreed(None)  # the other ranks read the files next
    run.log.say(f"{stage}: the same as in {source.path}, reused")


def _train_stage(
    run: Run,
    stage: str,
    *,
    trainer: L.Trainer,
    data: LynxDataModule,
    key: str,
    parent: Parent | None,
    resume: bool,
) -> None:
    config, run_dir = run.config, run.run_dir
    write_description(run.config, run.run_dir, diff_text=run.diff_text, identities=run.identities)
    settings = getattr(config.stages, stage)
    checkpoint = agreed(
        _starting_point(run, stage, resume=resume, is_first_rank=trainer.is_global_zero)
    )
    reset_peak_memory()  # the peaks in the record are this stage's
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    model = build_model(config, seed=config.seed)
    inherited = {}
    if parent is not None:
        load_trained_parts(model, parent.final_path)
        inherited = safetensors.torch.load_file(parent.final_path)
    module = build_module(
        config,
        stage,
        model=model,
        source_names=data.source_names,
        key=key,
        parent_key=parent.key if parent else None,
    )
    data.quarantine = Quarantine(run_dir.quarantine_path(stage))
    step_log = StepLog(
        stage=stage,
        samples_per_step=settings.global_batch_size,
        log=run.log,
        data=data,
    )

    def finish(trainer: L.Trainer) -> None:
        state = whole_trained_state(trainer, model, inherited=inherited)
        memory = sum(gathered(peak_memory()))
        mix = data.realised_mix()
        if trainer.is_global_zero:
            path = stages.final_path(run_dir, stage)
            metadata = {"stage": stage, "key": key, "steps": settings.steps}
            save_trained_parts(model, path, metadata=metadata, state=state)
            samples = settings.steps * settings.global_batch_size
            record = stage_figures(step_log, data, mix, samples=samples)
            of_all = {"peak_memory_bytes": memory}
            stages.write_record(run_dir, stage, {**metadata, **record, **of_all})
            remove_checkpoints(run_dir.checkpoint_dir(stage))

    saver = Checkpoints(
        folder=run_dir.checkpoint_dir(stage),
        every_n_steps=config.tracking.checkpoint_every_n_steps,
    )
    audit = Audit(stage=stage, log=run.log)
    # The order matters: sums are closed before they are saved, and the audit comes before the end.
    stop = StopOnSignal(saver)
    callbacks = [step_log, audit, saver, stop, AtEnd(finish)]
    trainer.callbacks += callbacks  # type: ignore[attr-defined]
    if trainer.is_global_zero:
        trainer.loggers = make_loggers(
            run_dir=run_dir,
            stage=stage,
            config_dict=config_dict(config),
            diff_text=run.diff_text,
            project=config.tracking.wandb_project,
            group=f"{config.scale}/{config.experiment}",
            tags=[config.scale, config.ablation or config.experiment, f"seed{config.seed}"],
        )
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint)
    finally:
        wandb.finish()  # or the next stage would log into this stage's W&B run
    # All ranks come here before one ends: Lightning kills rank zero when another has.
    if stop.signals.received_by_any():
        raise StoppedError(
            f"stage {stage} was stopped by a signal after step {trainer.global_step} of "
            f"{settings.steps}; its state is saved, go on with --resume"
        )


def _starting_point(run: Run, stage: str, *, resume: bool, is_first_rank: bool) -> Path | None:
    """The checkpoint to go on from; without --resume earlier traces of the stage are removed."""
    folder = run.run_dir.checkpoint_dir(stage)
    checkpoint = latest_checkpoint(folder)
    if resume and checkpoint is not None:
        run.log.say(f"{stage}: going on from {checkpoint.name}")
        return checkpoint
    traces = checkpoint is not None or run.run_dir.metrics_path(stage).exists()
    if traces and is_first_rank:
        run.log.say(f"{stage}: started anew, what an earlier run left of it is removed")
        shutil.rmtree(run.run_dir.stage_dir(stage))
    return None
