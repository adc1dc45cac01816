"""A folder of one's own captioned pictures: texts, names, squares, what is held out."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.formats.captioned_folder import (
    ALL_WHITE,
    NO_FILE,
    NO_UTF8,
    NO_WORDS,
    TOO_LONG,
    flattened,
    plain_words,
    read,
)
from lynx.data.formats.pictured_texts import NO_PICTURE
from lynx.data.formats.skipped import Skipped
from lynx.data.sample import Sample
from tests.data.formats.pictured_copies import responses

NUM_PICTURES = 60
MOST = 448
TUXPAINT: dict[str, Any] = {"plain": True, "square": MOST, "held_out_share": 10}


def put_stamp(path: Path, text: str | None, *, mode: str = "RGBA") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGBA", (30, 12), (200, 0, 0, 0))
    image.paste((0, 0, 200, 255), (10, 4, 20, 8))
    image.convert(mode).save(path)
    if text is not None:
        path.with_suffix(".txt").write_text(f"{text}\nfr.utf8=Une image.\n", encoding="utf-8")


@pytest.fixture(scope="module")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty drawings in two categories, half of them with mirrored views; four are unfit."""
    root = tmp_path_factory.mktemp("stamps")
    for number in range(NUM_PICTURES):
        name = f"animals/birds/bird_{chr(97 + number // 26)}{chr(97 + number % 26)}"
        put_stamp(root / f"{name}.png", f"A bird named {chr(97 + number % 26)}.")
        if number % 2:
            text = "The same bird, seen in a mirror one day."
            put_stamp(root / f"{name}_mirror.png", text)
            put_stamp(root / f"{name}_mirror_flip.png", text)
    put_stamp(root / "food" / "no_text.png", None)
    put_stamp(root / "food" / "number.png", "A can of 7 up.")
    put_stamp(root / "food" / "greek.png", "\u03b1\u03b2\u03b3")
    put_stamp(root / "food" / "salt.png", "Salt.")
    Image.new("RGBA", (20, 20), (255, 255, 255, 90)).save(root / "food" / "salt.png")
    return root


def read_all(root: Path, skipped: Counter[str] | None = None, **options: Any) -> list[Sample]:
    counted: Counter[str] = Counter() if skipped is None else skipped
    samples = list(read(root, source="mine", skipped=counted, **options))
    assert len({sample.key for sample in samples}) == len(samples)
    assert {(sample.source, sample.kind) for sample in samples} <= {("mine", "image")}
    return samples


def opened(content: bytes | None) -> Image.Image:
    assert content is not None
    return Image.open(io.BytesIO(content))


def colour(image: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    red, green, blue = image.convert("RGB").getpixel((x, y))  # type: ignore[misc]
    return red, green, blue


def test_pictures_of_any_usual_format_are_taken_with_their_subfolders(tmp_path: Path) -> None:
    endings = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "JPG")
    for number, ending in enumerate(endings):
        put_stamp(tmp_path / f"{number}" / f"a.{ending}", f"Nr {number}.", mode="RGB")
    (tmp_path / "0" / "notes.txt").write_text("not about a picture")
    samples = read_all(tmp_path)
    assert responses(samples) == {f"{n}_a": [f"Nr {n}."] for n in range(len(endings))}
    assert {opened(sample.images[0]).format for sample in samples} == {"JPEG", "PNG"}
    assert samples[0].images[0] == (tmp_path / "0" / "a.jpg").read_bytes()


def test_all_lines_of_a_text_make_a_row_each(tmp_path: Path) -> None:
    put_stamp(tmp_path / "a.png", "A  boat.\n\nIt is blue.")
    (first,) = read_all(tmp_path)
    (several,) = read_all(tmp_path, caption_line="all")
    assert [one.response for one in first.rounds] == ["A boat."]
    assert [several.row(n).rounds[0].response for n in range(several.num_rows)] == [
        "A boat.",
        "It is blue.",
        "fr.utf8=Une image.",
    ]


def test_two_formats_of_one_picture_have_keys_of_their_own(tmp_path: Path) -> None:
    put_stamp(tmp_path / "a.png", "A boat.")
    put_stamp(tmp_path / "a.gif", None)
    assert len(read_all(tmp_path)) == 2


def test_plain_texts_keep_ascii_letters_alone() -> None:
    assert plain_words("A \u201cGranny Smith\u201d apple\u2014yum!") == "a granny smith apple yum"
    assert plain_words("Grandma\u2019s Ra\u0308uchermann") == "grandmas rauchermann"
    assert plain_words("The number 8.") == ""


