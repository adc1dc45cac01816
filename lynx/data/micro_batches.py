"""Makes any micro batch of a stage from its number: draws, reads, encodes and packs its samples."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.prompt_pools import Choice, PromptPool
from lynx.config.seeds import python_random
from lynx.data.batch import Batch, Document, Failure, collate
from lynx.data.packing import Packing
from lynx.data.sample import Sample, UnreadableSampleError
from lynx.data.source import Source
from lynx.data.stream import Draw, MixPlan
from lynx.data.text import Encoded, encode_sample
from lynx.data.transforms import CLIP_MEAN, CLIP_STD, Colors, image_to_levels
from lynx.data.video import choose_frames, decode_frames

_MOST_FAILURES_IN_A_ROW = 100  # no source is searched to its end


class Share:
    """Which positions each micro batch of a rank covers.

    The positions of a step are dealt out one micro batch after the other, in turn to the ranks; so
    a step has the same samples on any number of devices.
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

    def positions(self, index: int) -> range:
        """Positions of the rank's micro batch number `index` of the stage."""
        step, micro = divmod(index, self.accumulation)
        turn = micro * self.world_size + self.rank
        start = step * self.global_batch_size + turn * self.micro_batch_size
        return range(start, start + self.micro_batch_size)


class MicroBatches(Dataset[Batch | LynxError]):
    """Micro batch by number; equal in every process, because all it draws depends on positions.

    Phrasings and crops are drawn from streams of (source, row, epoch): variants that see a row, in
    whatever mix, ask and crop alike.
    """

    def __init__(
        self,
        *,
        plan: MixPlan,
        share: Share,
        sources: Mapping[str, Source],
        pools: Mapping[str, PromptPool],
        prompts: Choice,
        tokenizer: PreTrainedTokenizerBase,
        seed: int,
        stage: str,
        image_size: int,
        smallest_crop: float,
        max_text_tokens: int,
        pack_length: int,
        packing: Packing,
        num_queries: int,
        num_frames: int,
        image_mean: Colors = CLIP_MEAN,
        image_std: Colors = CLIP_STD,
    ) -> None:
        """sources, pools: of each source of the plan, by the source's name. num_frames: of a video
        at most. image_mean, image_std: see `normalise`."""
        self._plan, self._share = plan, share
        self._sources: Sequence[Source] = [sources[name] for name in plan.source_names]
        self._pools: Sequence[PromptPool] = [pools[name] for name in plan.source_names]
        self._prompts, self._tokenizer = prompts, tokenizer
        self._seed, self._stage = seed, stage
        self._image_size, self._smallest_crop = image_size, smallest_crop
        self._max_text_tokens = max_text_tokens
        self._pack_length, self._packing = pack_length, packing
        self._num_queries = num_queries
        self._num_frames = num_frames
        self._image_mean, self._image_std = image_mean, image_std

    def __getitem__(self, index: int) -> Batch | LynxError:
        # Returned, not raised: a DataLoader's worker would put its traceback into the message.
        try:
            return self.micro_batch(index)
        except LynxError as error:
            return error

    def micro_batch(self, index: int) -> Batch:
        """The rank's micro batch number `index` of the stage; its step's tokens are its own only.

        Raises LynxError where a source can't be read or doesn't fit its prompts.
        """
        failures: list[Failure] = []
        pad = self._tokenizer.pad_token_id
        return collate(
            [self._document(position, failures) for position in self._share.positions(index)],
            pack_length=self._pack_length,
            packing=self._packing,
            num_queries=self._num_queries,
            image_size=self._image_size,
            pad_token_id=0 if pad is None else pad,
            failures=failures,
            image_mean=self._image_mean,
            image_std=self._image_std,
        )

    def _document(self, position: int, failures: list[Failure]) -> Document:
        """The sample at the position, or the next readable row of its source; failures are added.

        A substitute of the same source keeps the mix exact and moves no later sample.
        """
        draw = self._plan.draw(position)
        source = self._sources[draw.source]
        tries = min(len(source), _MOST_FAILURES_IN_A_ROW)
        for offset in range(tries):
            actual = draw._replace(row=(draw.row + offset) % len(source))
            try:
                sample = source.read(actual.row)
                frames = self._frames(sample, actual)
            except UnreadableSampleError as error:
                failures.append(
                    Failure(position, source.name, source.stored_row(actual.row), str(error))
                )
                continue
            text = self._text(sample, actual)
            return Document(frames=frames, text=text, source=draw.source, position=position)
        raise LynxError(
            f"source `{source.name}` in {source.directory}: {tries} samples in a row can't be "
            f"read, such as: {failures[-tries].reason}"
        )

    def _text(self, sample: Sample, draw: Draw) -> Encoded:
        return encode_sample(
            sample,
            pool=self._pools[draw.source],
            tokenizer=self._tokenizer,
            prompts=self._prompts,
            rng=self._random("phrasing", draw),
            max_text_tokens=self._max_text_tokens,
        )

    def _frames(self, sample: Sample, draw: Draw) -> Tensor | None:
        """uint8 (F, 3, S, S); pictures are cropped at random, frames of a video never (release)."""
        if sample.kind == "text":
            return None
        rng = None if sample.kind == "video" else self._random("crop", draw)
        try:
            frames = [
                image_to_levels(
                    picture,
                    image_size=self._image_size,
                    rng=rng,
                    smallest_crop=self._smallest_crop,
                )
                for picture in self._pictures(sample, draw)
            ]
        except UnreadableSampleError as error:
            place = self._sources[draw.source].place(draw.row)
            raise UnreadableSampleError(f"{place}, sample `{sample.key}`: {error}") from error
        # A picture is not copied for the sake of its first dimension.
        return torch.stack(frames) if len(frames) > 1 else frames[0][None]

    def _pictures(self, sample: Sample, draw: Draw) -> Sequence[bytes | Image]:
        """All pictures of an image or pair; of a video as many frames as the model takes, one drawn
        from each of as many equal stretches of its time."""
        if sample.kind != "video":
            return sample.images
        rng = self._random("frames", draw)
        if sample.video is not None:
            return decode_frames(sample.video, num_frames=self._num_frames, rng=rng)
        chosen = choose_frames(len(sample.images), self._num_frames, rng)
        return [sample.images[index] for index in chosen]

    def _random(self, purpose: str, draw: Draw) -> random.Random:
        source = self._plan.source_names[draw.source]
        return python_random(self._seed, purpose, self._stage, source, draw.row, draw.epoch)
