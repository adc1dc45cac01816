"""Where the files of a source are: a local folder, or a remote one with a verified local cache."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import fsspec

from lynx.config.errors import LynxError
from lynx.data.shards.index import BYTES_PER_ROW
from lynx.data.shards.manifest import MANIFEST, Manifest, Shard
from lynx.tracking.files import locked

_CHUNK = 1 << 22  # bytes
_TRIES, _FIRST_PAUSE = 4, 1.0  # of a download; seconds, doubled each time
_log = logging.getLogger(__name__)


class ShardFolder(Protocol):
    """A folder with a manifest."""

    def manifest_text(self) -> str:
        """The manifest; LynxError where there is none."""

    def check(self, manifest: Manifest) -> None:
        """LynxError for what is missing or cut, as far as that costs no reading."""

    def tar(self, shard: Shard) -> Path:
        """A local file with the shard; LynxError where it can't be had."""

    def index(self, shard: Shard) -> Path:
        """A local file with the shard's index; LynxError where it can't be had."""


class LocalFolder:
    """Shards on a disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def manifest_text(self) -> str:
        path = self._path / MANIFEST
        try:
            return path.read_text(encoding="utf-8")
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
    and workers share it. Beyond `max_bytes` the shards that were fetched longest ago are removed.
    """

    def __init__(self, url: str, cache_dir: Path, *, max_bytes: int) -> None:
        self._url, self._cache_dir, self._max_bytes = url.rstrip("/"), cache_dir, max_bytes

    def __str__(self) -> str:
        return self._url

    def manifest_text(self) -> str:
        with _told(f"{self._url}/{MANIFEST}"), fsspec.open(f"{self._url}/{MANIFEST}") as stream:
            return stream.read().decode()

    def check(self, manifest: Manifest) -> None:
        largest = max(shard.bytes for shard in manifest.shards)
        if largest > self._max_bytes:
            raise LynxError(
                f"data.shard_cache_gb: {self._max_bytes / 1e9:g} GB can't hold one shard of "
                f"{self._url}, which has {largest / 1e9:.2f} GB"
            )

    def tar(self, shard: Shard) -> Path:
        return self._fetched(shard.file, shard.sha256)

    def index(self, shard: Shard) -> Path:
        return self._fetched(shard.index_file, shard.index_sha256)

    def _fetched(self, name: str, sha256: str) -> Path:
        path = self._cache_dir / sha256[:2] / f"{sha256}{Path(name).suffix}"
        if not path.exists():
            with locked(path.with_suffix(".lock"), waiting=_log.info):
                if not path.exists():
                    self._download(name, sha256, path)
            self._evict(keep=path)
        return path

    def _download(self, name: str, sha256: str, path: Path) -> None:
        url, part = f"{self._url}/{name}", path.with_suffix(".part")
        for number in range(_TRIES):
            if number:
                time.sleep(_FIRST_PAUSE * 2 ** (number - 1))
            try:
                with _told(url):
                    digest = _copied(url, part)
            except LynxError as error:
                problem = str(error)
                continue
            if digest == sha256:
                os.replace(part, path)
                return
            problem = f"{url}: its sha256 is {digest[:16]}..., {MANIFEST} says {sha256[:16]}..."
            _log.warning("%s; fetched again", problem)
        part.unlink(missing_ok=True)
        raise LynxError(f"{problem} (tried {_TRIES} times)")

    def _evict(self, *, keep: Path) -> None:
        """Oldest first; a file that a reader has open stays readable until it is closed."""
        with suppress(FileNotFoundError):  # another process evicts too
            files = sorted(self._cache_dir.glob("*/*.tar"), key=lambda path: path.stat().st_mtime)
            total = sum(path.stat().st_size for path in files)
            for path in files:
                if total <= self._max_bytes:
                    return
                if path != keep:
                    total -= path.stat().st_size
                    path.unlink()


def open_folder(location: str | os.PathLike[str], **cache: Any) -> ShardFolder:
    """The folder at a path or URL; cache: `cache_dir` and `max_bytes`, for a URL."""
    if "://" not in str(location):
        return LocalFolder(Path(location))
    if not cache:
        raise LynxError(f"{location}: shards behind a URL need a local cache; name data.cache_dir")
    return RemoteFolder(str(location), **cache)


def _copied(url: str, path: Path) -> str:
    """Copy the file at the URL; gives its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with fsspec.open(url) as remote, path.open("wb") as local:
        while chunk := remote.read(_CHUNK):
            digest.update(chunk)
            local.write(chunk)
    return digest.hexdigest()


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Whatever a file system raises, as a LynxError that names the URL."""
    try:
        yield
    except LynxError:
        raise
    except Exception as error:  # each of fsspec's file systems has exceptions of its own
        reason = str(error) or type(error).__name__
        raise LynxError(f"{url}: can't be fetched: {reason}") from error


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _found(size: int | None) -> str:
    return "is missing" if size is None else f"has {size} bytes"
