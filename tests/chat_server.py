"""A local server that speaks the chat completions API, for tests of what is asked of one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """Answers `replies` in turn, the last for ever, or fails with `status`."""

    def __init__(self, replies: list[str | None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.replies = replies
        self.status = 200
        self.body: bytes | None = None  # in place of a reply


class Handler(BaseHTTPRequestHandler):
    """One chat completion."""

    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.requests.append({"path": self.path, "key": self.headers["Authorization"], **body})
        reply = server.replies[min(len(server.requests), len(server.replies)) - 1]
        message = {"role": "assistant", "content": reply}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "gpt-x-0613"}
        failure = {"error": {"message": f"{self.headers['Authorization']} is no key"}}
        content = json.dumps(
            {**answer, "choices": [choice]} if server.status == 200 else failure
        ).encode()
        content = content if server.body is None else server.body
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@contextmanager
def running_server(*replies: str | None) -> Iterator[Server]:
    server = Server(list(replies))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
