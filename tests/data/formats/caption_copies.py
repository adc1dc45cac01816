"""The tiny copies of captioned datasets by source, with what reading one must give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.data.formats.pictured_copies import put_json, put_pictures, put_text


def put_coco(root: Path) -> None:
    names = ["COCO_train2014_000000000009.jpg", "COCO_train2014_000000000025.jpg"]
    put_pictures(root / "train2014", *names)
    captions = [(25, "A giraffe eats."), (9, "A tray\nof food. "), (25, "Two giraffes."), (9, " ")]
    put_json(
        root / "annotations" / "captions_train2014.json",
        {
            "info": {},
            "images": [{"id": int(name[-7:-4]), "file_name": name} for name in names],
            "annotations": [
                {"image_id": image, "id": number, "caption": text}
                for number, (image, text) in enumerate(captions)
            ],
        },
    )


def put_textcaps(root: Path) -> None:
    put_pictures(root / "train_images", "28dcc48ae56ef6.jpg", "c9ff1ea78ae2cb22.jpg")
    rows = [
        ("28dcc48ae56ef6", "A sign that says stop."),
        ("c9ff1ea78ae2cb22", "A bottle of ink."),
        ("28dcc48ae56ef6", "Stop, a sign says."),
    ]
    data = [{"image_id": i, "caption_str": text, "reference_strs": [text]} for i, text in rows]
    put_json(root / "TextCaps_0.1_train.json", {"dataset_name": "textcaps", "data": data})


def put_cuhk(root: Path) -> None:
    names = ["CUHK01/0363004.png", "train_query/p11600_s14885.jpg", "CUHK03/test.png"]
    put_pictures(root / "imgs", *names)
    put_json(
        root / "reid_raw.json",
        [
            {"split": split, "captions": texts, "file_path": name, "id": number}
            for number, (name, split, texts) in enumerate(
                zip(
                    names,
                    ("train", "train", "test"),
                    (["A man in red.", "He wears red."], ["A woman."], ["A child."]),
                    strict=True,
                )
            )
        ],
    )


def put_flickr(root: Path) -> None:
    put_pictures(root / "flickr30k-images", "1000092795.jpg", "10002456.jpg", "36979.jpg")
    put_text(
        root / "results_20130124.token",
        "1000092795.jpg#0\tTwo young guys .\n1000092795.jpg#1\tTwo | men #2 .\n"
        "10002456.jpg#0\tSeveral men .\n36979.jpg#0\tHeld out .\n",
    )
    put_text(root / "train.txt", "1000092795\n10002456\n")


def put_pexels(root: Path) -> None:
    put_pictures(root / "images", "pink-and-white-neon-3186010.jpeg", "1000129.jpeg")
    put_json(root / "pexels-prompts-pairs.json", [{"3186010": "Pink neon"}, {"1000129": "A lake"}])


def put_iapr(root: Path) -> None:
    put_pictures(root / "images", "01/1000.jpg", "02/2808.jpg")
    for name, text in (
        ("01/1000", "a dark-skinned boy;"),
        ("02/2808", "a man on Tucum\u00e1n's slope; rocks & a lake;"),
    ):
        put_text(
            root / "annotations_complete_eng" / f"{name}.eng",
            f"<DOC>\n<DOCNO>annotations/{name}.eng</DOCNO>\n<TITLE>T</TITLE>\n"
            f"<DESCRIPTION>{text}</DESCRIPTION>\n<NOTES></NOTES>\n"
            f"<IMAGE>images/{name}.jpg</IMAGE>\n</DOC>\n",
            encoding="latin-1",
        )


def put_paragraphs(root: Path) -> None:
    put_pictures(root, "VG_100K/2356347.jpg", "VG_100K_2/2317429.jpg")
    put_json(
        root / "paragraphs_v1.json",
        [
            {"url": "u", "image_id": 2356347, "paragraph": "A large building. It has bars. "},
            {"url": "u", "image_id": 2317429, "paragraph": "A white horse."},
        ],
    )


def put_minigpt4(root: Path) -> None:
    put_pictures(root / "image", "2.jpg", "3.jpg")
    annotations = [
        {"image_id": "2", "caption": "The image shows a man."},
        {"image_id": "3", "caption": "The image depicts\na bedroom."},
    ]
    put_json(root / "filter_cap.json", {"annotations": annotations})


def put_pascal(root: Path) -> None:
    names = ["aeroplane/2008_000716.jpg", "bicycle/2008_000725.jpg"]
    put_pictures(root, *names)
    rows = [
        f'<tr>\n<td><img src="{name}"></td>\n<td>\n<table>\n<tr><td> {text} </td></tr>\n'
        f"<tr><td>Again.</td></tr>\n</table>\n</td>\n</tr>\n"
        for name, text in zip(names, ("A jet &amp; a van.", "A bicycle."), strict=True)
    ]
    put_text(root / "index.html", f"<html><body><table>\n{''.join(rows)}</table></body></html>")


# Source: what writes its copy, the responses by key, the annotations, one of the pictures.
COPIES: dict[str, tuple[Callable[[Path], None], dict[str, list[str]], str, str]] = {
    "coco_caption": (
        put_coco,
        {
            "COCO_train2014_000000000009": ["A tray of food."],
            "COCO_train2014_000000000025": ["A giraffe eats."],
        },
        "annotations/captions_train2014.json",
        "train2014/COCO_train2014_000000000009.jpg",
    ),
    "textcaps": (
        put_textcaps,
        {
            "28dcc48ae56ef6": ["A sign that says stop.", "Stop, a sign says."],
            "c9ff1ea78ae2cb22": ["A bottle of ink."],
        },
        "TextCaps_0.1_train.json",
        "train_images/28dcc48ae56ef6.jpg",
    ),
    "cuhk_pedes": (
        put_cuhk,
        {"CUHK01_0363004": ["A man in red."], "train_query_p11600_s14885": ["A woman."]},
        "reid_raw.json",
        "imgs/CUHK01/0363004.png",
    ),
    "flickr30k": (
        put_flickr,
        {"1000092795": ["Two young guys ."], "10002456": ["Several men ."]},
        "results_20130124.token",
        "flickr30k-images/1000092795.jpg",
    ),
    "pexels_110k": (
        put_pexels,
        {"3186010": ["Pink neon"], "1000129": ["A lake"]},
        "pexels-prompts-pairs.json",
        "images/pink-and-white-neon-3186010.jpeg",
    ),
    "iapr_tc12": (
        put_iapr,
        {
            "images_01_1000": ["a dark-skinned boy"],
            "images_02_2808": ["a man on Tucum\u00e1n's slope; rocks & a lake"],
        },
        "annotations_complete_eng",
        "images/01/1000.jpg",
    ),
    "visual_genome_caption": (
        put_paragraphs,
        {"2356347": ["A large building. It has bars."], "2317429": ["A white horse."]},
        "paragraphs_v1.json",
        "VG_100K/2356347.jpg",
    ),
    "minigpt4_ift": (
        put_minigpt4,
        {"2": ["The image shows a man."], "3": ["The image depicts a bedroom."]},
        "filter_cap.json",
        "image/2.jpg",
    ),
    "pascal_sentences": (
        put_pascal,
        {
            "aeroplane_2008_000716": ["A jet & a van."],
            "bicycle_2008_000725": ["A bicycle."],
        },
        "index.html",
        "aeroplane/2008_000716.jpg",
    ),
}
