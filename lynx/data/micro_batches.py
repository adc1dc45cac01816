"""Makes any micro batch of a stage from its number: draws, reads, encodes and packs its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random
from lynx.data.batch import Batch, Document, Failure, collate
from lynx.data.prompts import Choice, Pool
from lynx.data.sample import Sample
from lynx.data.shards import ShardedSource, UnreadableSampleError
from lynx.data.stream import MixPlan
from lynx.data.text import encode_sample
from lynx.data.transforms import image_to_tensor


class Share:
    """Which positions each micro batch of a rank covers.

    A step's `global_batch_size` positions are dealt to the ranks in equal runs, and a rank's run to
    its micro batches; so a step has the same samples on any number of devices.
    """

    def __init__(
        self, *, global_batch_size: int, micro_batch_size: int, rank: int, world_size: int
    ) -> None:
        if global_batch_size % (micro_batch_size * world_size):
            raise LynxError(
                f"global_batch_size {global_batch_size} is no multiple of {world_size} devices x "
                f"micro_batch_size {micro_batch_size}"
            )
        self.global_batch_size, self.micro_batch_size = global_batch_size, micro_batch_size
        self.rank, self.world_size = rank, world_size
        self.accumulation = global_batch_size // (micro_batch_size * world_size)

    def positions(self, index: int, *, rank: int | None = None) -> range:
        """Positions of the rank's (default: own) micro batch number `index` of the stage."""
        step, micro = divmod(index, self.accumulation)
        mine = self.global_batch_size // self.world_size
        start = step * self.global_batch_size + (self.rank if rank is None else rank) * mine
        start += micro * self.micro_batch_size
        return range(start, start + self.micro_batch_size)


class MicroBatches(Dataset[Batch]):
    """Micro batch by number; equal in every process, because all it draws depends on positions."""

    def __init__(
        self,
        *,
        plan: MixPlan,
        share: Share,
        sources: Mapping[str, ShardedSource],
        pools: Mapping[str, Pool],
        choose: Choice,
        tokenizer: PreTrainedTokenizerBase,
        seed: int,
        stage: str,
        image_size: int,
        random_crop_scale: float,
        max_text_tokens: int,
        pack_length: int,
        num_queries: int,
    ) -> None:
        """sources, pools: of each source of the plan, by the source's name."""
        self._plan, self._share = plan, share
        self._sources: Sequence[ShardedSource] = [sources[name] for name in plan.source_names]
        self._pools: Sequence[Pool] = [pools[name] for name in plan.source_names]
        self._choose, self._tokenizer = choose, tokenizer
        self._seed, self._stage = seed, stage
        self._image_size, self._random_crop_scale = image_size, random_crop_scale
        self._max_text_tokens = max_text_tokens
        self._pack_length, self._num_queries = pack_length, num_queries

    def __getitem__(self, index: int) -> Batch:
        failures: list[Failure] = []
        pad = self._tokenizer.pad_token_id
        return collate(
            [self.document(position, failures) for position in self._share.positions(index)],
            pack_length=self._pack_length,
            num_queries=self._num_queries,
            image_size=self._image_size,
            pad_token_id=0 if pad is None else pad,
            failures=failures,
        )

    def document(self, position: int, failures: list[Failure]) -> Document:
        """The sample at the position, or the next readable row of its source; failures are added.

        A substitute of the same source keeps the mix exact and moves no later sample.
        """
        draw = self._plan.draw(position)
        source = self._sources[draw.source]
        for offset in range(len(source)):
            row = (draw.row + offset) % len(source)
            try:
                return self._prepared(source.read(row), source=draw.source, position=position)
            except UnreadableSampleError as error:
                failures.append(Failure(position, source.name, row, str(error)))
        raise LynxError(
            f"source `{source.name}` in {source.directory}: none of its {len(source)} samples can "
            f"be read; the first: {failures[-len(source)].reason}"
        )

    def _prepared(self, sample: Sample, *, source: int, position: int) -> Document:
        text = encode_sample(
            sample,
            pool=self._pools[source],
            tokenizer=self._tokenizer,
            choose=self._choose,
            rng=python_random(self._seed, "prompt", self._stage, position),
            max_text_tokens=self._max_text_tokens,
        )
        frames = self._frames(sample, position)
        return Document(frames=frames, text=text, source=source, position=position)

    def _frames(self, sample: Sample, position: int) -> Tensor | None:
        """(F, 3, S, S); pictures are cropped at random, frames of a video never (release)."""
        if not sample.images:
            return None
        rng = None
        if sample.kind == "image":
            rng = python_random(self._seed, "crop", self._stage, position)
        try:
            return torch.stack(
                [
                    image_to_tensor(
                        image,
                        image_size=self._image_size,
                        rng=rng,
                        random_crop_scale=self._random_crop_scale,
                    )
                    for image in sample.images
                ]
            )
        except UnreadableSampleError as error:
            place = f"source `{sample.source}`, sample `{sample.key}`"
            raise UnreadableSampleError(f"{place}: {error}") from error
