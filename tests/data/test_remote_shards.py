"""Shards behind a URL are fetched once, compared with their hash, and kept within a limit."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lynx.config.errors import LynxError
from lynx.data.sample import Round, Sample, UnreadableSampleError
from lynx.data.shards import fetching
from lynx.data.shards.manifest import MANIFEST, parse_manifest
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards
from tests.file_server import Server

NUM_SHARDS, PER_SHARD = 4, 3
ROOM = 10**9  # bytes, for all shards of a test


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four shards of some kilobytes."""
    samples = (
        Sample(f"{n:06d}", "far", "image", (Round({}, f"{n}"),), (b"\x89PNG" + os.urandom(3000),))
        for n in range(NUM_SHARDS * PER_SHARD)
    )
    write_shards(
        samples,
        tmp_path / "far",
        source="far",
        samples_per_shard=PER_SHARD,
        licence="none",
        builder="a test",
    )
    return tmp_path / "far"


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.001)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(folder) as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def open_remote(url: str, cache: Path, *, max_bytes: int = ROOM) -> ShardedSource:
    return ShardedSource(url, cache_dir=cache, max_bytes=max_bytes)


def read_all(source: ShardedSource) -> list[Sample]:
    return [source.read(row) for row in range(len(source))]


def cached(cache: Path, *endings: str) -> list[Path]:
    """Files in the cache, its empty locks apart."""
    found = [path for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]
    return [path for path in found if not endings or path.suffix in endings]


def size_of(cache: Path) -> int:
    return sum(path.stat().st_size for path in cached(cache))


def shard_bytes(folder: Path) -> int:
    """Of the largest shard."""
    return max(path.stat().st_size for path in folder.glob("*.tar"))


def test_remote_rows_equal_the_local_ones(server: Server, folder: Path, cache: Path) -> None:
    local, remote = ShardedSource(folder), open_remote(f"{server.url}/", cache)
    assert (len(remote), remote.name) == (len(local), "far")
    assert (remote.shard_ends, remote.fingerprint) == (local.shard_ends, local.fingerprint)
    assert server.num_tars == 0  # nothing is fetched before it is read
    assert read_all(remote) == read_all(local)
    assert remote.place(4) == f"far: row 4 ({server.url}/far-000001.tar row 1)"
    assert {number for number in server.requests.values()} == {1}


def test_what_is_in_the_cache_is_not_fetched_again(server: Server, cache: Path) -> None:
    first = read_all(open_remote(server.url, cache))
    server.requests.clear()
    assert read_all(open_remote(server.url, cache)) == first
    assert server.requests == {MANIFEST: 1}


