"""Readers see the old content or the new one, also when a write fails or is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lynx.tracking.files import (
    atomic_dir,
    locked,
    write_bytes_atomic,
    write_json_atomic,
    write_text_atomic,
)


def test_what_is_written_is_read_and_parents_are_made(tmp_path: Path) -> None:
    write_text_atomic(tmp_path / "a" / "b.txt", "ä\n")
    write_bytes_atomic(tmp_path / "c.bin", b"\x00\xff")
    write_json_atomic(tmp_path / "d.json", {"b": 1, "a": [None, "ä"]})
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "ä\n"
    assert (tmp_path / "c.bin").read_bytes() == b"\x00\xff"
    text = (tmp_path / "d.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"b": 1, "a": [None, "ä"]} and text.index('"b"') < text.index('"a"')


def test_a_failed_write_leaves_the_old_content_and_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text_atomic(path, "old")
    with pytest.raises(TypeError):
        write_bytes_atomic(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_files_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    write_text_atomic(tmp_path / "atomic", "")
    assert (tmp_path / "atomic").stat().st_mode == plain.stat().st_mode


def test_a_kill_in_the_middle_of_many_writes_leaves_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    code = (
        "import sys\nfrom lynx.tracking.files import write_json_atomic\n"
        "for n in range(10**6):\n    write_json_atomic(sys.argv[1], [n] * 20000)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    while not path.exists():
        assert process.poll() is None
    for _ in range(50):
        assert len(set(json.loads(path.read_text()))) == 1
    process.send_signal(signal.SIGKILL)
    process.wait()
    values = json.loads(path.read_text())
    assert len(values) == 20000 and len(set(values)) == 1


def test_a_folder_appears_only_when_its_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with atomic_dir(target) as folder:
        (folder / "x").write_text("1")
        assert not target.exists()
    assert (target / "x").read_text() == "1"
    assert os.listdir(tmp_path) == ["made"]


def test_a_folder_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "made"
    target.mkdir()
    (target / "old").write_text("1")
    with atomic_dir(target) as folder:
        (folder / "new").write_text("2")
    assert os.listdir(target) == ["new"] and os.listdir(tmp_path) == ["made"]


def test_an_exception_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "made"
    target.mkdir()
    (target / "old").write_text("1")
    with pytest.raises(RuntimeError), atomic_dir(target) as folder:
        (folder / "new").write_text("2")
        raise RuntimeError
    assert os.listdir(target) == ["old"] and os.listdir(tmp_path) == ["made"]


def test_a_lock_is_waited_for_and_says_so(tmp_path: Path) -> None:
    path, order = tmp_path / "run" / ".lock", []
    told = threading.Event()

    def wait(text: str) -> None:
        assert str(path) in text
        order.append("told")
        told.set()

    def second() -> None:
        with locked(path, waiting=wait):
            order.append("second")

    other = threading.Thread(target=second)
    with locked(path, waiting=wait):
        other.start()
        assert told.wait(10)
        order.append("first ends")
    other.join(10)
    assert order == ["told", "first ends", "second"]
