"""Reads the files that W&B wrote offline: what was logged, and how it is published later."""

from __future__ import annotations

import json
import shlex
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.reporting.text import WIDTH, aligned, shortened
from lynx.tracking.run_dir import RunDir

# A .wandb file is a header, and records of protobuf in the log format of LevelDB: blocks of 32 KiB,
# in each of them fragments with checksum, length and kind.
_IDENTIFIER, _HEADER = b":W&B", 7
_BLOCK, _FRAGMENT = 32768, 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


@dataclass
class OfflineRun:
    """What one file holds. history: the logged rows, in order; media stands for itself."""

    path: Path
    id: str = ""
    name: str = ""
    project: str = ""
    group: str = ""
    job: str = ""
    tags: list[str] = field(default_factory=list)
    notes: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = None  # None: it didn't end
    is_cut: bool = False  # the file ends within a record, as a kill leaves it

    @property
    def keys(self) -> list[str]:
        """Names of everything that was logged, W&B's own left out."""
        found = dict.fromkeys(key for row in [*self.history, self.summary] for key in row)
        return [key for key in found if not key.startswith("_")]

    @property
    def media(self) -> dict[str, dict[str, Any]]:
        """Tables, pages and pictures: W&B's description of each, by name."""
        rows = [*self.history, self.summary]
        pairs = [(key, value) for row in rows for key, value in row.items()]
        return {k: v for k, v in pairs if isinstance(v, dict) and "_type" in v}

    def table(self, name: str) -> dict[str, Any]:
        """A table's `columns` and `data`, from the file beside the .wandb file."""
        place = self.path.parent / "files" / str(self.media[name]["path"])
        content: dict[str, Any] = json.loads(place.read_text("utf-8"))
        return content


@dataclass(frozen=True)
class Sync:
    """How offline runs are published: a sentence, and the exact command."""

    text: str
    command: str


def offline_folders(run: RunDir) -> list[Path]:
    """Folders of W&B's offline runs of a run, oldest first."""
    return sorted(run.wandb_dir.glob("offline-run-*"))


def sync_command(runs: Sequence[RunDir]) -> Sync | None:
    """How to publish what these runs logged offline; None where there is nothing."""
    folders = [folder for run in runs for folder in offline_folders(run)]
    if not folders:
        return None
    command = "wandb sync \\\n  " + " \\\n  ".join(shlex.quote(str(one)) for one in folders)
    return Sync(
        f"logged offline: {len(folders)} {'parts' if len(folders) > 1 else 'part'} of these runs. "
        "With an account (`wandb login`) this publishes them; `lynx dashboard` lays them out:",
        command,
    )


def read_offline_run(folder: Path) -> OfflineRun:
    """Read the .wandb file of a folder; raises LynxError where it is missing or damaged."""
    from wandb.proto import wandb_internal_pb2

    paths = sorted(folder.glob("run-*.wandb"))
    if len(paths) != 1:
        raise LynxError(f"{folder} holds {len(paths)} files run-*.wandb, one is expected")
    messages: Any = wandb_internal_pb2  # its classes are made when it is imported
    run = OfflineRun(paths[0])
    for content in _records(run):
        record = messages.Record.FromString(content)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            _read_run(run, record.run)
        elif kind == "config":
            _put(record.config.update, run.config)
        elif kind == "history":
            run.history.append(_put(record.history.item, {}))
        elif kind == "summary":
            _put(record.summary.update, run.summary)
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    return run


def offline_text(run_dir: RunDir, *, num_values: int = 40) -> str:
    """What W&B has of a run: of each offline part its history, tables and summary.

    num_values: names printed of each part.
    """
    folders = offline_folders(run_dir)
    if not folders:
        raise LynxError(
            f"{run_dir.wandb_dir} holds no offline run of W&B: it was logged online, or disabled"
        )
    parts = [_part_text(read_offline_run(folder), num_values) for folder in folders]
    sync = sync_command([run_dir])
    assert sync is not None
    return "\n\n".join([*parts, f"{sync.text}\n{sync.command}"])


def _part_text(run: OfflineRun, num_values: int) -> str:
    ended = "not ended" if run.exit_code is None else f"ended with {run.exit_code}"
    steps = [row["_step"] for row in run.history if "_step" in row]
    lines = [
        f"{run.name or run.path.parent.name} ({run.id}), job {run.job or '-'}, {ended}"
        + (", cut short" if run.is_cut else ""),
        f"  project {run.project}, group {run.group}, tags {', '.join(run.tags) or '-'}",
        f"  history: {len(run.history)} rows"
        + (f", steps {steps[0]} to {steps[-1]}" if steps else ""),
    ]
    if run.notes:
        lines.append(f"  notes: {shortened(run.notes, WIDTH - 9)}")
    for name, one in run.media.items():
        size = f", {one['nrows']} rows" if "nrows" in one else ""
        lines.append(f"  {one['_type']}: {name}{size}")
    last = {key: value for row in [*run.history, run.summary] for key, value in row.items()}
    plain = sorted(key for key in run.keys if key not in run.media)
    values = [["  " + key, _value_text(last[key])] for key in plain[:num_values]]
    lines += aligned(values).split("\n") if values else []
    more = len(plain) - num_values
    return "\n".join([*lines, *([f"  and {more} more"] if more > 0 else [])])


def _value_text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else shortened(str(value), 60)


def _read_run(run: OfflineRun, record: Any) -> None:
    run.id, run.name, run.project = record.run_id, record.display_name, record.project
    run.group, run.job, run.notes = record.run_group, record.job_type, record.notes
    run.tags = list(record.tags)
    _put(record.config.update, run.config)


def _put(items: Iterable[Any], into: dict[str, Any]) -> dict[str, Any]:
    """Add W&B's items to `into`, whose names may lie within names: a table's path in the table."""
    for item in items:
        *outer, name = list(item.nested_key) or [item.key]
        place = into
        for one in outer:
            inner = place.get(one)
            place[one] = inner if isinstance(inner, dict) else {}
            place = place[one]
        place[name] = json.loads(item.value_json)
    return into


def _records(run: OfflineRun) -> Iterator[bytes]:
    """The file's records; a last one that a kill cut short is left out, and noted."""
    content = run.path.read_bytes()
    if content[: len(_IDENTIFIER)] != _IDENTIFIER:
        raise LynxError(f"{run.path} is no file of W&B: it does not begin with ':W&B'")
    place, parts = _HEADER, b""
    while place < len(content):
        left = _BLOCK - place % _BLOCK
        if left < _FRAGMENT:  # padding
            place += left
            continue
        begin = place + _FRAGMENT
        if begin > len(content):
            run.is_cut = True
            return
        checksum, length, kind = struct.unpack("<IHB", content[place:begin])
        fragment = content[begin : begin + length]
        if kind == 0 and length == 0:  # room that was made ready and not written
            run.is_cut = bool(parts)
            return
        if len(fragment) < length:
            run.is_cut = True
            return
        if zlib.crc32(bytes([kind]) + fragment) != checksum or kind not in range(_FULL, _LAST + 1):
            raise LynxError(f"{run.path} is damaged: the record at byte {place} fails its checksum")
        parts = fragment if kind in (_FULL, _FIRST) else parts + fragment
        if kind in (_FULL, _LAST):
            yield parts
            parts = b""
        place = begin + length
