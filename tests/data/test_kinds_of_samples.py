"""Pairs, videos, multiple choice and dialogues cut into rounds: from shards to what is learned."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import PreTrainedTokenizerBase

from lynx.config.prompt_pools import PromptPool
from lynx.config.recipe_files import load_recipe
from lynx.data.batch import Batch
from lynx.data.build import build_data_module
from lynx.data.sample import Round, Sample
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards
from lynx.data.text import IGNORED, Encoded, encode_sample
from tests.clips import make_clip
from tests.tiny import NUM_QUERIES, tiny_config

POOL = PromptPool("q", ("question",), "{question}", ("{question}",), ())
SOURCES = list(load_recipe("instruct").sources)
CHOICE = PromptPool("c", ("options",), "{options}", ("{options}",), ())
WORDS = ["color", "red", "blue", "green", "yes", "no", "one", "two", "three", "cat", "dog", "place"]


def png(color: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (12, 12), color).save(stream, "PNG")
    return stream.getvalue()


def write(folder: Path, *samples: Sample) -> ShardedSource:
    write_shards(samples, folder, source="s", samples_per_shard=2, licence="none", builder="tests")
    return ShardedSource(folder)


def rounds(number: int) -> tuple[Round, ...]:
    return tuple(Round({"question": WORDS[n]}, WORDS[n + 5]) for n in range(number))


def encode(
    sample: Sample, tokenizer: PreTrainedTokenizerBase, *, pool: PromptPool = POOL, **changes: Any
) -> Encoded:
    settings = {"prompts": "diverse", "rng": random.Random(0), "max_text_tokens": 64, **changes}
    return encode_sample(sample, pool=pool, tokenizer=tokenizer, **settings)  # type: ignore[arg-type]


def learned(encoded: Encoded, tokenizer: PreTrainedTokenizerBase) -> str:
    return tokenizer.decode([label for label in encoded.labels if label != IGNORED])


def test_questions_about_one_picture_are_rows_of_their_own_and_the_picture_is_stored_once(
    tmp_path: Path,
) -> None:
    asked = Sample("a", "s", "image", rounds(3), (png("red"),), split="questions")
    plain = Sample("b", "s", "image", rounds(2), (png("blue"),))
    source = write(tmp_path / "s", asked, plain, Sample("c", "s", "text", rounds(1)))
    assert len(source) == 5 and source.shard_ends == (4, 5)
    rows = [source.read(row) for row in range(5)]
    assert [one.key for one in rows] == ["a", "a", "a", "b", "c"]
    assert [len(one.rounds) for one in rows] == [1, 1, 1, 2, 1]
    assert [one.rounds[0] for one in rows[:3]] == list(asked.rounds)
    assert {one.images for one in rows[:3]} == {(png("red"),)}
    size = sum(path.stat().st_size for path in (tmp_path / "s").glob("*.tar"))
    assert size < 3 * 10240


def test_a_dialogue_cut_into_rounds_learns_the_last_one_after_its_history(
    tmp_path: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    source = write(tmp_path / "s", Sample("a", "s", "text", rounds(3), split="dialog"))
    assert len(source) == 3
    encoded = [encode(source.read(row), tokenizer) for row in range(3)]
    eos = tokenizer.eos_token
    assert [learned(one, tokenizer).split() for one in encoded] == [
        [WORDS[n + 5], eos] for n in range(3)
    ]
    assert len(encoded[0].input_ids) < len(encoded[1].input_ids) < len(encoded[2].input_ids)
    assert WORDS[5] in tokenizer.decode(encoded[2].input_ids).split()  # the first answer is read


def test_a_dialogue_that_is_too_long_loses_its_oldest_history_first(
    tmp_path: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    source = write(tmp_path / "s", Sample("a", "s", "text", rounds(5), split="dialog"))
    whole = encode(source.read(4), tokenizer)
    cut = encode(source.read(4), tokenizer, max_text_tokens=len(whole.input_ids) - 1)
    assert learned(cut, tokenizer) == learned(whole, tokenizer)
    assert cut.input_ids[1:] == whole.input_ids[-len(cut.input_ids) + 1 :]


def test_options_are_numbered_in_a_drawn_order_and_the_answer_is_one_of_them(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    options = ("red", "blue", "green")
    sample = Sample("a", "s", "text", (Round({}, "blue", options),))
    seen = set()
    for seed in range(40):
        encoded = encode(sample, tokenizer, pool=CHOICE, rng=random.Random(seed))
        words = tokenizer.decode(encoded.input_ids).split()
        seen.add(tuple(word for word in words[: words.index("bot")] if word in options))
        assert learned(encoded, tokenizer).split()[0] == "blue"
    assert len(seen) == 6


def test_the_order_of_options_does_not_depend_on_how_many_phrasings_there_are(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    options = tuple(WORDS[:6])
    sample = Sample("a", "s", "text", (Round({}, WORDS[0], options), Round({}, WORDS[1], options)))
    larger = replace(CHOICE, plain=("{options}", *(f"{word} {{options}}" for word in WORDS)))

    def first_options(pool: PromptPool, seed: int) -> list[str]:
        encoded = encode(sample, tokenizer, pool=pool, prompts="single", rng=random.Random(seed))
        said = tokenizer.decode(encoded.input_ids).split()
        return [word for word in said if word in options]

    for seed in range(20):
        assert first_options(CHOICE, seed) == first_options(larger, seed)


def batches(
    shards: dict[str, Path], tokenizer: PreTrainedTokenizerBase, **changes: Any
) -> Sequence[Batch]:
    config = tiny_config(None, {f"stages.instruct.{k}": v for k, v in changes.items()})
    data = build_data_module(
        config, "instruct", catalog=shards, tokenizer=tokenizer, num_queries=NUM_QUERIES
    )
    return list(data.train_dataloader())


@pytest.mark.parametrize(
    ("sample", "num_frames"),
    [
        (Sample("a", "nlvr2", "pair", rounds(1), (png("red"), png("blue"))), 2),
        (Sample("a", "nlvr2", "video", rounds(1), tuple(png("red") for _ in range(9))), 5),
        (Sample("a", "nlvr2", "video", rounds(1), video=make_clip(num_frames=30)), 5),
        (Sample("a", "nlvr2", "video", rounds(1), video=make_clip(num_frames=2)), 2),
    ],
    ids=["pair", "many frames", "video file", "short video file"],
)
def test_each_kind_gives_the_frames_that_the_model_takes(
    catalog: dict[str, Path],
    tokenizer: PreTrainedTokenizerBase,
    tmp_path: Path,
    sample: Sample,
    num_frames: int,
) -> None:
    fields = {"hypothesis": "red", "question": "red"}
    asked = Sample(**{**vars(sample), "rounds": (Round(fields, "yes"),)})
    write_shards(
        [asked],
        tmp_path / "nlvr2",
        source="nlvr2",
        samples_per_shard=2,
        licence="none",
        builder="tests",
    )
    shards = catalog | {"nlvr2": tmp_path / "nlvr2"}
    first, second = (batches(shards, tokenizer, micro_batch_size=1, steps=40) for _ in range(2))
    own = [
        batch
        for batch in first
        if "nlvr2" in {SOURCES[int(number)] for number in batch.source_ids.unique() if number >= 0}
    ]
    assert own and {int(batch.num_frames[0]) for batch in own} == {num_frames}
    assert all(batch.pixel_values.shape == (num_frames, 3, 56, 56) for batch in own)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.pixel_values, other.pixel_values)
