"""Writes files so that a reader sees the old content or the new, never a part."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Target = str | os.PathLike[str]


def write_bytes_atomic(path: Target, content: bytes) -> None:
    """Write `content` to `path`; missing parent folders are made."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def atomic_file(path: Target) -> Iterator[Path]:
    """Give the path of a temporary file that takes the place of `path` when the block ends well.

    It lies beside the target: a rename is atomic only within one file system.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only the owner reads
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text_atomic(path: Target, text: str) -> None:
    """Write `text` as UTF-8; see `write_bytes_atomic`."""
    write_bytes_atomic(path, text.encode("utf-8"))


def write_json_atomic(path: Target, value: Any) -> None:
    """Write `value` as indented JSON in the order given; see `write_bytes_atomic`."""
    write_text_atomic(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def atomic_dir(path: Target) -> Iterator[Path]:
    """Give a temporary folder beside `path` that takes its place when the block ends well.

    A folder already at `path` is replaced as a whole; after an exception it is left as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp"))
    os.chmod(temporary, 0o777 & ~_umask())
    try:
        yield temporary
        _put_in_place(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(temporary: Path, target: Path) -> None:
    """Rename `temporary` to `target`; a folder can't be renamed over one that holds files."""
    if not target.exists():
        os.rename(temporary, target)
        return
    outgoing = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp"))
    os.rename(target, outgoing / "old")
    os.rename(temporary, target)
    shutil.rmtree(outgoing)


@contextmanager
def locked(path: Target, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file at `path`; `waiting` is told once where another process holds it.

    The system lets go of it when a process ends, in whatever way.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting(f"waiting for the process that holds {target}")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
