"""Writes tiny copies of question datasets in the layouts that their owners publish."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

V2_QUESTIONS = "v2_OpenEnded_mscoco_train2014_questions.json"
V2_ANNOTATIONS = "v2_mscoco_train2014_annotations.json"
QUESTIONS, ANNOTATIONS = "OpenEnded_mscoco_train2014_questions.json", V2_ANNOTATIONS[3:]


def image(shade: int, form: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 20, 30)).save(stream, form)
    return stream.getvalue()


def put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def put_json(path: Path, content: Any) -> None:
    put(path, json.dumps(content))


def ten(*answers: str) -> list[dict[str, Any]]:
    return [
        {"answer_id": number, "answer": answer, "answer_confidence": "yes"}
        for number, answer in enumerate(answers, start=1)
    ]


def put_vqa(root: Path, asked: str, answered: str, images: str, last: int = 458752) -> None:
    questions = [
        {"image_id": 9, "question": "What color is the cat?", "question_id": 9001},
        {"image_id": last, "question": "Is it  day", "question_id": 458752000},
        {"image_id": 9, "question": "How many cats?", "question_id": 9000},
    ]
    answers = {
        9000: ten("2", "two", "2"),
        9001: ten("grey", "black", "black", "grey"),
        458752000: ten("yes"),
    }
    annotations = [
        {"image_id": q["image_id"], "question_id": q["question_id"], "answers": a}
        for number, a in answers.items()
        for q in questions
        if q["question_id"] == number
    ]
    put_json(root / asked, {"info": {}, "data_subtype": "train2014", "questions": questions})
    put_json(root / answered, {"info": {}, "annotations": annotations})
    for number in (9, last):
        put(root / images / f"COCO_train2014_{number:012d}.jpg", image(number % 256))


def put_vizwiz(root: Path) -> None:
    records = [
        {
            "image": f"VizWiz_train_0000000{number}.jpg",
            "question": question,
            "answers": ten(*answers),
            "answer_type": "other",
            "answerable": 1,
        }
        for number, question, answers in (
            (0, "What's the name of this product?", ["basil leaves", "basil", "basil"]),
            (1, "Can you tell me what is in this can please", ["unanswerable"]),
        )
    ]
    put_json(root / "train.json", records)
    for number in (0, 1):
        put(root / f"train/VizWiz_train_0000000{number}.jpg", image(number))


def put_gqa(root: Path) -> None:
    asked = {
        "02930152": ("2354786", "Is the sky dark?", "yes"),
        "07333408": ("2375429", "What is on the wall?", "pipe"),
        "07333405": ("2354786", "Is it dark or bright?", "dark"),
    }
    content = {
        number: {
            "semantic": [],
            "imageId": image_id,
            "question": question,
            "answer": answer,
            "fullAnswer": f"{answer}.",
            "isBalanced": True,
        }
        for number, (image_id, question, answer) in asked.items()
    }
    put_json(root / "train_balanced_questions.json", content)
    for name in ("2354786", "2375429"):
        put(root / f"images/{name}.jpg", image(int(name) % 256))


def put_ocrvqa(root: Path) -> None:
    books = {"761183272": ("jpg", 1), "142153990X": ("gif", 1), "439": ("jpg", 3)}
    content = {
        book: {
            "imageURL": f"http://ecx.images-amazon.com/images/I/61Y5cOdHJbL.{ending}",
            "questions": ["Who wrote this book?", "What is the genre?"],
            "answers": ["Sandra Boynton", "Humor & Entertainment"],
            "title": "Mom's Family Wall Calendar 2016",
            "split": split,
        }
        for book, (ending, split) in books.items()
    }
    put_json(root / "dataset.json", content)
    for number, (book, (ending, _)) in enumerate(books.items()):
        form = "GIF" if ending == "gif" else "JPEG"
        put(root / f"images/{book}.{ending}", image(number, form))


def put_vgqa(root: Path) -> None:
    content = [
        {
            "id": number,
            "qas": [
                {
                    "a_objects": [],
                    "question": question,
                    "image_id": number,
                    "qa_id": 100 * number,
                    "answer": answer,
                    "q_objects": [],
                }
                for question, answer in pairs
            ],
        }
        for number, pairs in (
            (1, [("What color is the clock?", "Green."), ("How tall is it?", "Very tall.")]),
            (2417997, [("Where is the car?", "On the street.")]),
            (3, []),
        )
    ]
    put_json(root / "question_answers.json", content)
    put(root / "VG_100K/1.jpg", image(1))
    put(root / "VG_100K_2/2417997.jpg", image(2))


def put_visual7w(root: Path) -> None:
    content = {
        "dataset": "visual7w-telling",
        "images": [
            {
                "image_id": number,
                "filename": f"v7w_{number}.jpg",
                "split": split,
                "qa_pairs": [
                    {
                        "image_id": number,
                        "qa_id": 10 * number + order,
                        "question": question,
                        "answer": answer,
                        "multiple_choices": wrong,
                        "type": "what",
                    }
                    for order, (question, answer, wrong) in enumerate(FLOORS)
                ],
            }
            for number, split in ((2323054, "train"), (7, "val"), (8, "test"))
        ],
    }
    put_json(root / "dataset_v7w_telling.json", content)
    for number in (2323054, 7, 8):
        put(root / f"images/v7w_{number}.jpg", image(number % 256))


FLOORS = [
    ("What type of flooring?", "Wood.", ["Tile.", "Carpet.", "Cement."]),
    ("Who is there", "Nobody.", ["A man.", "A boy.", "A man."]),
]


def put_textvqa(root: Path) -> None:
    record = {
        "question": "what is the brand of this camera?",
        "image_id": "0054c91397f2fe05",
        "answers": ["nous les gosses", "dakota", "clos culombu", "dakota digital", "dakota"],
        "question_id": 0,
        "set_name": "train",
        "flickr_original_url": "https://c8.staticflickr.com/6/5129/53.jpg",
    }
    content = {"dataset_type": "train", "dataset_version": "0.5.1", "data": [record]}
    put_json(root / "TextVQA_0.5.1_train.json", content)
    put(root / "train_images/0054c91397f2fe05.jpg", image(4))


def put_stvqa(root: Path) -> None:
    names = ("coco-text/COCO_train2014_000000347021.jpg", "icdar/img_10.png")
    data = [
        {
            "question": "What is written on the jersey?",
            "question_id": number,
            "file_path": name,
            "file_name": name.rpartition("/")[2],
            "dataset": name.partition("/")[0],
            "image_id": number,
            "set_name": "train",
            "answers": ["susan"],
        }
        for number, name in enumerate(names)
    ]
    put_json(root / "train_task_3.json", {"task_name": "task_3", "data": data})
    put(root / names[0], image(5))
    put(root / names[1], image(6, "PNG"))


def put_websrc(root: Path) -> None:
    pages = {
        "auto/03": ["au030054200000", "au030054200001", "au030056200000"],
        "auto/08": ["au080000100000"],  # of the development split
        "camera/01": ["ca010000100000"],
    }
    for folder, numbers in pages.items():
        columns = ["question", "id", "element_id", "answer_start", "answer"]
        if folder == "camera/01":  # the order of the columns differs between websites
            columns = ["question", "answer", "element_id", "answer_start", "id"]
        stream = io.StringIO()
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        for number in numbers:
            row = {"question": "What is the number of length?", "answer": '190.7 "'}
            writer.writerow(row | {"id": number, "element_id": 50, "answer_start": 0})
            put(root / folder / f"processed_data/{number[2:9]}.png", image(len(folder), "PNG"))
        put(root / folder / "dataset.csv", stream.getvalue())


def put_nlvr2(root: Path) -> None:
    lines = [
        {
            "validation": [{"Validator Agreement": "false"}],
            "label": label,
            "sentence": sentence,
            "left_url": "https://left",
            "identifier": f"train-{pair}-{number}",
            "directory": directory,
            "synset": "acorn",
            "query": "acorns6",
        }
        for pair, number, directory, sentence, label in (
            ("10171-0", 0, 37, "There is no more than one acorn.", "False"),
            ("4100-2", 0, 4, "Both pictures show a dog.", "True"),
            ("10171-0", 1, 37, "Some acorns are green.", "True"),
        )
    ]
    put(root / "train.json", "\n".join(json.dumps(line) for line in lines))
    for place, shade in (("37/train-10171-0", 10), ("4/train-4100-2", 60)):
        for side in (0, 1):  # not all that end in .png are PNGs
            put(root / f"images/train/{place}-img{side}.png", image(shade + side))
