"""Serves a store of ratings in a process of its own, which tests kill."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_SERVE = """
import sys
from pathlib import Path
from lynx.evaluation.people.store import RatingStore
from lynx.serving.rating.desk import RatingDesk
from lynx.serving.rating.server import RatingServer
server = RatingServer(RatingDesk(RatingStore(Path(sys.argv[1]))), port=int(sys.argv[2]))
print(server.address, flush=True)
server.serve_forever()
"""


class RatingProcess:
    """A server that is ready once this is made; `address` has no slash at its end."""

    def __init__(self, store: Path, *, port: int = 0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(store), str(port)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:"), "the server has not begun"
        self.port = int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        """End it as a loss of power would: SIGKILL, no code of its own runs any more."""
        self._process.kill()
        self._process.wait()

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a GET."""
        return _answer(urllib.request.Request(self.address + path, headers=headers))

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a POST, as JSON where no header says otherwise."""
        headers = {"Content-Type": "application/json", **headers}
        data = json.dumps(body).encode()
        return _answer(urllib.request.Request(self.address + path, data, headers))


def _answer(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
