"""Dialogues and instructions are read from copies in the layouts that their owners publish."""

from __future__ import annotations

import gzip
import importlib
from collections import Counter
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.prompt_pools import load_pools
from lynx.config.source_facts import load_source
from lynx.data.formats import dialogues, instructions, invig_parquet, llava_json
from lynx.data.sample import Round, Sample
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards
from tests.data.formats.conversation_copies import (
    LLAVA,
    TEXTS,
    Said,
    picture,
    put_flan,
    put_invig,
    put_llava,
)
from tests.data.formats.video_copies import put_json


def read(name: str, root: Path, skipped: Counter[str] | None = None) -> list[Sample]:
    facts = load_source(name)
    module = importlib.import_module(f"lynx.data.formats.{facts.format}")
    counts = Counter[str]() if skipped is None else skipped
    return list(module.read(root, source=name, skipped=counts, **facts.options))


def said(sample: Sample, field: str = "instruction") -> Said:
    assert all(set(one.fields) == {field} for one in sample.rounds)
    return [(one.fields[field], one.response) for one in sample.rounds]


def check_shards(name: str, samples: list[Sample], folder: Path) -> None:
    write_shards(
        samples, folder, source=name, samples_per_shard=2, licence="none", builder="a test"
    )
    rows = [sample.row(n) for sample in samples for n in range(sample.num_rows)]
    shards = ShardedSource(folder)
    assert [shards.read(row) for row in range(len(shards))] == rows


@pytest.mark.parametrize("name", LLAVA)
def test_a_dialogue_of_llava_has_its_picture_and_no_tag(name: str, tmp_path: Path) -> None:
    put_llava(tmp_path, LLAVA[name])
    skipped = Counter[str]()
    samples = read(name, tmp_path, skipped)
    (field,) = load_pools()[load_source(name).prompts].fields
    turns: Said = [("What is it?", "A bus."), ("What color?", "Red.")]
    is_dialog = name in ("llava_instruction", "llava_dialog")
    assert [(sample.key, said(sample, field)) for sample in samples] == [
        ("000000_000000033471", turns if is_dialog else turns[:1]),
        ("000001_000000052846", [("Where is the cat?", "On a wall.")]),
        ("000002_000000033471", [("Is it big?", "Yes.")]),
    ]
    assert {(sample.kind, sample.images) for sample in samples} == {("image", (picture(),))}
    assert sum(sample.num_rows for sample in samples) == (4 if is_dialog else 3)
    assert skipped.total() == 0
    check_shards(name, samples, tmp_path / "shards")


def test_a_later_round_of_llava_has_the_earlier_ones_as_history(tmp_path: Path) -> None:
    put_llava(tmp_path, LLAVA["llava_dialog"])
    row = read("llava_dialog", tmp_path)[0].row(1)
    assert (len(row.rounds), row.num_history) == (2, 1)


@pytest.mark.parametrize("name", LLAVA)
def test_a_missing_picture_is_counted_and_left_out(name: str, tmp_path: Path) -> None:
    put_llava(tmp_path, LLAVA[name])
    (tmp_path / "train2017/000000033471.jpg").unlink()
    skipped = Counter[str]()
    assert [sample.key for sample in read(name, tmp_path, skipped)] == ["000001_000000052846"]
    assert skipped == {llava_json.NO_PICTURE: 2}


@pytest.mark.parametrize("name", LLAVA)
def test_a_missing_file_of_llava_is_named(name: str, tmp_path: Path) -> None:
    put_llava(tmp_path, LLAVA[name])
    (tmp_path / LLAVA[name]).rename(tmp_path / "other.json")
    with pytest.raises(LynxError, match=f"has no {LLAVA[name]}"):
        read(name, tmp_path)
    (tmp_path / "other.json").rename(tmp_path / LLAVA[name])
    (tmp_path / "train2017").rename(tmp_path / "val2017")
    with pytest.raises(LynxError, match="has no train2017"):
        read(name, tmp_path)


def test_a_speaker_who_is_unknown_is_named(tmp_path: Path) -> None:
    put_llava(tmp_path, "conversation_58k.json")
    record = {"id": "1", "conversations": [{"from": "system", "value": "Hello"}]}
    put_json(tmp_path / "conversation_58k.json", [record])
    with pytest.raises(LynxError, match=r"58k.json: record 1: a turn is from 'system'"):
        read("llava_dialog", tmp_path)


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_read_in_order(name: str, tmp_path: Path) -> None:
    write, expected = TEXTS[name]
    write(tmp_path / "copy")
    skipped = Counter[str]()
    samples = read(name, tmp_path / "copy", skipped)
    assert [(sample.key, said(sample)) for sample in samples] == list(expected.items())
    assert {(sample.source, sample.kind, sample.images) for sample in samples} == {
        (name, "text", ())
    }
    assert sum(sample.num_rows for sample in samples) == sum(map(len, expected.values()))
    assert skipped.total() == 0
    assert load_pools()[load_source(name).prompts].fields == ("instruction",)
    check_shards(name, samples, tmp_path / "shards")