def test_transparent_pictures_lie_on_white_in_a_square(tmp_path: Path) -> None:
    for mode in ("RGBA", "LA", "P", "RGB"):
        put_stamp(tmp_path / "stamp.png", None, mode=mode)
        image = opened(flattened(tmp_path / "stamp.png", MOST))
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (30, 30))
        assert min(colour(image, 1, 1)) > 250  # padding
        if mode in ("RGBA", "LA"):
            assert min(colour(image, 1, 12)) > 240  # was transparent red
        assert colour(image, 15, 15)[0] < 60  # the drawing itself


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    Image.new("RGB", (2 * MOST, 10)).save(tmp_path / "wide.png")
    assert opened(flattened(tmp_path / "wide.png", MOST)).size == (MOST, MOST)


def test_every_fit_picture_is_trained_on_or_held_out(stamps: Path) -> None:
    skipped = Counter[str]()
    train = read_all(stamps, skipped, **TUXPAINT)
    held_out = read_all(stamps, skipped, part="held_out", **TUXPAINT)
    keys = {sample.key for sample in train}, {sample.key for sample in held_out}
    assert not keys[0] & keys[1]
    assert len(train) + len(held_out) == 2 * NUM_PICTURES
    assert 0 < len(held_out) < len(train) / 3
    assert skipped == {NO_FILE: 1, NO_WORDS: 2, ALL_WHITE: 1}


def test_views_of_a_picture_stay_on_one_side_of_the_split(stamps: Path) -> None:
    def birds(part: str) -> set[str]:
        samples = read_all(stamps, part=part, **TUXPAINT)
        return {sample.key.removesuffix("_flip").removesuffix("_mirror") for sample in samples}

    assert birds("train") and birds("held_out")
    assert not birds("train") & birds("held_out")


def test_the_split_hangs_on_a_pictures_path_alone(stamps: Path, tmp_path: Path) -> None:
    held_out = read_all(stamps, part="held_out", **TUXPAINT)
    path = next(p for p in sorted(stamps.rglob("*.png")) if p.stem in held_out[0].key)
    put_stamp(tmp_path / path.relative_to(stamps), "Another text.")
    assert [s.key for s in read_all(tmp_path, part="held_out", **TUXPAINT)] == [held_out[0].key]
    assert read_all(tmp_path, **TUXPAINT) == []


def test_names_are_short_and_have_no_article(stamps: Path) -> None:
    skipped = Counter[str]()
    names = read_all(stamps, skipped, task="name", **TUXPAINT)
    captions = read_all(stamps, **TUXPAINT)
    assert all(sample.rounds[0].response.startswith("bird named ") for sample in names)
    assert captions[0].rounds[0].response.startswith("a bird named ")
    assert skipped[TOO_LONG] == len(captions) - len(names) > 0


def test_a_name_that_is_not_plain_loses_its_full_stop_too(tmp_path: Path) -> None:
    put_stamp(tmp_path / "a.png", "An Eiffel Tower.")
    assert responses(read_all(tmp_path, task="name")) == {"a": ["Eiffel Tower"]}


@pytest.mark.parametrize("square", [None, MOST])
def test_a_damaged_picture_is_counted(tmp_path: Path, square: int | None) -> None:
    put_stamp(tmp_path / "a.webp", "A boat.")
    (tmp_path / "a.webp").write_bytes(b"RIFF....WEBP")
    skipped = Counter[str]()
    assert read_all(tmp_path, skipped, square=square) == []
    assert skipped == {NO_PICTURE: 1}


def test_reading_twice_gives_the_same(stamps: Path) -> None:
    assert read_all(stamps, **TUXPAINT) == read_all(stamps, **TUXPAINT)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"task": "names"}, r"`task` is 'names'; it can be caption, name"),
        ({"caption_line": "last"}, r"`caption_line` is 'last'; it can be first, all"),
        ({"part": "test"}, r"`part` is 'test'; it can be train, held_out"),
        ({"part": "held_out"}, r"`held_out_share` is 0; .*above 0"),
        ({"square": 0}, r"`square` is 0; it is a number of pixels, or null"),
    ],
)
def test_a_wrong_option_says_what_it_can_be(
    options: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(LynxError, match=complaint):
        read_all(tmp_path, **options)


def test_a_folder_without_pictures_says_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"has no pictures \(\.jpg, .*\.png"):
        read_all(tmp_path)


def test_a_text_in_another_coding_is_counted_and_not_guessed(tmp_path: Path) -> None:
    for name, content in {
        "latin": "Ein gr\u00fcnes Boot.".encode("latin-1"),
        "utf16": "A boat.".encode("utf-16"),
        "later_line": b"A boat.\nfr=Un b\xe2teau.\n",
        "marked": "\ufeffA t\u00e9.".encode(),
    }.items():
        put_stamp(tmp_path / f"{name}.png", None)
        (tmp_path / f"{name}.txt").write_bytes(content)
    skipped = Skipped()
    samples = read_all(tmp_path, skipped)
    assert responses(samples) == {"later_line": ["A boat."], "marked": ["A t\u00e9."]}
    assert skipped == {NO_UTF8: 2}
    assert skipped.examples == {NO_UTF8: str(tmp_path / "latin.txt")}
    assert len(read_all(tmp_path, skipped, caption_line="all")) == 1
