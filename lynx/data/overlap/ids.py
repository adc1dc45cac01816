"""Reads from a file's name, or a sample's key, which picture of which collection it is.

Collections are what datasets take their pictures from, so that ids of different datasets compare:
COCO numbers are the same in VQAv2, OK-VQA and LLaVA, and in each year's split.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.data.formats.files import read_json, read_lines, shard_key, wanted

PictureId = tuple[str, str]  # collection, and id within it: numbers without leading zeros
Aliases = Mapping[PictureId, PictureId]

# Names that tell their collection wherever they are found.
_TELLING = (
    ("coco", re.compile(r"COCO_(?:train|val|test)20\d\d_(\d{12})")),
    ("places365_val", re.compile(r"Places365_val_(\d{8})")),
    ("places365_test", re.compile(r"Places365_test_(\d{8})")),
    ("visual_genome", re.compile(r"VG_100K(?:_2)?_(\d+)(?:_[0-9a-f]{12})?$")),
)
# Names that tell only together with the source's, which has one of the first column in it. What
# converters put behind a key that comes twice: a number, or a digest.
_AFTER = r"(?:_[0-9a-f]+)*"
_BY_SOURCE = (
    (("msrvtt",), "msrvtt", re.compile(rf"(?:video_?)?(\d+){_AFTER}")),
    (("msvd",), "msvd", re.compile(rf"(?:vid)?([\w-]{{11}}_\d+_\d+|\d+){_AFTER}")),
    # VidOR keeps them in folders of four digits.
    (("nextqa",), "nextqa", re.compile(rf"(?:\d{{1,4}}_)?(\d{{8,}}){_AFTER}")),
    (("sthv2", "sthsth", "somethingsomething"), "sthv2", re.compile(rf"(\d+){_AFTER}")),
    (("ocrvqa",), "ocrvqa", re.compile(r"([\w-]+)")),
    (("visualgenome", "gqa", "visual7w"), "visual_genome", re.compile(rf"(?:v7w_)?(\d+){_AFTER}")),
    (("coco", "vqav2", "okvqa"), "coco", re.compile(rf"(\d{{1,12}}){_AFTER}")),
    # A record's number, then COCO's as of 2017; shorter ones are of CC3M.
    (("llava",), "coco", re.compile(r"(?:\d+_)?(0{6}\d{6})")),
)


def picture_id(source: str, name: str) -> PictureId | None:
    """The id in a key or a file's name (without its ending), if there is one.

    source: of training, or `origin_dataset` of a benchmark's question.
    """
    key = shard_key(name)
    for collection, pattern in _TELLING:
        if match := pattern.search(key):
            return collection, _number(match[1])
    words = re.sub(r"[^a-z0-9]", "", source.lower())
    for names, collection, pattern in _BY_SOURCE:
        if any(one in words for one in names):
            match = pattern.fullmatch(key)
            return (collection, _number(match[1])) if match else None
    return None


def read_aliases(files: Mapping[str, Path]) -> dict[PictureId, PictureId]:
    """Pictures that a published list names otherwise, by the id in training keys.

    files: `visual_genome`: image_data.json, whose `coco_id` about half of the pictures have;
    `ocrvqa`: dataset.json, as training keys are book ids and Open-VQA names covers by the last part
    of `imageURL`; `msvd`: youtube_mapping.txt, as training keys are MSVD-QA's numbers.
    """
    aliases: dict[PictureId, PictureId] = {}
    for name, path in files.items():
        if name not in _READERS:
            hint = nearest_hint(name, _READERS)
            raise LynxError(f"no list of aliases `{name}`; known are {', '.join(_READERS)}{hint}")
        aliases |= _READERS[name](path)
    return aliases


def _visual_genome(path: Path) -> dict[PictureId, PictureId]:
    return {
        ("visual_genome", str(wanted(record, "image_id", path))): ("coco", str(record["coco_id"]))
        for record in read_json(path)
        if wanted(record, "coco_id", path) is not None
    }


def _ocr_vqa(path: Path) -> dict[PictureId, PictureId]:
    return {
        ("ocrvqa", _number(shard_key(book))): ("ocrvqa", _cover(wanted(record, "imageURL", path)))
        for book, record in read_json(path).items()
    }


def _cover(address: str) -> str:
    return shard_key(PurePosixPath(unquote(address)).stem)


def _msvd(path: Path) -> dict[PictureId, PictureId]:
    """Lines `NAME vid1234`."""
    aliases: dict[PictureId, PictureId] = {}
    for line in read_lines(path):
        parts = line.split()
        if len(parts) != 2 or not re.fullmatch(r"vid\d+", parts[1]):
            raise LynxError(f"{path}: {line!r} is not `NAME vid1234`")
        aliases["msvd", _number(parts[1].removeprefix("vid"))] = "msvd", shard_key(parts[0])
    return aliases


_READERS: dict[str, Callable[[Path], dict[PictureId, PictureId]]] = {
    "visual_genome": _visual_genome,
    "ocrvqa": _ocr_vqa,
    "msvd": _msvd,
}


def _number(found: str) -> str:
    """Without leading zeros, which datasets write or not; book ids of digits alike."""
    return (found.lstrip("0") or "0") if found.isdigit() else found
