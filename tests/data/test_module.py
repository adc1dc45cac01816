"""The data of a stage: split over devices and steps, resumed, shared by variants."""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.data.batch import Batch
from lynx.data.build import build_data_module
from lynx.data.identity import tokenizer_digest
from lynx.data.module import LynxDataModule
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards
from tests.tiny import NUM_QUERIES, tiny_config, write_tokenizer


def batches_of(data: LynxDataModule) -> list[Batch]:
    return list(data.train_dataloader())


def same(one: Batch, other: Batch) -> bool:
    pairs = [(value, getattr(other, name)) for name, value in vars(one).items()]
    return all(torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in pairs)


def same_batches(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(map(same, one, other))


def test_a_stage_has_its_steps_and_each_position_once(make: Any) -> None:
    data = make(steps=3)
    batches = batches_of(data)
    assert len(batches) == len(data.train_dataloader()) == 3 * data.accumulation == 6
    assert [p for batch in batches for p in batch.positions] == list(range(3 * 8))


def test_ranks_take_micro_batches_in_turn(make: Any) -> None:
    ranks = [
        batches_of(make(steps=2, micro_batch_size=2, rank=rank, world_size=2)) for rank in (0, 1)
    ]
    assert [batch.positions for batch in ranks[0]] == [(0, 1), (4, 5), (8, 9), (12, 13)]
    assert [batch.positions for batch in ranks[1]] == [(2, 3), (6, 7), (10, 11), (14, 15)]


def test_a_step_has_the_same_samples_however_it_is_split(make: Any) -> None:
    def responses(batches: list[Batch]) -> Counter[tuple[int, ...]]:
        """Supervised tokens of each document with their source, as a bag."""
        bag: Counter[tuple[int, ...]] = Counter()
        for batch in batches:
            for row, numbers in enumerate(batch.document_ids):
                for number in range(1, int(numbers.max()) + 1):
                    places = numbers == number
                    source = int(batch.source_ids[row][places][0])
                    bag[source, *batch.input_ids[row][places].tolist()] += 1
        return bag

    whole = batches_of(make(steps=1, micro_batch_size=8))
    split = [
        batch
        for rank in (0, 1)
        for batch in batches_of(make(steps=1, micro_batch_size=2, rank=rank, world_size=2))
    ]
    assert responses(whole) == responses(split)


def test_step_tokens_are_those_of_all_micro_batches_of_the_step(make: Any) -> None:
    batches = batches_of(make(steps=3, micro_batch_size=2))
    for first in range(0, len(batches), 4):
        step = batches[first : first + 4]
        total = sum(int((batch.labels != -100).sum()) for batch in step)
        assert {batch.step_target_tokens for batch in step} == {total}


def test_workers_change_nothing(make: Any) -> None:
    assert same_batches(batches_of(make()), batches_of(make(data__num_workers=2)))


def test_going_on_after_any_step_gives_what_would_have_come(make: Any) -> None:
    whole = batches_of(make())
    data = make()
    stream = iter(data.train_dataloader())
    for _ in range(4):
        next(stream)
    state = json.loads(json.dumps(data.state_dict()))
    resumed = make(data__num_workers=2)
    resumed.load_state_dict(state)
    assert resumed.realised_mix().samples == data.realised_mix().samples
    assert len(resumed.train_dataloader()) == len(whole)
    assert same_batches(batches_of(resumed), whole[4:])


def test_a_step_that_was_not_finished_is_given_again(make: Any) -> None:
    whole = batches_of(make())
    data = make()
    stream = iter(data.train_dataloader())
    for _ in range(3):  # one step and a half
        next(stream)
    resumed = make()
    resumed.load_state_dict(data.state_dict())
    assert same_batches(batches_of(resumed), whole[2:])
    assert same_batches(batches_of(data), whole[2:])


def test_going_on_with_another_number_of_devices_sees_each_sample_once(make: Any) -> None:
    first = make(steps=4)
    stream = iter(first.train_dataloader())
    seen = [position for _ in range(4) for position in next(stream).positions]
    for rank in (0, 1):
        data = make(steps=4, rank=rank, world_size=2)
        data.load_state_dict(first.state_dict())
        seen += [position for batch in batches_of(data) for position in batch.positions]
    assert sorted(seen) == list(range(4 * 8))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"recipe": "pretrain"}, "weight of llava_caption was 0.945, is not there"),
        ({"prompts": "single"}, "prompts of visual_genome_caption was "),
        ({"image_size": 28}, "image_size was 56, is 28"),
        ({"global_batch_size": 16}, "global_batch_size was 8, is 16"),
        ({"data__locality": 1}, "locality was 0, is 1"),
        ({"data__phrasings": "plain"}, "prompts of vgqa was "),
    ],
    ids=str,
)
def test_a_state_of_other_data_is_refused_and_the_difference_named(
    make: Any, change: dict[str, Any], named: str
) -> None:
    state = make().state_dict()
    with pytest.raises(LynxError, match=f"other data: (.*; )?{named}"):
        make(**change).load_state_dict(state)


