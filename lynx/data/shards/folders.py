"""Where the files of a source are: a local folder, or a remote one with a verified local cache."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lynx.config.errors import LynxError
from lynx.data.shards.fetching import Remote
from lynx.data.shards.index import BYTES_PER_ROW
from lynx.data.shards.manifest import MANIFEST, Manifest, Shard
from lynx.tracking.files import locked

_PART = ".part"  # ending of a file that is being fetched
_FILES = (".tar", ".npy", _PART)
_ABANDONED = 3600.0  # seconds without a byte, after which a part belongs to a process that is gone
_MOST_LOST = 10  # times that other processes may evict a file before it is open
_log = logging.getLogger(__name__)
Opened = TypeVar("Opened")


class ShardFolder(Protocol):
    """A folder with a manifest."""

    def manifest_text(self) -> str:
        """The manifest; LynxError where there is none."""

    def check(self, manifest: Manifest) -> None:
        """LynxError for what is missing or cut, as far as that costs no reading."""

    def tar(self, shard: Shard) -> Path:
        """A local file with the shard; LynxError where it can't be had. See `opened`."""

    def index(self, shard: Shard) -> Path:
        """A local file with the shard's index; LynxError where it can't be had. See `opened`."""


class LocalFolder:
    """Shards on a disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def manifest_text(self) -> str:
        path = self._path / MANIFEST
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise LynxError(f"{path}: no shards here: {error.strerror}") from error

    def check(self, manifest: Manifest) -> None:
        for shard in manifest.shards:
            size = _size(self.tar(shard))
            if size != shard.bytes:
                found = f"{_found(size)}; {MANIFEST} says {shard.bytes} bytes"
                raise LynxError(f"{self.tar(shard)}: {found}")
            size = _size(self.index(shard))
            if size is None or size <= shard.num_rows * BYTES_PER_ROW:
                found = f"{_found(size)}; {MANIFEST} says {shard.num_rows} rows"
                raise LynxError(f"{self.index(shard)}: {found}")

    def tar(self, shard: Shard) -> Path:
        return self._path / shard.file  # an absolute file stays what it is

    def index(self, shard: Shard) -> Path:
        return self._path / shard.index_file


class RemoteFolder:
    """Shards behind a URL that fsspec reads (s3, gs, hf, http, ...), fetched whole when first read.

    A file in the cache is named by its hash and was compared with it, so that several runs, ranks
    and workers share it. The files that were opened longest ago make room for a new one within
    `max_bytes`, except for what other processes fetch at that moment.
    """

    def __init__(self, url: str, cache_dir: Path, *, max_bytes: int) -> None:
        self._remote, self._cache_dir, self._max_bytes = Remote(url), cache_dir, max_bytes

    def __str__(self) -> str:
        return str(self._remote)

    def manifest_text(self) -> str:
        return self._remote.text(MANIFEST)

    def check(self, manifest: Manifest) -> None:
        largest = max(shard.bytes for shard in manifest.shards)
        if largest > self._max_bytes:
            raise LynxError(
                f"data.shard_cache_gb: {self._max_bytes / 1e9:g} GB can't hold one shard of "
                f"{self}, which has {largest / 1e9:.3g} GB"
            )

    def tar(self, shard: Shard) -> Path:
        return self._cached(shard.file, shard.sha256, room=shard.bytes)

    def index(self, shard: Shard) -> Path:
        return self._cached(shard.index_file, shard.index_sha256, room=0)

    def _cached(self, name: str, sha256: str, *, room: int) -> Path:
        """room: bytes to free for the file; 0 for an index, which has no thousandth of a shard."""
        path = self._cache_dir / sha256[:2] / f"{sha256}{Path(name).suffix}"
        try:
            if _touched(path):
                return path
            # One lock for all hashes that begin alike: no more than 256 files are left behind.
            with locked(path.parent / ".lock", waiting=_log.info):
                if not _touched(path):
                    if room:
                        self._evict(room)
                    self._remote.fetch(name, sha256, path, part=path.with_suffix(_PART))
        except OSError as error:
            raise LynxError(f"{self._cache_dir}: can't keep {self}/{name} here: {error}") from error
        return path

    def _evict(self, room: int) -> None:
        """Make room, least recently opened files first; who has such a file open can read on."""
        files = []
        for path in self._cache_dir.glob("*/*"):
            if path.suffix in _FILES and (status := _status(path)):
                files.append((status.st_mtime, status.st_size, path))
        total = room + sum(size for _, size, _ in files)
        for modified, size, path in sorted(files):
            is_part = path.suffix == _PART
            if is_part and time.time() - modified < _ABANDONED:
                continue
            if is_part or total > self._max_bytes:
                path.unlink(missing_ok=True)
                total -= size


def open_folder(location: str | os.PathLike[str], **cache: Any) -> ShardFolder:
    """The folder at a path or URL; cache: `cache_dir` and `max_bytes`, for a URL."""
    if "://" not in str(location):
        return LocalFolder(Path(location))
    if not cache:
        raise LynxError(f"{location}: shards behind a URL need a local cache; name data.cache_dir")
    return RemoteFolder(str(location), **cache)


def opened(find: Callable[[], Path], opener: Callable[[Path], Opened]) -> Opened:
    """What `opener` makes of the file that `find` names; LynxError where there is none to be had.

    Another process may evict the file in between; then it is asked for again.
    """
    for _ in range(_MOST_LOST):
        path = find()
        try:
            return opener(path)
        except FileNotFoundError:
            continue
        except OSError as error:  # too many open files, no permission: not a matter of one sample
            raise LynxError(f"{path}: can't be opened: {error.strerror}") from error
    raise LynxError(f"{path}: is gone; was it removed, or is data.shard_cache_gb far too small?")


def _touched(path: Path) -> bool:
    """Whether the file exists; it counts as just used."""
    try:
        os.utime(path)
    except OSError:  # another user's file can't be touched and may still be read
        return path.exists()
    return True


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # another process evicts too
        return None


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _found(size: int | None) -> str:
    return "is missing" if size is None else f"has {size} bytes"
