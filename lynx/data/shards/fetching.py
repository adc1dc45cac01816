"""Fetches files of a remote folder whole, compares them with their hash, and tries again."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import fsspec

from lynx.config.errors import LynxError
from lynx.data.shards.manifest import MANIFEST

FIRST_PAUSE = 1.0  # seconds before the second try; doubled before each further one
_TRIES = 5
_IDLE = 60.0  # seconds without a byte
_log = logging.getLogger(__name__)
Result = TypeVar("Result")


class _OtherContentError(Exception):
    """The file was fetched, and is not the one that the manifest has the hash of."""


class Remote:
    """A folder behind a URL of any of fsspec's file systems."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def __str__(self) -> str:
        return self._url

    def text(self, name: str) -> str:
        """A small file; LynxError that says what to check."""
        url = f"{self._url}/{name}"

        def read() -> bytes:
            system, path = _file_system(url)
            return system.cat_file(path)

        return _tried(read, url).decode(errors="replace")

    def fetch(self, name: str, sha256: str, path: Path, *, part: Path) -> None:
        """Put the file at `path`, complete and with that hash, or not at all.

        part: where it lies until it is complete. LynxError that says what to check; OSError where
        `part` can't be written.
        """
        url = f"{self._url}/{name}"

        def copy() -> None:
            system, remote_path = _file_system(url)
            system.get_file(remote_path, str(part))
            with part.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                os.fsync(stream.fileno())  # a cached file is never compared again
            if digest != sha256:
                raise _OtherContentError(f"its sha256 is {digest}, {MANIFEST} says {sha256}")

        try:
            part.touch()  # what can't be written here is no matter of the URL
            _tried(copy, url)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def _file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for the URL, and the path in it."""
    options: dict[str, Any] = {}
    if url.startswith(("http://", "https://")):
        import aiohttp  # slow to import, and most sources are local

        # Without these aiohttp ends every download after 5 minutes, and passes by the proxy.
        limits = aiohttp.ClientTimeout(total=None, sock_connect=_IDLE, sock_read=_IDLE)
        options["client_kwargs"] = {"timeout": limits, "trust_env": True}
    return fsspec.url_to_fs(url, **options)


def _tried(work: Callable[[], Result], url: str) -> Result:
    """What `work` gives, tried several times; LynxError that names the URL."""
    pause = FIRST_PAUSE
    for number in range(_TRIES):
        if number:
            time.sleep(pause)
            pause *= 2
        try:
            return work()
        except FileNotFoundError as error:
            raise LynxError(f"{url}: is not there; check the URL") from error
        except PermissionError as error:
            raise LynxError(f"{url}: not allowed; check your credentials") from error
        except ImportError as error:
            raise LynxError(
                f"{url}: {error}; try `pip install -c constraints.txt -e '.[remote]'`"
            ) from error
        except _OtherContentError as error:
            problem, last = f"{url}: {error}; upload it again if it stays so", error
        except Exception as error:  # each of fsspec's file systems has exceptions of its own
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            problem = f"{url}: can't be fetched: {reason}; check the URL and the network"
            last = error  # type: ignore[assignment]
        _log.warning("%s (try %d of %d)", problem, number + 1, _TRIES)
    raise LynxError(f"{problem} (tried {_TRIES} times)") from last
