"""The DataModule of one stage: micro batches in order, resumable at any optimizer step."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from lynx.config.errors import LynxError
from lynx.data.batch import Batch, Failure
from lynx.data.micro_batches import MicroBatches, Share
from lynx.data.stream import MixPlan

_log = logging.getLogger(__name__)


class LynxDataModule(LightningDataModule):
    """Feeds the trainer; its state is the number of samples that all ranks have consumed.

    `realised_mix` and `failures` say what was delivered. There is no validation loader.
    """

    def __init__(
        self,
        *,
        micro_batches: MicroBatches,
        plan: MixPlan,
        share: Share,
        steps: int,
        sizes: Mapping[str, int],
        fingerprint: str,
        num_workers: int,
        max_failures_per_source: float,
        pin_memory: bool = False,
    ) -> None:
        """steps: optimizer steps of the stage; sizes: samples of each source."""
        super().__init__()
        self._micro_batches, self._plan, self._share = micro_batches, plan, share
        self._steps, self._sizes = steps, dict(sizes)
        self._num_workers, self._pin_memory = num_workers, pin_memory
        self._max_failures_per_source = max_failures_per_source
        self.fingerprint = fingerprint
        self.source_names = plan.source_names
        self.accumulation = share.accumulation
        self._start_step = 0
        self._num_delivered = 0  # micro batches of this rank, from the start of the stage
        self._counts = plan.counts(0)
        self.failures: dict[tuple[str, int], str] = {}  # (source, row) -> reason

    @property
    def num_micro_batches(self) -> int:
        """Of this rank in the whole stage."""
        return self._steps * self._share.accumulation

    @property
    def consumed_samples(self) -> int:
        """Samples of all ranks in the optimizer steps that have been delivered whole."""
        return self._num_delivered // self._share.accumulation * self._share.global_batch_size

    def train_dataloader(self) -> _StepLoader:
        """Sized by the whole stage, also after a resume; Lightning counts from the start."""
        return _StepLoader(self)

    def realised_mix(self) -> dict[str, int]:
        """Samples delivered so far of each source, over all ranks."""
        return dict(zip(self.source_names, self._counts, strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Equal on all ranks, and independent of their number and of the workers'."""
        return {"consumed_samples": self.consumed_samples, "fingerprint": self.fingerprint}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the state was taken; LynxError if the data are not the same."""
        if state_dict["fingerprint"] != self.fingerprint:
            raise LynxError(
                f"the checkpoint was trained on other data ({state_dict['fingerprint']}, now "
                f"{self.fingerprint}): recipe, prompts, shards, seed, batch size and image size "
                "must be what they were; start the run anew or restore them"
            )
        consumed = state_dict["consumed_samples"]
        self._start_step = consumed // self._share.global_batch_size
        self._num_delivered = self._start_step * self._share.accumulation
        self._counts = self._plan.counts(consumed)

    def _batches(self) -> Iterator[Batch]:
        """Whole optimizer steps: the tokens of a step must be known before its first micro batch."""
        first = self._num_delivered = self._start_step * self._share.accumulation
        self._counts = self._plan.counts(self.consumed_samples)
        loader: DataLoader[Batch] = DataLoader(
            self._micro_batches,
            batch_size=None,
            sampler=range(first, self.num_micro_batches),
            num_workers=self._num_workers,
            multiprocessing_context="fork" if self._num_workers else None,
            pin_memory=self._pin_memory,
        )
        stream = iter(loader)
        while step := list(islice(stream, self._share.accumulation)):
            total = sum(batch.num_targets for batch in step)
            for batch in step:
                self._count(batch)
                yield replace(batch, step_target_tokens=total)

    def _count(self, batch: Batch) -> None:
        for source in batch.sample_sources:
            self._counts[source] += 1
        for rank in range(self._share.world_size):
            if rank != self._share.rank:
                for position in self._share.positions(self._num_delivered, rank=rank):
                    self._counts[self._plan.source_at(position)] += 1
        self._num_delivered += 1
        for failure in batch.failures:
            self._record(failure)

    def _record(self, failure: Failure) -> None:
        place = (failure.source, failure.row)
        if place in self.failures:
            return
        self.failures[place] = failure.reason
        _log.warning("replaced by the next sample of its source: %s", failure.reason)
        count = sum(source == failure.source for source, _ in self.failures)
        if count > self._max_failures_per_source * self._sizes[failure.source]:
            raise LynxError(
                f"source `{failure.source}`: {count} of {self._sizes[failure.source]} samples can't "
                f"be read, more than data.max_failures_per_source = {self._max_failures_per_source:g} "
                f"allows; the last: {failure.reason}"
            )


class _StepLoader:
    """An iterable over the rest of the stage whose length is that of the whole stage."""

    def __init__(self, module: LynxDataModule) -> None:
        self._module = module

    def __len__(self) -> int:
        return self._module.num_micro_batches

    def __iter__(self) -> Iterator[Batch]:
        return self._module._batches()
