"""A folder of captioned pictures becomes sources: texts, flattening, the split, the questions."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.folder_source import (
    MAX_SIDE,
    FolderSources,
    build_folder_sources,
    flattened,
    plain_words,
)
from lynx.data.recipe import load_recipe
from lynx.data.shards.reading import ShardedSource

NUM_PICTURES = 60


def write_picture(path: Path, text: str | None, *, mode: str = "RGBA") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGBA", (30, 12), (200, 0, 0, 0))
    image.paste((0, 0, 200, 255), (10, 4, 20, 8))
    image.convert(mode).save(path)
    if text is not None:
        path.with_suffix(".txt").write_text(f"{text}\nfr.utf8=Une image.\n", encoding="utf-8")


@pytest.fixture(scope="module")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty drawings in two categories, half of them with a mirrored view; four are unfit."""
    root = tmp_path_factory.mktemp("stamps")
    for number in range(NUM_PICTURES):
        name = f"animals/birds/bird_{chr(97 + number // 26)}{chr(97 + number % 26)}"
        write_picture(root / f"{name}.png", f"A bird named {chr(97 + number % 26)}.")
        if number % 2:
            write_picture(root / f"{name}_mirror.png", "The same bird, seen in a mirror one day.")
    write_picture(root / "food" / "no_text.png", None)
    write_picture(root / "food" / "number.png", "A can of 7 up.")
    write_picture(root / "food" / "greek.png", "\u03b1\u03b2\u03b3")
    write_picture(root / "food" / "salt.png", "Salt.")
    Image.new("RGBA", (20, 20), (255, 255, 255, 90)).save(root / "food" / "salt.png")
    return root


@pytest.fixture(scope="module")
def built(stamps: Path, tmp_path_factory: pytest.TempPathFactory) -> FolderSources:
    return build_folder_sources(stamps, tmp_path_factory.mktemp("out"), name="tuxpaint")


def picture(content: bytes | None) -> Image.Image:
    assert content is not None
    return Image.open(io.BytesIO(content))


def keys(path: Path) -> list[str]:
    source = ShardedSource(path)
    return [source.read(row).key for row in range(len(source))]


def test_descriptions_keep_ascii_letters_alone() -> None:
    assert plain_words("A \u201cGranny Smith\u201d apple\u2014yum!") == "a granny smith apple yum"
    assert plain_words("Grandma\u2019s Ra\u0308uchermann") == "grandmas rauchermann"
    assert plain_words("The number 8.") == ""


def test_transparent_pictures_lie_on_white_in_a_square(tmp_path: Path) -> None:
    for mode in ("RGBA", "LA", "P", "RGB"):
        write_picture(tmp_path / "stamp.png", None, mode=mode)
        image = picture(flattened(tmp_path / "stamp.png"))
        assert (image.mode, image.size) == ("RGB", (30, 30))
        assert min(image.getpixel((1, 1))) > 250  # padding
        if mode in ("RGBA", "LA"):
            assert min(image.getpixel((1, 12))) > 240  # was transparent red
        assert image.getpixel((15, 15))[0] < 60  # the drawing itself


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    Image.new("RGB", (2 * MAX_SIDE, 10)).save(tmp_path / "wide.png")
    image = picture(flattened(tmp_path / "wide.png"))
    assert image.size == (MAX_SIDE, MAX_SIDE)


def test_every_fit_picture_is_trained_on_or_held_out(built: FolderSources) -> None:
    train = keys(built.shards["tuxpaint_caption"])
    held_out = keys(built.shards["tuxpaint_caption_held_out"])
    assert (len(train), len(held_out)) == (built.num_train, built.num_held_out)
    assert not set(train) & set(held_out)
    assert len(train) + len(held_out) == NUM_PICTURES * 3 // 2
    assert 0 < len(held_out) < len(train) / 3
    assert built.skipped == {
        "no text": 1,
        "no words, or digits in them": 2,
        "nothing to see on white": 1,
    }


def test_views_of_a_picture_stay_on_one_side_of_the_split(built: FolderSources) -> None:
    def birds(name: str) -> set[str]:
        return {key.partition("_")[2].removesuffix("_mirror") for key in keys(built.shards[name])}

    assert not birds("tuxpaint_caption") & birds("tuxpaint_caption_held_out")


def test_captions_are_whole_and_names_short(built: FolderSources) -> None:
    captions = ShardedSource(built.shards["tuxpaint_caption"])
    names = ShardedSource(built.shards["tuxpaint_what_is_it"])
    first = captions.read(0)
    assert first.rounds[0].response.startswith("a bird named ")
    assert (first.kind, len(first.images), dict(first.rounds[0].fields)) == ("image", 1, {})
    answers = {names.read(row).rounds[0].response for row in range(len(names))}
    assert all(answer.startswith("bird named ") for answer in answers)  # nothing of the mirrors
    assert len(names) < len(captions)


def test_held_out_pictures_are_questions_of_the_benchmarks_format(built: FolderSources) -> None:
    rows = [json.loads(line) for line in built.questions.read_text().splitlines()]
    assert {row["class"] for row in rows} == {"animals"}
    assert {row["index"] for row in rows} == set(keys(built.shards["tuxpaint_what_is_it_held_out"]))
    for row in rows:
        assert row["question"] == "What is it?" and len(row["answer"]) == 1
        Image.open(built.questions.parent / row["image"]).verify()


def test_building_twice_gives_the_same_bytes(
    stamps: Path, built: FolderSources, tmp_path: Path
) -> None:
    again = build_folder_sources(stamps, tmp_path, name="tuxpaint")
    for source, folder in built.shards.items():
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
        assert {f.name: f.read_bytes() for f in again.shards[source].iterdir()} == files


def test_the_recipe_asks_for_the_sources_that_are_built(built: FolderSources) -> None:
    assert set(load_recipe("tuxpaint").sources) < set(built.shards)


def test_a_folder_without_captioned_pictures_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"nowhere; install the package"):
        build_folder_sources(tmp_path / "nowhere", tmp_path / "out", name="mine")
    write_picture(tmp_path / "in" / "one.png", None)
    with pytest.raises(LynxError, match=r"0 pictures for training.*\.txt of the same name"):
        build_folder_sources(tmp_path / "in", tmp_path / "out", name="mine")
