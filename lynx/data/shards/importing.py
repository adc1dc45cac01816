"""Indexes tar files that others have made, in place: WebDataset pairs such as img2dataset's."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from lynx.config.errors import LynxError
from lynx.data.shards.index import Row, checksum, write_index
from lynx.data.shards.keys import key_hashes, repeated_keys
from lynx.data.shards.layout import PICTURE_ENDINGS, READERS
from lynx.data.shards.manifest import MANIFEST, Manifest, Shard
from lynx.data.shards.parallel import in_parallel
from lynx.data.shards.scan import Span, mapped, spans
from lynx.data.shards.tar import DamagedTarError
from lynx.tracking.files import write_json_atomic

BUILDER = "lynx data import"
_LAYOUT = "pairs"
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_GZIP = b"\x1f\x8b"  # RFC 1952


class Imported(NamedTuple):
    """What `import_shards` found; left_out: samples that can't be used, by reason."""

    manifest: Manifest
    left_out: Mapping[str, int]


class _Indexed(NamedTuple):
    shard: Shard
    left_out: Counter[str]
    key_hashes: np.ndarray  # uint64


def import_shards(
    directory: Path,
    *,
    source: str,
    licence: str,
    text: str = "txt",
    out: Path | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Write an index per tar of `directory`, and the manifest, beside the tars or into `out`.

    text: ending of the member with the text, or `json:FIELD`. told: is given the number of tars
    indexed so far, and of all. Samples without a picture or text are left out and counted.
    LynxError with shard, byte and key for a tar that isn't sound from beginning to end, and for a
    key that comes twice: better now than silently less data later. Also for shards that Lynx built,
    and for files of others where the index would lie. After an error all files are as they were.
    """
    _check_text(text)
    tars = _tars(directory)
    target = out or directory
    _check_target(directory, target, tars)
    target.mkdir(parents=True, exist_ok=True)
    layout = {"name": _LAYOUT, "text": text}
    absolute = target.resolve() != directory.resolve()
    # The indices of a hundred million rows don't fit into memory: they wait in a hidden folder.
    with TemporaryDirectory(dir=target, prefix=".import.", suffix=".tmp") as waiting:
        parts = Path(waiting)
        work = partial(_index_tar, parts=parts, source=source, layout=layout, absolute=absolute)
        indexed: list[_Indexed] = []
        for one in in_parallel(work, tars):
            indexed.append(one)
            told(len(indexed), len(tars))
        _check_keys(indexed, tars)
        manifest = Manifest(source, licence, BUILDER, tuple(one.shard for one in indexed), layout)
        left_out = sum((one.left_out for one in indexed), Counter[str]())
        if not manifest.num_rows:
            raise LynxError(f"{directory}: no sample can be used{_reasons(left_out)}")
        for shard in manifest.shards:
            os.replace(parts / shard.index_file, target / shard.index_file)
        write_json_atomic(target / MANIFEST, manifest.as_json())
    return Imported(manifest, dict(left_out))


def _check_text(text: str) -> None:
    ending, colon, name = text.partition(":")
    if not ending or (colon and not name):
        raise LynxError(
            f"text: {text!r} names no {'field' if ending else 'ending'}; it must be the ending of "
            "the member with the text, such as txt, or json:FIELD"
        )


def _tars(directory: Path) -> list[Path]:
    """All tars of the folder; LynxError where there are none, or compressed ones."""
    if not directory.is_dir():
        found = "is a file" if directory.exists() else "doesn't exist"
        raise LynxError(f"{directory}: {found}; name the folder that holds the .tar files")
    packed = sorted(path for path in directory.iterdir() if path.name.endswith(_COMPRESSED))
    if packed:
        raise LynxError(
            f"{packed[0]}: shards must not be compressed, since samples are read at their places; "
            f"{len(packed)} such files are here: unpack them to .tar, or move them away"
        )
    tars = sorted(directory.glob("*.tar"))
    if not tars:
        raise LynxError(f"{directory}: has no .tar files to index")
    return tars


def _check_target(directory: Path, target: Path, tars: list[Path]) -> None:
    """LynxError where an index would overwrite what `import_shards` has not written."""
    for folder in (directory, target):
        if _layout_in(folder) == "lynx":
            raise LynxError(f"{folder}: holds shards that Lynx built, which are read as they are")
    if target.exists() and not target.is_dir():
        raise LynxError(f"{target}: is a file; name a folder for the index")
    layout, names = _layout_in(target), [f"{path.stem}.npy" for path in tars]
    if layout == _LAYOUT:
        return
    foreign = [MANIFEST] if layout is not None else [n for n in names if (target / n).exists()]
    if foreign:
        raise LynxError(
            f"{target / foreign[0]}: would be overwritten, and no import has written it; move it "
            "away, or name another folder for the index"
        )


def _layout_in(folder: Path) -> str | None:
    """Name of the layout that a manifest in the folder states, "" if it has none; or no manifest.

    Not by `parse_manifest`: a manifest that it can't read any more may be written again.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        return str(json.loads(path.read_bytes())["layout"]["name"])
    except (ValueError, LookupError, TypeError):
        return ""


def _index_tar(
    path: Path, *, parts: Path, source: str, layout: Mapping[str, str], absolute: bool
) -> _Indexed:
    try:
        with mapped(path) as content:
            if content[: len(_GZIP)] == _GZIP:
                raise LynxError("is gzip-compressed, and shards must not be; unpack it with gunzip")
            found = list(spans(content))
            digest, size = hashlib.sha256(content).hexdigest(), len(content)
            rows, left_out = _rows(content, found, source, layout)
    except DamagedTarError as error:
        raise LynxError(f"{path}: {error}; fetch or make this shard again") from error
    except LynxError as error:
        raise LynxError(f"{path}: {error}") from error
    index_digest = write_index(parts / f"{path.stem}.npy", rows)
    file = str(path.resolve()) if absolute else path.name
    shard = Shard(file, len(found), len(rows), size, digest, index_digest)
    return _Indexed(shard, left_out, key_hashes(found))


def _rows(
    content: mmap.mmap, found: list[Span], source: str, layout: Mapping[str, str]
) -> tuple[list[Row], Counter[str]]:
    """Rows of the samples that can be used, and how many can't, by reason."""
    rows: list[Row] = []
    left_out: Counter[str] = Counter()
    for span in found:
        problem = _problem(span, content, source, layout)
        _check_dots(span, layout["text"], usable=not problem)
        if problem:
            left_out[problem] += 1
            continue
        sum_of_span = checksum(content[span.start : span.end])
        rows.append(Row(span.start, span.end - span.start, sum_of_span, 0))
    return rows, left_out


def _problem(span: Span, content: mmap.mmap, source: str, layout: Mapping[str, str]) -> str:
    """Why the sample can't be used, in words that say nothing of this one alone; or nothing."""
    members = {
        ending: content[one.offset : one.offset + one.size] for ending, one in span.members.items()
    }
    try:
        READERS[layout["name"]](span.key, source, members, layout)
    except KeyError as error:
        return f"its JSON has no {error}"
    except UnicodeDecodeError:
        return "its text is no UTF-8"
    except json.JSONDecodeError:
        return "its JSON can't be read"
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


def _check_dots(span: Span, text: str, *, usable: bool) -> None:
    """LynxError where a dotted name may be a sample of its own.

    WebDataset ends a key at its first dot, so that `img.v1.jpg` and `img.v2.jpg` are one sample
    `img` with the endings `v1.jpg` and `v2.jpg`. An additional picture such as `0001.depth.png` has
    no text of its own and lies in a sample that can be used: it is left in peace.
    """
    text_ending = text.partition(":")[0]
    for ending in span.members:
        stem, _, last = ending.rpartition(".")
        if not stem or last not in PICTURE_ENDINGS:
            continue
        if not usable or f"{stem}.{text_ending}" in span.members:
            raise LynxError(
                f"byte {span.start}: {span.key}.{ending}: WebDataset ends a key at its first dot, "
                f"so this is a part of the sample {span.key!r} with {len(span.members)} members; "
                "write these tars again with keys that have no dots"
            )


def _check_keys(indexed: list[_Indexed], tars: list[Path]) -> None:
    repeats = list(repeated_keys([one.key_hashes for one in indexed], tars))
    if repeats:
        first, second, num_keys, key = repeats[0]
        more = f"; so have {len(repeats) - 1} other pairs of shards" if len(repeats) > 1 else ""
        raise LynxError(
            f"{tars[second]}: {num_keys} of its keys, such as {key!r}, are in {tars[first].name} "
            f"too{more}; was a shard copied, or are two downloads mixed?"
        )


def _reasons(left_out: Mapping[str, int]) -> str:
    return "".join(f"\n  {number} samples: {reason}" for reason, number in left_out.items())