def test_any_file_system_of_fsspec_can_hold_shards(folder: Path, cache: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/bucket/far", recursive=True)
    try:
        assert read_all(open_remote("memory://bucket/far", cache)) == read_all(
            ShardedSource(folder)
        )
        memory.rm("/bucket/far/far-000002.npy")
        with pytest.raises(LynxError, match=r"^memory://bucket/far/far-000002.npy: is not there"):
            read_all(open_remote("memory://bucket/far", cache / "other"))
    finally:
        memory.rm("/bucket", recursive=True)


def test_corrupt_bytes_are_fetched_again(server: Server, folder: Path, cache: Path) -> None:
    server.corrupt.update({"far-000001.tar": 2, "far-000002.npy": 1})
    assert read_all(open_remote(server.url, cache)) == read_all(ShardedSource(folder))
    assert server.requests["far-000001.tar"] == 3
    assert server.requests["far-000002.npy"] == 2


def test_bytes_that_stay_corrupt_are_an_error_with_both_hashes(
    server: Server, folder: Path, cache: Path
) -> None:
    server.corrupt["far-000001.tar"] = 100
    remote = open_remote(server.url, cache)
    stated = parse_manifest((folder / MANIFEST).read_text(), place="").shards[1].sha256
    with pytest.raises(LynxError) as caught:
        remote.read(4)
    assert not isinstance(caught.value, UnreadableSampleError)  # no matter of one sample
    url = re.escape(f"{server.url}/far-000001.tar")
    message = rf"{url}: its sha256 is ([0-9a-f]{{64}}), manifest.json says {stated}; upload .*\(tri"
    found = re.match(message, str(caught.value))
    assert found and found[1] != stated
    assert server.requests["far-000001.tar"] == 5
    assert cached(cache, ".tar", ".part") == []
    assert remote.read(0).key == "000000"  # other shards can be read


@pytest.mark.parametrize(
    ("status", "complaint", "num_tries"),
    [
        (404, "far-000001.tar: is not there; check the URL", 1),
        (
            503,
            r"far-000001.tar: can't be fetched: ClientResponseError: 503.*check the .*5 times",
            5,
        ),
    ],
)
def test_an_answer_that_is_no_file_is_an_error(
    status: int, complaint: str, num_tries: int, server: Server, cache: Path
) -> None:
    remote = open_remote(server.url, cache)
    assert remote.read(3).key == "000003"
    cached(cache, ".tar")[0].unlink()
    remote = pickle.loads(pickle.dumps(remote))  # without its open files
    server.requests.clear()
    server.status = status
    for _ in range(2):
        with pytest.raises(LynxError, match=f"^{server.url}/{complaint}") as caught:
            remote.read(3)
        assert not isinstance(caught.value, UnreadableSampleError)
        with pytest.raises(LynxError, match=f"^{server.url}/{complaint}"):
            remote.read_members(3)
    assert server.requests["far-000001.tar"] == 4 * num_tries
    assert cached(cache, ".tar", ".part") == []


def test_a_url_that_nothing_answers_is_an_error(server: Server, cache: Path) -> None:
    with pytest.raises(LynxError, match=rf"^{server.url}/elsewhere/manifest.json: is not there"):
        open_remote(f"{server.url}/elsewhere", cache)
    with pytest.raises(LynxError, match=r"1:9/manifest.json: can't be fetched: ClientConn.*check"):
        open_remote("http://127.0.0.1:9", cache)
    with pytest.raises(LynxError, match=r"^nope://x/manifest.json: can't be .*Protocol not known"):
        open_remote("nope://x", cache)
    with pytest.raises(LynxError, match=rf"^{server.url}: shards behind a URL need a local cache"):
        ShardedSource(server.url)


def test_a_cache_that_cannot_be_written_is_an_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    remote = open_remote(server.url, tmp_path / "cache")
    with pytest.raises(LynxError, match=rf"^{tmp_path}/cache: can't keep {server.url}/far-"):
        remote.read(0)


def test_the_cache_stays_below_its_limit(server: Server, folder: Path, cache: Path) -> None:
    limit = 2 * shard_bytes(folder) + 1000
    remote = open_remote(server.url, cache, max_bytes=limit)
    expected = read_all(ShardedSource(folder))
    for row, sample in enumerate(expected):
        assert remote.read(row) == sample
        assert size_of(cache) <= limit
    assert remote.read(0) == expected[0]  # its file is gone from the cache
    with pytest.raises(LynxError, match=r"^data.shard_cache_gb: 1e-06 GB can't hold one shard"):
        open_remote(server.url, cache, max_bytes=1000)


def test_the_shard_that_was_used_last_stays(server: Server, folder: Path, cache: Path) -> None:
    limit = 2 * shard_bytes(folder) + 1000

    def read(row: int) -> None:
        open_remote(server.url, cache, max_bytes=limit).read(row)
        time.sleep(0.01)  # file systems' clocks tick some hundred times in a second

    for row in (0, 3, 0, 6):  # shards 0, 1, 0, 2: the third finds 0 in the cache
        read(row)
    server.requests.clear()
    read(0)
    assert server.num_tars == 0
    read(3)
    assert server.num_tars == 1


def test_an_evicted_file_stays_readable_and_is_closed_later(
    server: Server, folder: Path, cache: Path
) -> None:
    limit = shard_bytes(folder) + 1000
    first = open_remote(server.url, cache, max_bytes=limit)
    expected = read_all(ShardedSource(folder))
    assert first.read(0) == expected[0]
    assert open_remote(server.url, cache, max_bytes=limit).read(3) == expected[3]
    server.requests.clear()
    assert first.read(1) == expected[1]  # from the open file
    assert server.num_tars == 0
    assert _num_deleted_open(cache) == 1
    assert first.read(6) == expected[6]
    assert _num_deleted_open(cache) == 0


def _num_deleted_open(cache: Path) -> int:
    """Files that were evicted and take up space, as a process has them open."""
    links = [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]
    return sum(str(cache) in one and ".tar" in one and "(deleted)" in one for one in links)


def test_parts_that_a_killed_process_left_are_removed(server: Server, cache: Path) -> None:
    old, new = cache / "ab" / "1.part", cache / "cd" / "2.part"
    for path in (old, new):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    open_remote(server.url, cache).read(0)
    assert cached(cache, ".part") == [new]  # another process may be fetching it
    assert len(list(cache.rglob(".lock"))) == 2  # one for the index, one for the tar


def _read_in_process(source: ShardedSource, row: int, queue: Any) -> None:
    queue.put(source.read(row).key)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_that_need_the_same_shard_fetch_it_once(
    method: str, server: Server, cache: Path
) -> None:
    """Forked ones too, though the file system has a thread in the parent, as data loaders do."""
    server.pause = 0.2  # so that all come while the first is still waiting
    remote = open_remote(server.url, cache)
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    workers = [
        context.Process(target=_read_in_process, args=(remote, row, queue)) for row in (3, 4, 5)
    ]
    for worker in workers:
        worker.start()
    assert sorted(queue.get(timeout=60) for _ in workers) == ["000003", "000004", "000005"]
    for worker in workers:
        worker.join(timeout=60)
        assert worker.exitcode == 0
    assert server.requests == {MANIFEST: 1, "far-000001.npy": 1, "far-000001.tar": 1}


def test_a_killed_download_leaves_nothing_that_is_taken_for_a_shard(
    server: Server, cache: Path, tmp_path: Path
) -> None:
    remote = open_remote(server.url, cache)
    pickled = tmp_path / "source.pickle"
    pickled.write_bytes(pickle.dumps(remote))
    server.pause = 30.0
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb')).read(0)"
    process = subprocess.Popen([sys.executable, "-c", code, str(pickled)])
    _wait(lambda: bool(cached(cache, ".part")))
    process.kill()
    process.wait()
    server.pause = 0.0
    assert remote.read(0).key == "000000"  # its lock went with the process
    assert cached(cache, ".part") == []


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)