@pytest.mark.parametrize("name", TEXTS)
def test_a_missing_file_of_texts_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"has no .*json"):
        read(name, tmp_path)


def test_instructions_without_text_or_answer_are_counted(tmp_path: Path) -> None:
    put_json(
        tmp_path / "alpaca_gpt4_data.json",
        [
            {"instruction": "", "input": "None", "output": "5"},
            {"instruction": "Add.", "input": "", "output": "  "},
        ],
    )
    skipped = Counter[str]()
    assert read("alpaca_gpt4", tmp_path, skipped) == []
    assert skipped == {instructions.NO_INSTRUCTION: 1, instructions.NO_ANSWER: 1}


def test_a_damaged_file_of_flan_is_named_with_its_line(tmp_path: Path) -> None:
    put_flan(tmp_path)
    path = tmp_path / "cot_zs_opt_train.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(LynxError, match=r"cot_zs_opt_train.jsonl.gz: not readable as gzip"):
        read("flan_v2", tmp_path)
    path.write_bytes(gzip.compress(b'{"inputs": "a", "targets": "b"}\n{"inputs"\n'))
    with pytest.raises(LynxError, match=r"line 2 is not readable as JSON"):
        read("flan_v2", tmp_path)


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([], dialogues.NO_TURNS),
        ([(True, "Hello?")], dialogues.NO_TURNS),
        ([(False, "Hi."), (True, "Hello?")], dialogues.NO_TURNS),
        ([(True, "a"), (True, "b"), (False, "c")], dialogues.NO_TURNS),
        ([(True, " "), (False, "c")], dialogues.NO_WORDS),
        ([(True, "a"), (False, "")], dialogues.NO_WORDS),
    ],
)
def test_a_dialogue_that_is_none_is_counted(turns: list[tuple[bool, str]], reason: str) -> None:
    skipped = Counter[str]()
    assert dialogues.dialogue_rounds(turns, skipped) == ()
    assert skipped == {reason: 1}


def test_a_last_question_that_nobody_answers_is_left_out() -> None:
    turns = [(True, " a "), (False, "b"), (True, "c")]
    rounds = dialogues.dialogue_rounds(turns, Counter(), field="question")
    assert rounds == (Round({"question": "a"}, "b"),)


def test_a_dialogue_of_invig_is_a_row_for_each_reply_of_the_robot(tmp_path: Path) -> None:
    put_invig(tmp_path / "copy", picture())
    skipped = Counter[str]()
    samples = read("invig", tmp_path / "copy", skipped)
    rounds: Said = [("Pass me that toy.", "Which one?"), ("The box.", "The purple one?")]
    assert [(sample.key, said(sample)) for sample in samples] == [
        (f"train-00000-of-00002-abc_000000_{number}", rounds) for number in range(2)
    ]
    assert {(sample.kind, sample.split, sample.images) for sample in samples} == {
        ("image", "dialog", (picture(),))
    }
    assert skipped.total() == 0
    check_shards("invig", samples, tmp_path / "shards")


def test_a_picture_of_invig_that_is_none_is_counted(tmp_path: Path) -> None:
    put_invig(tmp_path, b"nothing")
    skipped = Counter[str]()
    assert read("invig", tmp_path, skipped) == []
    assert skipped == {invig_parquet.NO_PICTURE: 2}


def test_missing_or_damaged_files_of_invig_are_named(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"has no data/train-\*.parquet"):
        read("invig", tmp_path)
    put_invig(tmp_path, picture())
    path = next((tmp_path / "data").iterdir())
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(LynxError, match=r"abc.parquet: not readable as Parquet"):
        read("invig", tmp_path)


def test_a_missing_text_is_no_text_that_says_none(tmp_path: Path) -> None:
    record = {"instruction": "Say it.", "input": None, "output": "It."}
    records = [record, record | {"output": None}, record | {"output": float("nan")}]
    put_json(tmp_path / "alpaca_gpt4_data.json", records)
    skipped = Counter[str]()
    (sample,) = read("alpaca_gpt4", tmp_path, skipped)
    assert sample.rounds == (Round({"instruction": "Say it."}, "It."),)
    assert skipped == {instructions.NO_ANSWER: 2}
    put_json(tmp_path / "alpaca_gpt4_data.json", [record, record | {"output": ["It."]}])
    with pytest.raises(LynxError, match=r"data.json: record 2: `output` is \['It.'\], no text"):
        read("alpaca_gpt4", tmp_path)
