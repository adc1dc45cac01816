"""Packing: what stands where in the rows of a micro batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lynx.config.errors import LynxError
from lynx.data.batch import Batch, Document, collate, places_of
from lynx.data.text import IGNORED, Encoded

QUERIES = 3
SIZE = 14


def document(position: int, *, text: int, frames: int, source: int = 0) -> Document:
    """A sample of `text` tokens, of which the last two are learned; its numbers tell it apart."""
    ids = [1, *range(100 * position + 1, 100 * position + text)]
    labels = [IGNORED] * (text - 2) + ids[-2:]
    pixels = torch.full((frames, 3, SIZE, SIZE), float(position)) if frames else None
    return Document(frames=pixels, text=Encoded(ids, labels), source=source, position=position)


def packed(*documents: Document, pack_length: int = 20) -> Batch:
    return collate(
        documents,
        pack_length=pack_length,
        num_queries=QUERIES,
        image_size=SIZE,
        pad_token_id=0,
    )


def runs(batch: Batch) -> list[tuple[int, int, Tensor]]:
    """Row, document number and places of every document, row by row."""
    return [
        (row, number, (ids == number).nonzero().flatten())
        for row, ids in enumerate(batch.document_ids)
        for number in range(1, int(ids.max()) + 1)
    ]


MIXED = (
    document(1, text=9, frames=1, source=2),  # 12 tokens: row 0
    document(2, text=10, frames=0),  # row 1
    document(3, text=5, frames=5, source=1),  # 8: fits behind the first
    document(4, text=10, frames=0),  # behind the second
    document(5, text=17, frames=1),  # row 2
)


def test_each_sample_goes_into_the_first_row_with_room() -> None:
    batch = packed(*MIXED)
    firsts = [int(batch.input_ids[row, places[-1]]) // 100 for row, _, places in runs(batch)]
    assert firsts == [1, 3, 2, 4, 5]
    assert batch.document_ids.shape == (3, 24)  # 20, up to a multiple of 8
    assert batch.positions == (1, 2, 3, 4, 5)
    assert batch.num_samples == 5


def test_a_document_is_its_vision_positions_then_its_text() -> None:
    batch = packed(*MIXED)
    by_position = {one.position: one for one in MIXED}
    for row, _, places in runs(batch):
        one = by_position[int(batch.input_ids[row, places[-1]]) // 100]
        vision = 0 if one.frames is None else QUERIES
        assert places.tolist() == list(range(int(places[0]), int(places[0]) + len(places)))
        assert batch.position_ids[row, places].tolist() == list(range(len(places)))
        assert batch.vision_mask[row, places].tolist() == [
            index < vision for index in range(len(places))
        ]
        assert batch.input_ids[row, places[vision:]].tolist() == one.text.input_ids
        assert batch.labels[row, places].tolist() == [IGNORED] * vision + one.text.labels
        assert set(batch.source_ids[row, places].tolist()) == {one.source}


def test_padding_is_marked_everywhere() -> None:
    batch = packed(*MIXED)
    padding = batch.document_ids == 0
    assert padding.sum() == batch.document_ids.numel() - sum(len(p) for *_, p in runs(batch))
    assert (batch.source_ids[padding] == -1).all()
    assert (batch.labels[padding] == IGNORED).all()
    assert (batch.input_ids[padding] == 0).all()
    assert not batch.vision_mask[padding].any()


def test_frames_are_in_the_order_of_the_documents_in_the_rows() -> None:
    batch = packed(*MIXED)
    assert batch.num_frames.tolist() == [1, 5, 1]
    assert batch.pixel_values[:, 0, 0, 0].tolist() == [1, 3, 3, 3, 3, 3, 5]
    assert int(batch.vision_mask.sum()) == QUERIES * len(batch.num_frames)


def test_places_are_those_that_the_masks_say() -> None:
    batch = packed(*MIXED)
    assert batch.vision_places.tolist() == batch.vision_mask.flatten().nonzero().flatten().tolist()
    targets = (batch.labels != IGNORED).flatten().nonzero().flatten()
    assert batch.target_places.tolist() == targets.tolist()
    # Rows of 24: 12 + 8 and padding, 10 + 10 and padding, 20 and padding.
    assert batch.document_bounds.tolist() == [0, 12, 20, 24, 34, 44, 48, 68, 72]
    assert batch.document_bounds.dtype == torch.int32
    assert batch.longest_document == 20


def test_the_first_token_of_a_row_is_no_target_as_nothing_stands_before_it() -> None:
    labels = np.array([[5, 6, IGNORED], [7, IGNORED, 8]])
    none, ids = np.zeros(labels.shape, dtype=np.bool_), np.ones(labels.shape, dtype=np.int64)
    places = places_of(vision_mask=none, labels=labels, document_ids=ids)
    assert places["target_places"].tolist() == [1, 5]


def test_packing_loses_no_supervised_token() -> None:
    assert packed(*MIXED).num_targets == 2 * len(MIXED)


def test_without_pictures_there_is_one_blank_one() -> None:
    batch = packed(document(1, text=4, frames=0))
    assert batch.is_blank
    assert batch.pixel_values.shape == (1, 3, SIZE, SIZE)
    assert not batch.pixel_values.any()
    assert batch.num_frames.tolist() == [1]
    assert not batch.vision_mask.any()


def test_a_sample_longer_than_a_row_names_the_key_to_change() -> None:
    with pytest.raises(LynxError, match=r"data\.pack_length: a sample has 21 tokens"):
        packed(document(1, text=18, frames=1))


def test_a_batch_moves_as_a_whole() -> None:
    batch = packed(*MIXED).to("meta")
    tensors = [value for value in vars(batch).values() if isinstance(value, Tensor)]
    assert len(tensors) == 11
    staying = [tensor for tensor in tensors if tensor.device.type != "meta"]
    assert len(staying) == 1 and staying[0] is batch.num_frames  # it says how large others become
    assert batch.positions == (1, 2, 3, 4, 5)