def test_another_seed_tokenizer_or_shard_is_refused_and_named(
    make: Any, catalog: dict[str, Path], tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    state = make().state_dict()

    def other(**settings: Any) -> LynxDataModule:
        given = {"catalog": catalog, "tokenizer": tokenizer, "config": tiny_config(None)}
        given |= settings
        config = given.pop("config")
        return build_data_module(config, "instruct", num_queries=NUM_QUERIES, **given)

    other().load_state_dict(state)
    with pytest.raises(LynxError, match="seed was 0, is 1"):
        other(config=replace(tiny_config(None), seed=1)).load_state_dict(state)
    grown = copy.deepcopy(tokenizer)
    grown.add_tokens(["lynx"])
    with pytest.raises(LynxError, match=r"tokenizer was .*, is "):
        other(tokenizer=grown).load_state_dict(state)
    samples = [ShardedSource(catalog["gqa"]).read(row) for row in range(5)]
    labels = {"source": "gqa", "samples_per_shard": 4, "licence": "none", "builder": "tests"}
    write_shards(samples, tmp_path / "gqa", **labels)  # type: ignore[arg-type]
    with pytest.raises(LynxError, match=r"shards of gqa was .*, is "):
        other(catalog=catalog | {"gqa": tmp_path / "gqa"}).load_state_dict(state)


def test_using_a_tokenizer_makes_it_no_other_tokenizer(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    before = tokenizer_digest(tokenizer)
    tokenizer(["red", "blue blue"], padding=True, truncation=True, max_length=4)
    assert tokenizer_digest(tokenizer) == before
    tokenizer.add_tokens(["lynx"])
    assert tokenizer_digest(tokenizer) != before


def test_the_tally_counts_whole_steps_once_across_lives(make: Any) -> None:
    data = make(steps=4)
    stream = iter(data.train_dataloader())
    for _ in range(3):  # one step and a half
        next(stream)
    resumed = make(steps=4)
    resumed.load_state_dict(data.state_dict())
    assert sum(resumed.realised_mix().samples.values()) == 8
    batches_of(resumed)
    whole = make(steps=4)
    batches = batches_of(whole)
    assert resumed.realised_mix() == whole.realised_mix()
    mix = whole.realised_mix()
    assert mix.samples == whole.planned_mix(32)
    used = sum(int((batch.document_ids > 0).sum()) for batch in batches)
    places = sum(batch.document_ids.numel() for batch in batches)
    assert sum(mix.tokens.values()) == used and mix.useful_share == used / places


def test_the_realised_mix_counts_all_ranks(make: Any) -> None:
    ranks = [make(steps=6, rank=rank, world_size=2) for rank in (0, 1)]
    counted: Counter[str] = Counter()
    for data in ranks:
        for batch in batches_of(data):
            for ids, numbers in zip(batch.source_ids, batch.document_ids, strict=True):
                starts = {int(n): int(s) for n, s in zip(numbers, ids, strict=True) if n}
                counted.update(data.source_names[source] for source in starts.values())
    mixes = [data.realised_mix() for data in ranks]  # the ranks are not connected here
    summed = {name: sum(mix.samples[name] for mix in mixes) for name in mixes[0].samples}
    assert sum(summed.values()) == 48
    assert {name: count for name, count in summed.items() if count} == dict(counted)
    assert summed == ranks[0].planned_mix(48)


def test_recipes_show_a_shared_source_in_the_same_words_and_crops(make: Any) -> None:
    def first_seen(recipe: str, source: str) -> tuple[list[int], Tensor]:
        data = make(recipe=recipe, steps=60)
        number = data.source_names.index(source)
        for batch in data.train_dataloader():
            rows, columns = (batch.source_ids == number).nonzero(as_tuple=True)
            if len(rows) == 0:
                continue
            row, document = rows[0], batch.document_ids[rows[0], columns[0]]
            visual = 0
            for index, numbers in enumerate(batch.document_ids):
                for one in range(1, int(numbers.max()) + 1):
                    places = numbers == one
                    if index == row and one == document:
                        frame = sum(batch.num_frames[:visual].tolist())
                        return batch.input_ids[index][places].tolist(), batch.pixel_values[frame]
                    visual += int(batch.vision_mask[index][places].any())
        raise AssertionError(f"no sample of {source}")

    words, picture = first_seen("pretrain", "vqav2")
    other_words, other_picture = first_seen("instruct", "vqav2")
    assert words == other_words
    assert torch.equal(picture, other_picture)


def test_single_prompts_leave_order_and_crops_alone(make: Any) -> None:
    diverse, single = batches_of(make()), batches_of(make(prompts="single"))
    assert any(
        one.input_ids.shape != other.input_ids.shape or (one.input_ids != other.input_ids).any()
        for one, other in zip(diverse, single, strict=True)
    )
    for one, other in zip(diverse, single, strict=True):
        pixels = [batch.pixel_values.flatten(1).sum(1).sort().values for batch in (one, other)]
        assert torch.equal(*pixels)


def test_rows_too_short_for_a_sample_are_refused(make: Any) -> None:
    with pytest.raises(LynxError, match=r"data\.pack_length: 66 tokens .* 68 would"):
        make(data__pack_length=66, data__max_text_tokens=64)


def test_a_source_that_the_catalog_lacks_is_named(make: Any, catalog: dict[str, Path]) -> None:
    rest = {name: folder for name, folder in catalog.items() if name != "vqav2"}
    with pytest.raises(LynxError, match="source `vqav2` is not in the catalog"):
        make(shards=rest)


def test_a_batch_that_cannot_be_split_is_refused(make: Any) -> None:
    with pytest.raises(LynxError, match="no multiple of 3 devices"):
        make(world_size=3)


class Recorder(L.LightningModule):
    """Trains one number, and notes which positions it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[tuple[int, ...]] = []

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        self.seen.append(batch.positions)
        return self.weight * batch.labels.float().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(folder: Path, *, max_steps: int) -> L.Trainer:
    return L.Trainer(
        accelerator="cpu",
        max_steps=max_steps,
        accumulate_grad_batches=2,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
    )


@pytest.mark.filterwarnings("error:.*not resumable")
def test_lightning_goes_on_where_its_checkpoint_stopped(make: Any, tmp_path: Path) -> None:
    settings = {"steps": 5}
    first = Recorder()
    run = trainer(tmp_path, max_steps=2)
    run.fit(first, datamodule=make(**settings))
    run.save_checkpoint(tmp_path / "two.ckpt")
    second = Recorder()
    resumed = trainer(tmp_path, max_steps=5)
    resumed.fit(second, datamodule=make(**settings), ckpt_path=tmp_path / "two.ckpt")
    assert resumed.global_step == 5
    expected = [tuple(range(start, start + 4)) for start in range(0, 40, 4)]
    assert first.seen + second.seen == expected
