"""Datasets of pictures with a class are read from copies in the layouts that owners publish."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.data.formats.labelled_json_lines import NO_ANSWER, NO_FIELD
from lynx.data.formats.pictured_texts import NO_TEXT
from tests.data.formats.pictured_copies import (
    put_json,
    put_pictures,
    put_text,
    read_source,
    responses,
)


def put_places(root: Path) -> None:
    names = ["a/art_school/00002916.jpg", "b/bus_station/indoor/00004835.jpg"]
    put_pictures(root / "data_256_standard", *names)
    put_text(root / "places365_train_standard.txt", f"/{names[0]} 20\n/{names[1]} 71\n")
    put_text(root / "categories_places365.txt", "/a/art_school 20\n/b/bus_station/indoor 71\n")


def put_imagenet(root: Path) -> None:
    put_pictures(root / "train", "n01440764/n01440764_10026.JPEG", "n03594734/n03594734_7.JPEG")
    put_text(
        root / "LOC_synset_mapping.txt",
        "n01440764 tench, Tinca tinca\nn03594734 jean, blue jean, denim\n",
    )


def put_snli_ve(root: Path) -> None:
    put_pictures(root / "flickr30k_images", "3416050480.jpg", "2407214681.jpg")
    rows = [
        ("3416050480", "A person rides.", "neutral"),
        ("2407214681", "A man sleeps.", "contradiction"),
        ("3416050480", "A person is outdoors.", "entailment"),
    ]
    put_lines(
        root / "snli_ve_train.jsonl",
        [
            {"Flickr30K_ID": i, "gold_label": label, "sentence1": "Premise.", "sentence2": text}
            for i, text, label in rows
        ],
    )


def put_food(root: Path) -> None:
    put_pictures(root / "images", "006316.jpg", "183730.jpg")
    put_json(
        root / "annotations.json",
        {
            "categories": [
                {"id": 1565, "name": "bread-wholemeal", "supercategory": "food"},
                {"id": 2578, "name": "water", "supercategory": "food"},
            ],
            "images": [
                {"id": 6316, "file_name": "006316.jpg", "width": 8, "height": 6},
                {"id": 183730, "file_name": "183730.jpg", "width": 8, "height": 6},
            ],
            "annotations": [
                {"id": 1, "image_id": 6316, "category_id": 1565, "bbox": [0, 0, 1, 1]},
                {"id": 2, "image_id": 183730, "category_id": 2578, "bbox": [0, 0, 1, 1]},
                {"id": 3, "image_id": 6316, "category_id": 2578, "bbox": [0, 0, 1, 1]},
            ],
        },
    )


def put_wikiart(root: Path) -> None:
    names = ["Realism/vincent-van-gogh_pine.jpg", "Art_Nouveau_Modern/\u00e9mile-gall\u00e9_1.jpg"]
    put_pictures(root / "wikiart", *names)
    put_text(root / "style_train.csv", f"{names[0]},21\n{names[1]},3\n")
    put_text(root / "style_class.txt", "3 Art_Nouveau\n21 Realism\n")


def put_har(root: Path) -> None:
    put_pictures(root / "train", "Image_1.jpg", "Image_2.jpg")
    put_text(
        root / "Training_set.csv",
        "filename,label\nImage_1.jpg,sitting\nImage_2.jpg,listening_to_music\n",
    )


def put_clocks(root: Path) -> None:
    put_pictures(root / "train", "1-05/0.jpg", "11-45/0.jpg")
    put_pictures(root / "valid", "1-05/0.jpg")
    put_text(
        root / "clocks.csv", "class index,filepaths,labels,data set\n0,train/1-05/0.jpg,1-05\n"
    )


def put_memes(root: Path) -> None:
    put_pictures(root / "img", "42953.png", "23058.png")
    put_lines(
        root / "train.jsonl",
        [
            {"id": 42953, "img": "img/42953.png", "label": 0, "text": "it's their character"},
            {"id": 23058, "img": "img/23058.png", "label": 1, "text": "don't be afraid"},
        ],
    )


def put_lines(path: Path, records: list[dict[str, object]]) -> None:
    put_text(path, "".join(f"{json.dumps(record)}\n" for record in records))


# Source: what writes its copy, the responses by key, the annotations, the first picture.
COPIES: dict[str, tuple[Callable[[Path], None], dict[str, list[str]], str, str]] = {
    "places365": (
        put_places,
        {
            "a_art_school_00002916": ["art school"],
            "b_bus_station_indoor_00004835": ["indoor bus station"],
        },
        "places365_train_standard.txt",
        "data_256_standard/a/art_school/00002916.jpg",
    ),
    "imagenet1k": (
        put_imagenet,
        {"n01440764_n01440764_10026": ["tench"], "n03594734_n03594734_7": ["jean"]},
        "LOC_synset_mapping.txt",
        "train/n01440764/n01440764_10026.JPEG",
    ),
    "snli_ve": (
        put_snli_ve,
        {"3416050480": ["neutral", "entailment"], "2407214681": ["contradiction"]},
        "snli_ve_train.jsonl",
        "flickr30k_images/3416050480.jpg",
    ),
    "air_crowd_food": (
        put_food,
        {"006316": ["bread wholemeal", "water"], "183730": ["water"]},
        "annotations.json",
        "images/006316.jpg",
    ),
    "wikiart": (
        put_wikiart,
        {
            "Realism_vincent-van-gogh_pine": ["Realism"],
            "Art_Nouveau_Modern__mile-gall__1": ["Art Nouveau"],
        },
        "style_train.csv",
        "wikiart/Realism/vincent-van-gogh_pine.jpg",
    ),
    "har": (
        put_har,
        {"Image_1": ["sitting"], "Image_2": ["listening to music"]},
        "Training_set.csv",
        "train/Image_1.jpg",
    ),
    "time_classification": (
        put_clocks,
        {"1-05_0": ["1:05"], "11-45_0": ["11:45"]},
        "train",
        "train/1-05/0.jpg",
    ),
    "hateful_memes": (
        put_memes,
        {"img_42953": ["No"], "img_23058": ["Yes"]},
        "train.jsonl",
        "img/42953.png",
    ),
}


def test_statements_and_memes_fill_the_slots_of_their_prompts(tmp_path: Path) -> None:
    put_snli_ve(tmp_path)
    put_memes(tmp_path)
    first = read_source("snli_ve", tmp_path)[0]
    assert [one.fields["hypothesis"] for one in first.rounds] == [
        "A person rides.",
        "A person is outdoors.",
    ]
    meme = read_source("hateful_memes", tmp_path)[1]
    assert meme.rounds[0].fields == {"meme": "don't be afraid"}


def test_records_without_a_known_class_or_a_text_are_counted(tmp_path: Path) -> None:
    put_memes(tmp_path)
    records: list[dict[str, object]] = [
        {"img": "img/42953.png", "label": -1, "text": "a"},
        {"img": "img/42953.png", "label": 1, "text": " "},
        {"img": "img/23058.png", "label": 1, "text": "b"},
    ]
    put_lines(tmp_path / "train.jsonl", records)
    skipped = Counter[str]()
    assert list(responses(read_source("hateful_memes", tmp_path, skipped))) == ["img_23058"]
    assert skipped == {NO_ANSWER: 1, NO_FIELD: 1}


def test_a_row_without_a_class_is_counted_in_a_table_with_a_header(tmp_path: Path) -> None:
    put_har(tmp_path)
    put_text(tmp_path / "Training_set.csv", "filename,label\nImage_1.jpg,\nImage_2.jpg,eating\n")
    skipped = Counter[str]()
    assert responses(read_source("har", tmp_path, skipped)) == {"Image_2": ["eating"]}
    assert skipped == {NO_TEXT: 1}


def test_an_imagenet_copy_of_kaggle_is_read_from_its_deeper_folder(tmp_path: Path) -> None:
    put_imagenet(tmp_path)
    inner = tmp_path / "ILSVRC" / "Data" / "CLS-LOC"
    inner.mkdir(parents=True)
    (tmp_path / "train").rename(inner / "train")
    assert len(read_source("imagenet1k", tmp_path)) == 2


def test_a_class_that_has_no_name_is_told(tmp_path: Path) -> None:
    put_imagenet(tmp_path)
    put_text(tmp_path / "LOC_synset_mapping.txt", "n01440764 tench, Tinca tinca\n")
    with pytest.raises(LynxError, match=r"mapping.txt: has no name for the folder n03594734"):
        read_source("imagenet1k", tmp_path)
    put_wikiart(tmp_path)
    put_text(tmp_path / "style_class.txt", "3 Art_Nouveau\n")
    with pytest.raises(LynxError, match=r"style_train.csv: Realism/.* is of class '21', which"):
        read_source("wikiart", tmp_path)
    put_text(tmp_path / "style_class.txt", "three Art_Nouveau\n")
    with pytest.raises(LynxError, match=r"'three Art_Nouveau' is no number and name"):
        read_source("wikiart", tmp_path)


def test_columns_that_a_table_lacks_are_told(tmp_path: Path) -> None:
    put_har(tmp_path)
    with pytest.raises(LynxError, match=r"no column 'filename' or 'action': .*sitting"):
        read_source("har", tmp_path, label="action")
    with pytest.raises(LynxError, match=r"`picture` \('filename'\) and `label` \(1\) must both"):
        read_source("har", tmp_path, label=1)


def test_a_category_that_is_not_listed_is_told(tmp_path: Path) -> None:
    put_food(tmp_path)
    with pytest.raises(LynxError, match=r"nearest is `name`; it has .*supercategory"):
        read_source("air_crowd_food", tmp_path, name="name_readable")
    content = json.loads((tmp_path / "annotations.json").read_text())
    put_json(tmp_path / "annotations.json", {**content, "categories": content["categories"][:1]})
    with pytest.raises(LynxError, match=r"an annotation is of category 2578"):
        read_source("air_crowd_food", tmp_path)
