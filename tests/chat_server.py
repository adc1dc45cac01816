"""A local server that speaks the chat completions API, for tests of what is asked of one."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Handler"], bool]  # misbehaves; False: goes on to answer all the same


class Server(ThreadingHTTPServer):
    """Answers `replies` in turn, the last for ever, or fails with `status`.

    Each request first takes one of `faults`, if there are any.
    """

    daemon_threads = True

    def __init__(self, replies: list[str | None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.replies = replies
        self.reply_to: Callable[[str], str | None] | None = None  # by prompt, in place of replies
        self.status = 200
        self.body: bytes | None = None  # in place of a reply
        self.model: str | None = "gpt-x-0613"  # that it says it is; None: the one asked for
        self.tokens: tuple[int, int] | None = None  # prompt, completion
        self.faults: list[Fault] = []
        self.answered: Counter[str] = Counter()  # whole replies sent, by prompt
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.has_ended_itself = False  # a request that was to hang has been waited for

    @property
    def url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def num_answered(self) -> int:
        """Whole replies sent, which is what a provider would bill."""
        return sum(self.answered.values())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: clients that hang up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    """One chat completion."""

    server: Server

    def do_POST(self) -> None:
        server = self.server
        self.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            key = self.headers["Authorization"]
            server.requests.append({"path": self.path, "key": key, **self.asked})
            number = len(server.requests)
            fault = server.faults.pop(0) if server.faults else None
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            if fault is None or not fault(self):
                self.answer(number)
        finally:
            with server.lock:
                server.at_once -= 1

    def answer(self, number: int) -> None:
        """Reply to request `number`."""
        server = self.server
        failure = {"error": {"message": f"{self.headers['Authorization']} is no key"}}
        content = json.dumps(self.completion(number) if server.status == 200 else failure).encode()
        self.send(server.status, server.body or content)
        if server.status == 200 and server.body is None:
            with server.lock:
                server.answered[self.prompt] += 1

    @property
    def prompt(self) -> str:
        """The last message."""
        return str(self.asked["messages"][-1]["content"])

    def completion(self, number: int = 1) -> dict[str, Any]:
        """The body of a reply."""
        server = self.server
        reply = server.replies[min(number, len(server.replies)) - 1] if server.replies else None
        if server.reply_to is not None:
            reply = server.reply_to(self.prompt)
        message = {"role": "assistant", "content": reply}
        body = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": server.model or self.asked["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }
        if server.tokens is not None:
            prompt, completion = server.tokens
            body["usage"] = {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            }
        return body

    def send(
        self, status: int, content: bytes, *, kind: str = "application/json", **headers: str
    ) -> None:
        """Send a whole response; headers: Retry_After stands for Retry-After."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


def failure(status: int, message: str = "", **headers: str) -> Fault:
    """Answers with an error status; {key} in the message is the key that the client sent."""

    def fault(handler: Handler) -> bool:
        text = message.replace("{key}", str(handler.headers["Authorization"]))
        handler.send(status, json.dumps({"error": {"message": text}}).encode(), **headers)
        return True

    return fault


def body(content: str, kind: str = "application/json") -> Fault:
    """Answers 200 with something else; {key} is the key that the client sent."""

    def fault(handler: Handler) -> bool:
        text = content.replace("{key}", str(handler.headers["Authorization"]))
        handler.send(200, text.encode(), kind=kind)
        return True

    return fault


def half(handler: Handler) -> bool:
    """Answers with the first half of a reply, as if it were whole."""
    content = json.dumps(handler.completion()).encode()
    handler.send(200, content[: len(content) // 2])
    return True


def broken_off(handler: Handler) -> bool:
    """Promises a whole reply, sends half of it and hangs up."""
    content = json.dumps(handler.completion()).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.close_connection = True
    return True


def hung_up(handler: Handler) -> bool:
    """Closes the connection without a word."""
    handler.close_connection = True
    return True


def silent(handler: Handler) -> bool:
    """Doesn't answer for half a minute."""
    handler.server.has_ended_itself |= not handler.server.closing.wait(30)
    handler.close_connection = True
    return True


def dripping(handler: Handler) -> bool:
    """Sends a blank now and then, and nothing else, for half a minute."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    for _ in range(600):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        if handler.server.closing.wait(0.05):
            break
    else:
        handler.server.has_ended_itself = True
    handler.close_connection = True
    return True


def slow(seconds: float) -> Fault:
    """Answers, but not at once."""

    def fault(handler: Handler) -> bool:
        time.sleep(seconds)
        return False

    return fault


@contextmanager
def running_server(*replies: str | None) -> Iterator[Server]:
    server = Server(list(replies))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
