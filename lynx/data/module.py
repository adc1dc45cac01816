"""The DataModule of one stage: micro batches in order, resumable at any optimizer step."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from lynx.config.errors import LynxError
from lynx.data.batch import Batch, Failure
from lynx.data.identity import Identity, differences, fingerprint
from lynx.data.micro_batches import MicroBatches, Share
from lynx.data.quarantine import Quarantine, allowed_failures
from lynx.data.stream import MixPlan
from lynx.data.tally import RealisedMix, Tally
from lynx.tracking.ranks import gathered

_FIRST_JUDGED = 1000  # so many samples are taken for the first ones of a source, when failures are
_MOST_TOLD = 20  # failures of a source that are printed
_log = logging.getLogger(__name__)


class LynxDataModule(LightningDataModule):
    """Feeds the trainer; its state is the number of samples that all ranks have consumed.

    `quarantine` knows which rows could not be used. There is no validation loader.
    """

    def __init__(
        self,
        *,
        micro_batches: MicroBatches,
        plan: MixPlan,
        share: Share,
        steps: int,
        sizes: Mapping[str, int],
        identity: Identity,
        num_workers: int,
        max_failures_per_source: float,
        pin_memory: bool = False,
    ) -> None:
        """steps: optimizer steps of the stage; sizes: samples of each source; identity: all that
        decides what the samples are (`build.py`).

        max_failures_per_source: share of the samples tried that may be unreadable.
        """
        super().__init__()
        self._micro_batches, self._plan, self._share = micro_batches, plan, share
        self._steps, self._sizes = steps, dict(sizes)
        self._num_workers, self._pin_memory = num_workers, pin_memory
        self._max_failures_per_source = max_failures_per_source
        self._identity = dict(identity)
        self.fingerprint = fingerprint(identity)
        self.source_names = plan.source_names
        self.accumulation = share.accumulation
        self._num_delivered = 0  # micro batches of this rank, from the start of the stage
        self.tally = Tally(len(self.source_names))  # of what this rank was given
        self.quarantine = Quarantine()  # a file's takes its place in a run

    @property
    def num_micro_batches(self) -> int:
        """Of this rank in the whole stage."""
        return self._steps * self.accumulation

    @property
    def consumed_samples(self) -> int:
        """Samples of all ranks in the optimizer steps that have been delivered whole."""
        return self._num_delivered // self.accumulation * self._share.global_batch_size

    def train_dataloader(self) -> StepLoader:
        """Batches from where the state is, in whole optimizer steps."""
        return StepLoader(self)

    def realised_mix(self) -> RealisedMix:
        """What all ranks were given so far; every rank must ask."""
        return self._whole_tally().by_source(self.source_names)

    def _whole_tally(self) -> Tally:
        return Tally.total(len(self.source_names), gathered(self.tally.state()))

    def unreadable(self) -> dict[str, int]:
        """Rows of each source that could not be used, see `Quarantine`."""
        return self.quarantine.counts

    def planned_mix(self, num_samples: int) -> dict[str, int]:
        """Samples of each source among the first `num_samples` of the stage."""
        return self._plan.counts(num_samples)

    def state_dict(self) -> dict[str, Any]:
        """Equal on all ranks, and independent of their number and of the workers'.

        Where to go on is one integer; the rest is to refuse other data, and to go on counting.
        """
        return {
            "consumed_samples": self.consumed_samples,
            "identity": dict(self._identity),
            "tally": self._whole_tally().state(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the state was taken; LynxError naming what differs if the data do."""
        changed = differences(state_dict["identity"], self._identity)
        if changed:
            raise LynxError(
                "the checkpoint was trained on other data: " + "; ".join(changed) + "; restore "
                "them, or run without --resume to start the stage anew"
            )
        step = state_dict["consumed_samples"] // self._share.global_batch_size
        self._num_delivered = step * self.accumulation
        if self._share.rank == 0:  # one rank goes on with all sums
            self.tally = Tally.total(len(self.source_names), [state_dict["tally"]])

    def batches(self) -> Iterator[Batch]:
        """The rest of the stage, by whole steps: a step's tokens are known before it begins."""
        first = self._num_delivered = self._num_delivered // self.accumulation * self.accumulation
        loader: DataLoader[Batch | LynxError] = DataLoader(
            self._micro_batches,
            batch_size=None,
            sampler=range(first, self.num_micro_batches),
            num_workers=self._num_workers,
            multiprocessing_context="fork" if self._num_workers else None,
            worker_init_fn=_leave_process_group,
            pin_memory=self._pin_memory,
        )
        iterator = iter(loader)
        try:
            while found := list(islice(iterator, self.accumulation)):
                step = [self._checked(batch) for batch in found]
                total = sum(batch.num_targets for batch in step)
                for number, batch in enumerate(step, start=1):
                    self._num_delivered += 1
                    if number == self.accumulation:  # before the step ends, and a state is taken
                        for one in step:
                            self.tally.count(one)
                    yield replace(batch, step_target_tokens=total)
        finally:
            del iterator  # an error's traceback would keep the workers: their end then takes 10 s

    def _checked(self, batch: Batch | LynxError) -> Batch:
        if isinstance(batch, LynxError):
            raise batch
        for failure in batch.failures:
            self._record(failure)
        return batch

    def _record(self, failure: Failure) -> None:
        """Tell of a row once, and judge its source whenever one comes: a life of the run that has
        been stopped for its failures must not go on because they are known."""
        source = failure.source
        is_new, count = self.quarantine.add(failure), self.quarantine.counts[source]
        if is_new:
            self._tell(failure, count)
        tried = self._plan.counts(failure.position + 1)[source]
        tried //= 1 if self.quarantine.is_shared else self._share.world_size
        size = self._sizes[source]
        judged = min(size, max(tried, _FIRST_JUDGED))
        if count > allowed_failures(self._max_failures_per_source, judged=judged, size=size):
            raise LynxError(
                f"source `{source}`: {count} of {judged} samples can't be used, more than "
                f"data.max_failures_per_source = {self._max_failures_per_source:g} allows; the "
                f"last: {failure.reason}"
            )

    def _tell(self, failure: Failure, count: int) -> None:
        """Print the failure, the `count`-th of its source, if it is among the first."""
        if count <= _MOST_TOLD:
            _log.warning("replaced by the next sample of its source: %s", failure.reason)
        if count == _MOST_TOLD:
            _log.warning("further failures of `%s` are only counted", failure.source)


class StepLoader:
    """An iterable over the rest of a stage; sized by the whole, as Lightning counts from there.

    Its state is the module's: Lightning asks the loader whether it can resume.
    """

    def __init__(self, module: LynxDataModule) -> None:
        self._module = module

    def __len__(self) -> int:
        return self._module.num_micro_batches

    def __iter__(self) -> Iterator[Batch]:
        return self._module.batches()

    def state_dict(self) -> dict[str, Any]:
        """The module's state."""
        return self._module.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self._module.load_state_dict(state_dict)


def _leave_process_group(_: int) -> None:
    """torchrun and SLURM may signal the whole group, and the step in progress needs its data."""
    os.setsid()
