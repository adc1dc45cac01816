"""Makes sources of a folder of captioned pictures: a PNG each, and a .txt of the same name.

The first line of a text describes its picture in English. Debian's package tuxpaint-stamps-default
is such a folder (/usr/share/tuxpaint/stamps).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.sample import Round, Sample
from lynx.data.shards.writing import write_shards
from lynx.tracking.files import write_bytes_atomic, write_text_atomic

HELD_OUT_SHARE = 10  # one picture in this many is kept for evaluation
MAX_SIDE = 448  # pixels
_SHORT_ANSWER = 4  # words
_NEARLY_WHITE = 240  # of 255; Tux Paint has a white lightning bolt
_SAMPLES_PER_SHARD = 500
_VARIANTS = re.compile(r"_(mirror|flip|mirror_flip)$")  # Tux Paint's views of the same picture
_ARTICLE = re.compile(r"^(a|an|the|some) ")


@dataclass(frozen=True)
class FolderSources:
    """What `build_folder_sources` wrote.

    shards: folder of each source, also of the held-out ones (`<name>_..._held_out`).
    questions: held-out pictures as an Open-VQA file, for evaluation.benchmarks.*.questions.
    skipped: number of pictures left out, by reason.
    """

    shards: Mapping[str, Path]
    questions: Path
    num_train: int
    num_held_out: int
    skipped: Mapping[str, int]


@dataclass(frozen=True)
class _Picture:
    key: str
    image: bytes
    category: str
    caption: str
    is_held_out: bool

    @property
    def short_name(self) -> str | None:
        """The caption without its article, if it is short enough to answer a question."""
        name = _ARTICLE.sub("", self.caption)
        return name if len(name.split()) <= _SHORT_ANSWER else None


def build_folder_sources(root: str | Path, out_dir: str | Path, *, name: str) -> FolderSources:
    """Write shards of `<name>_caption` and `<name>_what_is_it` below `out_dir`, and held-out ones.

    root: searched with its subfolders; the uppermost name a picture's category. Pictures are put on
    white, padded to squares and shrunk to MAX_SIDE. Texts keep their letters only, in lower case;
    pictures without a text, with digits in it or white all over are skipped and counted. Which
    pictures are held out depends on their paths below `root` alone; views of one picture stay
    together. LynxError unless one picture for training and one held out are found.
    """
    root, out = Path(root), Path(out_dir)
    skipped: Counter[str] = Counter()
    pictures = list(_find_pictures(root, skipped))
    train = [one for one in pictures if not one.is_held_out]
    held_out = [one for one in pictures if one.is_held_out]
    if not train or not held_out:
        raise LynxError(
            f"{root}: {len(train)} pictures for training and {len(held_out)} held out; at least "
            "one of each is needed: .png files with a .txt of the same name beside them"
        )
    shards = {}
    for part, suffix in ((train, ""), (held_out, "_held_out")):
        for task in ("caption", "what_is_it"):
            source = f"{name}_{task}{suffix}"
            shards[source] = out / source
            write_shards(
                _samples(part, task=task, source=source),
                out / source,
                source=source,
                samples_per_shard=_SAMPLES_PER_SHARD,
                licence=f"of the pictures in {root.name}; not distributed with this suite",
                builder="lynx.data.folder_source",
            )
    questions = _write_questions(held_out, out / f"{name}_questions")
    return FolderSources(shards, questions, len(train), len(held_out), dict(skipped))


def _find_pictures(root: Path, skipped: Counter[str]) -> Iterator[_Picture]:
    if not root.is_dir():
        raise LynxError(f"no folder {root}; install the package, or name the pictures' folder")
    for number, path in enumerate(sorted(root.rglob("*.png"))):
        text = path.with_suffix(".txt")
        if not text.is_file():
            skipped["no text"] += 1
            continue
        lines = text.read_text("utf-8", errors="replace").splitlines()
        caption = plain_words(lines[0]) if lines else ""
        if not caption:
            skipped["no words, or digits in them"] += 1
            continue
        image = flattened(path)
        if image is None:
            skipped["nothing to see on white"] += 1
            continue
        inside = path.relative_to(root)
        same = _VARIANTS.sub("", inside.with_suffix("").as_posix())
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", path.stem)[:60]
        yield _Picture(
            key=f"{number:06d}_{stem}",
            image=image,
            category=inside.parts[0] if len(inside.parts) > 1 else root.name,
            caption=caption,
            is_held_out=_hash(same) % HELD_OUT_SHARE == 0,
        )


def plain_words(text: str) -> str:
    """The text in ASCII letters, lower case, single spaces; empty if a digit would be lost."""
    decomposed = unicodedata.normalize("NFKD", text)
    ascii_text = "".join(c for c in decomposed if not unicodedata.combining(c)).lower()
    if any(character.isdigit() for character in ascii_text):
        return ""
    ascii_text = re.sub(r"(?<=[a-z])['\u2019\u02bc](?=[a-z])", "", ascii_text)
    return " ".join(re.findall(r"[a-z]+", ascii_text))


def flattened(path: Path) -> bytes | None:
    """The picture as a square JPEG on white, at most MAX_SIDE pixels wide; None if all is white."""
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGBA")
    except (OSError, SyntaxError, ValueError) as error:
        raise LynxError(f"{path}: can't be read as a picture: {error}") from error
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    side = max(image.size)
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(image, ((side - image.width) // 2, (side - image.height) // 2))
    if np.asarray(square.convert("L")).min() > _NEARLY_WHITE:
        return None
    stream = io.BytesIO()
    square.convert("RGB").save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def _samples(pictures: Sequence[_Picture], *, task: str, source: str) -> Iterator[Sample]:
    for one in pictures:
        response = one.caption if task == "caption" else one.short_name
        if response is not None:
            yield Sample(
                key=one.key,
                source=source,
                kind="image",
                rounds=(Round({}, response),),
                images=(one.image,),
            )


def _write_questions(pictures: Sequence[_Picture], folder: Path) -> Path:
    rows = []
    for one in pictures:
        if one.short_name is not None:
            image = f"images/{one.key}.jpg"
            write_bytes_atomic(folder / image, one.image)
            row = {
                "index": one.key,
                "class": one.category,
                "question": "What is it?",
                "answer": [one.short_name],
                "image": image,
            }
            rows.append(json.dumps(row))
    path = folder / "questions.jsonl"
    write_text_atomic(path, "\n".join(rows) + "\n")
    return path


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
