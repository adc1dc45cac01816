"""Reads InViG (Zhang et al. 2023): Parquet files of pictures and dialogues about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.formats.dialogues import dialogue_rounds
from lynx.data.formats.files import matching, shard_key, wanted
from lynx.data.formats.skipped import skip
from lynx.data.sample import Sample

NO_PICTURE = "dialogues whose picture is neither JPEG nor PNG"


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    files: Sequence[str],
    dialogue_key: str = "dialog",
) -> Iterator[Sample]:
    """One sample per dialogue; each of its rounds is a row with the earlier rounds as history.

    A dialogue is a list of pairs: what the person says, what the robot replies or asks. The
    robot's last reply may be missing. dialogue_key: `dialog`, or `dialog_cn` for the Chinese.
    Needs pyarrow.
    """
    for path in matching(root, files):
        for number, row in enumerate(_rows(path)):
            content = wanted(wanted(row, "image", path), "bytes", path) or b""
            is_known = content.startswith((b"\xff\xd8", b"\x89PNG"))
            for index, target in enumerate(wanted(row, "ref_list", path)):
                turns: list[tuple[bool, str]] = []
                for person, robot in wanted(target, dialogue_key, path):
                    turns += [(True, person or ""), (False, robot or "")]
                if turns and not turns[-1][1].strip():
                    turns = turns[:-1]
                place = f"{path}: row {number}, dialogue {index}"
                rounds = dialogue_rounds(turns, skipped, place=place)
                if rounds and is_known:
                    key = shard_key(path.name.split(".")[0], f"{number:06d}", index)
                    yield Sample(key, source, "image", rounds, (content,), split="dialog")
                elif rounds:
                    skip(skipped, NO_PICTURE, place)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise LynxError(f"{path}: Parquet is read with pyarrow: pip install pyarrow") from error
    try:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=64):
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise LynxError(f"{path}: not readable as Parquet: {error}") from error
