"""Makes tar files as img2dataset does: a picture, its text and what is known of it, by key."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import webdataset
from PIL import Image

from lynx.data.shards.importing import Imported, import_shards

Pairs = Mapping[str, Mapping[str, Any]]  # content by ending, by key
NUMBERS = [0, 1, 4, 5, 12, 13, 14, 30]  # what could not be downloaded leaves gaps


def picture(number: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), (number * 7, 10, 20)).save(stream, "JPEG")
    return stream.getvalue()


def record(number: int) -> dict[str, Any]:
    # The fields that img2dataset writes by default (its downloader.py).
    return {
        "caption": f"another text of {number}",
        "url": f"http://example.com/{number}.jpg",
        "key": f"{number:09d}",
        "status": "success",
        "error_message": None,
        "width": 9,
        "height": 7,
        "original_width": 90,
        "original_height": 70,
        "exif": "{}",
        "sha256": "0" * 64,
    }


def sample(number: int, **changes: Any) -> dict[str, Any]:
    """As img2dataset's writer hands it to webdataset's TarWriter."""
    text = json.dumps(record(number), indent=4)
    members = {"jpg": picture(number), "txt": f"ein Bild: süß {number}", "json": text}
    return {name: value for name, value in (members | changes).items() if value is not None}


def write_tar(path: Path, samples: Pairs) -> Path:
    path.parent.mkdir(exist_ok=True)
    with webdataset.TarWriter(str(path)) as writer:
        for key, members in samples.items():
            writer.write({"__key__": key, **members})
    return path


def keyed(*numbers: int) -> dict[str, dict[str, Any]]:
    return {f"{number:09d}": sample(number) for number in numbers}


def img2dataset_folder(directory: Path) -> Path:
    """What img2dataset leaves behind: two shards, their tables and counts."""
    write_tar(directory / "00000.tar", keyed(*NUMBERS[:5]))
    write_tar(directory / "00001.tar", keyed(*NUMBERS[5:]))
    for name in ("00000.parquet", "00000_stats.json", "00001.parquet", "00001_stats.json"):
        (directory / name).write_text("{}")
    return directory


def run(folder: Path, **options: Any) -> Imported:
    return import_shards(folder, source="laion", licence="CC-BY 4.0", **options)
