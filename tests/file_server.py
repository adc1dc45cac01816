"""Serves a folder over HTTP for tests, counts what is asked for, and answers wrongly when told."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.local_server import LocalServer


class Server(LocalServer):
    """Serves a folder; counts what is asked for, and can answer wrongly."""

    def __init__(self, folder: Path) -> None:
        self.requests = Counter[str]()
        self.corrupt = Counter[str]()  # how many more answers of a file have a wrong byte
        self.status: int | None = None  # of all answers
        self.pause = 0.0  # seconds before an answer
        super().__init__(partial(_Handler, self, directory=str(folder)))

    @property
    def num_tars(self) -> int:
        return sum(number for name, number in self.requests.items() if name.endswith(".tar"))


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, server: Server, *arguments: Any, **options: Any) -> None:
        self._owner = server
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        name, owner = self.path.lstrip("/"), self._owner
        owner.requests[name] += 1
        time.sleep(owner.pause)
        if owner.status:
            self.send_error(owner.status)
        elif owner.corrupt[name] > 0:
            owner.corrupt[name] -= 1
            content = bytearray(Path(self.translate_path(self.path)).read_bytes())
            content[len(content) // 2] ^= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass
