"""Writes tiny copies of dialogues and instructions in the layouts that their owners publish."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.data.formats.video_copies import put, put_json, put_lines

LLAVA = {
    "llava_instruction": "llava_instruct_150k.json",
    "llava_dialog": "conversation_58k.json",
    "llava_caption": "detail_23k.json",
    "llava_reasoning": "complex_reasoning_77k.json",
}
Said = list[tuple[str, str]]


def picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), (10, 20, 30)).save(stream, "JPEG")
    return stream.getvalue()


def conversation(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[n % 2], "value": text} for n, text in enumerate(texts)]


def put_llava(root: Path, file: str) -> None:
    """The first human turn has the tag of the picture before or behind its text."""
    turns = ["<image>\nWhat is it?", "A bus.", "What color?", "Red."]
    if file in ("detail_23k.json", "complex_reasoning_77k.json"):
        turns = turns[:2]
    records: list[dict[str, Any]] = [
        {"id": name, "image": f"{name}.jpg", "conversations": conversation(*said)}
        for name, said in [
            ("000000033471", turns),
            ("000000052846", ["Where is the cat?\n<image>", "On a wall."]),
            ("000000033471", ["Is it big?\n<image>", "Yes."]),
        ]
    ]
    put_json(root / file, records)
    put(root / "train2017/000000033471.jpg", picture())
    put(root / "train2017/000000052846.jpg", picture())


def put_chip2(root: Path) -> None:
    put_lines(
        root / "unified_chip2.jsonl",
        [
            {"text": "<human>: Name a color.\n<bot>: Blue.", "metadata": {"source": "unified"}},
            {"text": "\n<human>: Why?\n<bot>: So.\n\nThus.\n", "metadata": {"source": "unified"}},
        ],
    )


def put_baize(root: Path) -> None:
    opening = "The conversation between human and AI assistant.\n"
    said = "[|Human|] Hello!\n[|AI|] Hi!\n[|Human|] Who?\n[|AI|] I.\n[|Human|] "
    for name in ("alpaca", "medical", "quora", "stackoverflow"):
        put_json(root / f"{name}_chat_data.json", [{"topic": "x", "input": opening + said}])


def put_alpaca(root: Path) -> None:
    put_json(
        root / "alpaca_gpt4_data.json",
        [
            {"instruction": "Add these.", "input": "2 and 3", "output": "5"},
            {"instruction": "Say hello.", "input": "", "output": "Hello!"},
        ],
    )


def put_unnatural(root: Path) -> None:
    def instance(text: str, constraints: str, output: str) -> dict[str, str]:
        return {
            "instruction_with_input": text,
            "input": "x",
            "constraints": constraints,
            "output": output,
        }

    put_lines(
        root / "core_data.jsonl",
        [
            {
                "instruction": "Sort.",
                "instances": [instance("Sort. x", "None.", "a"), instance("Sort. y", "Be s", "b")],
            }
        ],
    )


def put_flan(root: Path) -> None:
    lines = b'{"inputs": "Is it so?", "targets": "yes", "task": "cot"}\n'
    for name in ("cot_zs_opt_train", "flan_fs_opt_train_part1"):
        put(root / f"{name}.jsonl.gz", gzip.compress(lines))


TWO_ROUNDS: Said = [("Hello!", "Hi!"), ("Who?", "I.")]
TEXTS: Mapping[str, tuple[Callable[[Path], None], Mapping[str, Said]]] = {
    "laion_oig_small": (
        put_chip2,
        {
            "unified_chip2_0000000": [("Name a color.", "Blue.")],
            "unified_chip2_0000001": [("Why?", "So.\n\nThus.")],
        },
    ),
    "baize": (
        put_baize,
        {
            f"{name}_chat_data_0000000": TWO_ROUNDS
            for name in ("alpaca", "medical", "quora", "stackoverflow")
        },
    ),
    "alpaca_gpt4": (
        put_alpaca,
        {
            "alpaca_gpt4_data_00000000": [("Add these.\n2 and 3", "5")],
            "alpaca_gpt4_data_00000001": [("Say hello.", "Hello!")],
        },
    ),
    "unnatural_instruction": (
        put_unnatural,
        {
            "core_data_00000000_0": [("Sort. x", "a")],
            "core_data_00000000_1": [("Sort. y\nBe s", "b")],
        },
    ),
    "flan_v2": (
        put_flan,
        {
            "cot_zs_opt_train_00000000": [("Is it so?", "yes")],
            "flan_fs_opt_train_part1_00000000": [("Is it so?", "yes")],
        },
    ),
}


def put_invig(root: Path, image: bytes) -> None:
    """As jxu124/invig has it: pairs of what the person and the robot say, in two languages."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="InViG is read with pyarrow")
    pyarrow = pytest.importorskip("pyarrow")
    english = [["Pass me that toy.", "Which one?"], ["The box.", "The purple one?"], ["Yes.", ""]]
    target = {
        "bbox": [0.1, 0.2, 0.3, 0.4],
        "category": "Toy",
        "dialog": english,
        "dialog_cn": [["请", "哪个"]],
        "id": "1",
    }
    row = {
        "ref_list": [target, {**target, "id": "2"}],
        "image_info": {"file_name": "0.jpg", "height": 7, "id": "0", "width": 9},
        "image": {"bytes": image, "path": "0.jpg"},
    }
    (root / "data").mkdir(parents=True)
    parquet.write_table(
        pyarrow.Table.from_pylist([row]), root / "data/train-00000-of-00002-abc.parquet"
    )
