"""Imitates the Hub's endpoints for tests: what a repository holds, and its files, in pieces."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from huggingface_hub import constants

from tests.local_server import LocalServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".bin", ".pt", ".model")  # kept as LFS files, with a sha256


class HubServer(LocalServer):
    """Serves repositories {owner/name: {file: content}}, and notes which ranges are asked for."""

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes]]) -> None:
        self.repositories = repositories
        self.asked: list[tuple[str, str | None]] = []  # file, its Range header
        self.cut_after: list[int] = []  # bytes, of the next answers with a file
        self.wrong = False  # all files have another byte than their checksum says
        self.refusal: tuple[int, str] | None = None  # status and X-Error-Code of all answers
        self.bytes_per_second = 0  # 0: no limit
        super().__init__(partial(_Handler, self))


def use_hub(monkeypatch: pytest.MonkeyPatch, url: str, cache: str) -> None:
    """Point huggingface_hub of this process to another Hub and another cache."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", cache)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}"
    )


def hub_cache(monkeypatch: pytest.MonkeyPatch, root: Path, repo: str) -> Path:
    """The folder, empty, of a repository's snapshot in a new cache of the Hub below `root`."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root))
    own = root / f"models--{repo.replace('/', '--')}"
    (own / "refs").mkdir(parents=True)
    (own / "refs" / "main").write_text("0123")
    (own / "snapshots" / "0123").mkdir(parents=True)
    return own / "snapshots" / "0123"


def _facts(name: str, content: bytes) -> dict[str, Any]:
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    facts: dict[str, Any] = {"size": len(content), "blobId": oid, "oid": oid}
    if name.endswith(LARGE):
        digest = hashlib.sha256(content).hexdigest()
        facts["lfs"] = {"size": len(content), "sha256": digest, "oid": digest, "pointerSize": 130}
    return facts


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub: HubServer, *arguments: Any) -> None:
        self._hub = hub
        super().__init__(*arguments)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(self.path.partition("?")[0]).lstrip("/")
        if self._hub.refusal:
            status, code = self._hub.refusal
            return self._send(status, b"", {"X-Error-Code": code} if code else {})
        parts = path.removeprefix("api/models/").split("/")
        repository = self._hub.repositories.get("/".join(parts[:2]))
        if repository is None:
            return self._send(401, b"", {"X-Error-Code": "RepoNotFound"})
        if path.startswith("api/models/"):
            return self._json(self._tree(repository) if "tree" in parts else self._info(repository))
        name = "/".join(parts[4:])
        if name not in repository:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        return self._file(name, repository[name], with_body=with_body)

    def _info(self, repository: Mapping[str, bytes]) -> Any:
        files = [{"rfilename": name, **_facts(name, text)} for name, text in repository.items()]
        return {"id": "-", "modelId": "-", "sha": COMMIT, "siblings": files}

    def _tree(self, repository: Mapping[str, bytes]) -> Any:
        return [
            {"type": "file", "path": name, **_facts(name, text)}
            for name, text in repository.items()
        ]

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _file(self, name: str, content: bytes, *, with_body: bool) -> None:
        facts, hub = _facts(name, content), self._hub
        etag = facts["lfs"]["sha256"] if "lfs" in facts else facts["blobId"]
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Linked-Etag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not with_body:
            return
        hub.asked.append((name, asked))
        body = bytearray(content)
        if hub.wrong:
            body[-1] ^= 1
        self._write(body[start:], hub.cut_after.pop(0) if hub.cut_after else None)

    def _write(self, body: bytearray, limit: int | None) -> None:
        sent = body if limit is None else body[:limit]
        step = max(self._hub.bytes_per_second // 50, 1) if self._hub.bytes_per_second else len(sent)
        for offset in range(0, len(sent), max(step, 1)):
            self.wfile.write(sent[offset : offset + step])
            if self._hub.bytes_per_second:
                time.sleep(0.02)
        if limit is not None:
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()

    def log_message(self, *_: object) -> None:
        pass
