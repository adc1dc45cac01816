"""The tiny copies of question datasets by source, with what reading one must give."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lynx.config.source_facts import SourceFacts
from lynx.data.formats.questions import clean_question
from lynx.data.sample import Sample
from tests.data.formats.question_files import (
    ANNOTATIONS,
    FLOORS,
    QUESTIONS,
    V2_ANNOTATIONS,
    V2_QUESTIONS,
    put_gqa,
    put_nlvr2,
    put_ocrvqa,
    put_stvqa,
    put_textvqa,
    put_vgqa,
    put_visual7w,
    put_vizwiz,
    put_vqa,
    put_websrc,
)


def read(facts: SourceFacts, root: Path, skipped: Counter[str] | None = None) -> list[Sample]:
    module = importlib.import_module(f"lynx.data.formats.{facts.format}")
    counted: Counter[str] = Counter() if skipped is None else skipped
    return list(module.read(root, source=facts.name, skipped=counted, **facts.options))


def asked_and_answered(sample: Sample) -> list[tuple[str, str]]:
    (field,) = {field for one in sample.rounds for field in one.fields}
    return [(one.fields[field], one.response) for one in sample.rounds]


@dataclass(frozen=True)
class Copy:
    """A tiny copy: what writes it, what it must give, its annotations and one of its pictures.

    expected: for each key, questions and answers. lost: rows that are gone with that picture.
    """

    write: Callable[[Path], None]
    expected: Mapping[str, Sequence[tuple[str, str]]]
    annotations: str
    picture: str
    lost: int


VQA = {
    "COCO_train2014_000000000009": [
        ("What color is the cat?", "grey"),  # as often as black, and first
        ("How many cats?", "2"),
    ],
    "COCO_train2014_000000458752": [("Is it day?", "yes")],
}


LENGTH = ("What is the number of length?", '190.7 "')


FLOOR_ROWS = {"v7w_2323054": [(clean_question(q), a) for q, a, _ in FLOORS]}
COPIES = {
    "vqav2": Copy(
        lambda root: put_vqa(root, V2_QUESTIONS, V2_ANNOTATIONS, "train2014"),
        VQA,
        V2_ANNOTATIONS,
        "train2014/COCO_train2014_000000000009.jpg",
        2,
    ),
    "okvqa": Copy(
        lambda root: put_vqa(root, QUESTIONS, ANNOTATIONS, "train2014"),
        VQA,
        QUESTIONS,
        "train2014/COCO_train2014_000000458752.jpg",
        1,
    ),
    "tdiuc": Copy(
        lambda root: put_vqa(
            root, f"Questions/{QUESTIONS}", f"Annotations/{ANNOTATIONS}", "Images/train2014"
        ),
        VQA,
        f"Annotations/{ANNOTATIONS}",
        "Images/train2014/COCO_train2014_000000000009.jpg",
        2,
    ),
    "vizwiz": Copy(
        put_vizwiz,
        {
            "VizWiz_train_00000000": [("What's the name of this product?", "basil")],
            "VizWiz_train_00000001": [
                ("Can you tell me what is in this can please?", "unanswerable")
            ],
        },
        "train.json",
        "train/VizWiz_train_00000001.jpg",
        1,
    ),
    "gqa": Copy(
        put_gqa,
        {
            "2354786": [("Is the sky dark?", "yes"), ("Is it dark or bright?", "dark")],
            "2375429": [("What is on the wall?", "pipe")],
        },
        "train_balanced_questions.json",
        "images/2354786.jpg",
        2,
    ),
    "ocrvqa": Copy(
        put_ocrvqa,
        {
            book: [
                ("Who wrote this book?", "Sandra Boynton"),
                ("What is the genre?", "Humor & Entertainment"),
            ]
            for book in ("761183272", "142153990X")
        },
        "dataset.json",
        "images/761183272.jpg",
        2,
    ),
    "vgqa": Copy(
        put_vgqa,
        {
            "1": [("What color is the clock?", "Green."), ("How tall is it?", "Very tall.")],
            "2417997": [("Where is the car?", "On the street.")],
        },
        "question_answers.json",
        "VG_100K_2/2417997.jpg",
        1,
    ),
    "visual7w": Copy(
        put_visual7w, FLOOR_ROWS, "dataset_v7w_telling.json", "images/v7w_2323054.jpg", 2
    ),
    "visual7w_multi_choice": Copy(
        put_visual7w, FLOOR_ROWS, "dataset_v7w_telling.json", "images/v7w_2323054.jpg", 2
    ),
    "textvqa": Copy(
        put_textvqa,
        {"0054c91397f2fe05": [("what is the brand of this camera?", "dakota")]},
        "TextVQA_0.5.1_train.json",
        "train_images/0054c91397f2fe05.jpg",
        1,
    ),
    "stvqa": Copy(
        put_stvqa,
        {
            "coco-text_COCO_train2014_000000347021": [("What is written on the jersey?", "susan")],
            "icdar_img_10": [("What is written on the jersey?", "susan")],
        },
        "train_task_3.json",
        "icdar/img_10.png",
        1,
    ),
    "websrc": Copy(
        put_websrc,
        {
            "auto_03_processed_data_0300542": [LENGTH, LENGTH],
            "auto_03_processed_data_0300562": [LENGTH],
            "camera_01_processed_data_0100001": [LENGTH],
        },
        "*/*/dataset.csv",
        "auto/03/processed_data/0300542.png",
        2,
    ),
    "nlvr2": Copy(
        put_nlvr2,
        {
            "train-10171-0": [
                ("There is no more than one acorn.", "False"),
                ("Some acorns are green.", "True"),
            ],
            "train-4100-2": [("Both pictures show a dog.", "True")],
        },
        "train.json",
        "images/train/37/train-10171-0-img1.png",
        2,
    ),
}
