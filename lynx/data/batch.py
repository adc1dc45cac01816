"""Packs encoded samples into the rows of a micro batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lynx.data.packing import Packing, packed_rows
from lynx.data.text import IGNORED, Encoded
from lynx.data.transforms import CLIP_MEAN, CLIP_STD, Colors, normalise

_MULTIPLE = 8  # of the row length; odd lengths are slow


class Failure(NamedTuple):
    """A sample that could not be read; the next row of its source took its place."""

    position: int
    source: str
    row: int
    reason: str


@dataclass(frozen=True)
class Document:
    """A sample ready to be packed: its frames, text, and where it came from.

    frames: (F, 3, S, S) or None; uint8 levels, which packing normalises, or float32 that are.
    """

    frames: Tensor | None
    text: Encoded
    source: int  # number in the recipe
    position: int  # of the stage's stream


@dataclass(frozen=True)
class Batch:
    """A micro batch of R packed rows of T tokens; every row holds whole documents.

    pixel_values: float32 (F, 3, S, S), all frames in row-major document order; one blank frame if
        there is no visual sample (then `is_blank`).
    num_frames: int64 (V,), frames of each visual sample; (1,) if blank. Always on the CPU.
    input_ids, position_ids: int64 (R, T); positions start again in every document.
    vision_mask: bool (R, T), the places of vision tokens; they stand before BOS.
    document_ids: int64 (R, T), 1, 2, ... within a row, 0 is padding.
    labels: int64 (R, T), -100 for none; labels[t] is what is predicted from t - 1.
    source_ids: int64 (R, T), number of the source in the recipe, -1 is padding.
    vision_places, target_places, document_bounds, longest_document: see `places_of`.
    step_target_tokens: supervised tokens of this rank in the whole optimizer step.
    positions: of the samples in the stage's stream, ascending.
    """

    pixel_values: Tensor
    num_frames: Tensor
    is_blank: bool
    input_ids: Tensor
    vision_mask: Tensor
    document_ids: Tensor
    position_ids: Tensor
    labels: Tensor
    source_ids: Tensor
    vision_places: Tensor
    target_places: Tensor
    document_bounds: Tensor
    longest_document: int
    step_target_tokens: int
    num_samples: int
    positions: tuple[int, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def num_targets(self) -> int:
        """Supervised tokens of this micro batch."""
        return int((self.labels != IGNORED).sum())

    def to(self, device: torch.device | str) -> Batch:
        """The batch with its tensors on the device, except num_frames, which shapes them.

        A GPU copies from pinned memory while the CPU goes on; Lightning doesn't ask for that.
        """
        non_blocking = torch.device(device).type == "cuda"
        moved = self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))
        return replace(moved, num_frames=self.num_frames)

    def pin_memory(self) -> Batch:
        """The batch in page-locked memory; DataLoader calls this."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, function: Callable[[Tensor], Tensor]) -> Batch:
        tensors: dict[str, Any] = {
            field.name: function(value)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **tensors)


def collate(
    documents: Sequence[Document],
    *,
    pack_length: int,
    packing: Packing = "first_fit",
    num_queries: int,
    image_size: int,
    pad_token_id: int,
    failures: Sequence[Failure] = (),
    image_mean: Colors = CLIP_MEAN,
    image_std: Colors = CLIP_STD,
) -> Batch:
    """Pack the documents into rows of at most `pack_length` tokens, vision tokens included.

    packing: see `packing.py`. image_mean, image_std: see `normalise`. LynxError if a document is
    longer than a row.
    """
    lengths = [_length(one, num_queries) for one in documents]
    rows = [
        [documents[index] for index in row]
        for row in packed_rows(lengths, pack_length=pack_length, packing=packing)
    ]
    longest = max(sum(_length(one, num_queries) for one in row) for row in rows)
    shape = (len(rows), -(-longest // _MULTIPLE) * _MULTIPLE)
    # Filled by numpy, whose short slices cost a fifth of torch's.
    input_ids, labels, source_ids, document_ids, position_ids = (
        np.full(shape, value, dtype=np.int64) for value in (pad_token_id, IGNORED, -1, 0, 0)
    )
    vision_mask = np.zeros(shape, dtype=np.bool_)
    numbers = np.arange(longest)
    for index, row in enumerate(rows):
        start = 0
        for number, one in enumerate(row, start=1):
            end = start + _length(one, num_queries)
            text = end - len(one.text.input_ids)
            vision_mask[index, start:text] = True
            input_ids[index, text:end] = one.text.input_ids
            labels[index, text:end] = one.text.labels
            source_ids[index, start:end] = one.source
            document_ids[index, start:end] = number
            position_ids[index, start:end] = numbers[: end - start]
            start = end
    frames = [one.frames for row in rows for one in row if one.frames is not None]
    batch = Batch(
        pixel_values=_pixels(frames, image_mean, image_std)
        if frames
        else torch.zeros(1, 3, image_size, image_size),
        num_frames=torch.tensor([len(group) for group in frames] or [1]),
        is_blank=not frames,
        input_ids=torch.from_numpy(input_ids),
        vision_mask=torch.from_numpy(vision_mask),
        document_ids=torch.from_numpy(document_ids),
        position_ids=torch.from_numpy(position_ids),
        labels=torch.from_numpy(labels),
        source_ids=torch.from_numpy(source_ids),
        **places_of(vision_mask=vision_mask, labels=labels, document_ids=document_ids),
        step_target_tokens=0,
        num_samples=len(documents),
        positions=tuple(one.position for one in documents),
        failures=tuple(failures),
    )
    return replace(batch, step_target_tokens=batch.num_targets)


def places_of(
    *, vision_mask: np.ndarray, labels: np.ndarray, document_ids: np.ndarray
) -> dict[str, Any]:
    """Where things stand in the rows (R, T) laid end to end, by field of Batch.

    Found here, since a GPU that is asked where a mask is true must end all it does before.
    vision_places: int64 (V * num_queries,). target_places: int64 (num_targets,), of the tokens to
    predict. document_bounds: int32 (D + 1,), where documents begin, and the end; a row's padding
    counts as one. longest_document: tokens.
    """
    is_target = labels != IGNORED
    is_target[:, 0] = False  # nothing stands before it
    is_first = np.ones(document_ids.shape, dtype=np.bool_)
    is_first[:, 1:] = document_ids[:, 1:] != document_ids[:, :-1]
    bounds = np.append(np.flatnonzero(is_first), document_ids.size).astype(np.int32)
    return {
        "vision_places": torch.from_numpy(np.flatnonzero(vision_mask)),
        "target_places": torch.from_numpy(np.flatnonzero(is_target)),
        "document_bounds": torch.from_numpy(bounds),
        "longest_document": int(np.diff(bounds).max()),
    }


def _pixels(frames: Sequence[Tensor], image_mean: Colors, image_std: Colors) -> Tensor:
    """All frames float32, in order. Levels are written once, to where they stay: what a micro batch
    costs beyond decoding is above all the memory it goes through."""
    if frames[0].dtype != torch.uint8:
        return torch.cat(list(frames))
    levels = [one for group in frames for one in group]
    pixels = torch.empty(len(levels), *levels[0].shape)
    for one, place in zip(levels, pixels, strict=True):
        normalise(one, place, image_mean=image_mean, image_std=image_std)
    return pixels


def _length(document: Document, num_queries: int) -> int:
    return len(document.text.input_ids) + (0 if document.frames is None else num_queries)
