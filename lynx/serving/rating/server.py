"""Serves the rating page to browsers of this machine, and to nobody else."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lynx.config.errors import LynxError
from lynx.evaluation.people.store import RefusedError, UnwritableError
from lynx.serving.rating.desk import RatingDesk

HOST = "127.0.0.1"
DEFAULT_PORT = 8765
_OWN_NAMES = {HOST, "localhost", "[::1]"}
_LARGEST_BODY = 4096  # bytes; a click needs 200
_CLICK = re.compile(r"[A-Za-z0-9-]{8,64}")
_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class RatingServer(ThreadingHTTPServer):
    """The page's server on 127.0.0.1; `address` is where a browser finds it."""

    daemon_threads = True
    allow_reuse_address = True  # so that it may start again at once after a kill

    def __init__(self, desk: RatingDesk, *, port: int = DEFAULT_PORT) -> None:
        """port: 0 takes a free one. Raises LynxError where the port is taken."""
        self.desk = desk
        self.page = files("lynx.serving.rating").joinpath("page.html").read_bytes()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise LynxError(
                f"the page can't be served at port {port}: {error.strerror}; --port gives another"
            ) from error
        self.address = f"http://{HOST}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that is closed while it is answered is no mistake, and needs no traceback."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: RatingServer
    timeout = 60  # seconds; a connection that says nothing ends

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        desk = self.server.desk
        if not self._is_local():
            return
        if url.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
        elif url.path.startswith("/picture/"):
            self._send_picture(url.path.removeprefix("/picture/"))
        elif url.path == "/api/question":
            self._reply(lambda: desk.question(asked["rater"], int(asked["position"])))
        else:
            self._send_json(HTTPStatus.NOT_FOUND, {"error": "there is no such page"})

    def do_POST(self) -> None:
        desk = self.server.desk
        if not self._is_local():
            return
        body = self._body()
        if body is None:
            return
        if self.path == "/api/begin":
            self._reply(lambda: desk.begin(_of_type(body, "name", str)))
        elif self.path == "/api/score":
            self._reply(lambda: _score(desk, body))
        else:
            self._send_json(HTTPStatus.NOT_FOUND, {"error": "there is no such page"})

    def _is_local(self) -> bool:
        """Whether the request is of our own page; answers it otherwise.

        Another site's page could send clicks to this address (Origin), or give its own name this
        address and read the answers (Host).
        """
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        if name not in _OWN_NAMES or origin not in (None, f"http://{host}"):
            self._send_json(HTTPStatus.FORBIDDEN, {"error": "only this machine's own page may ask"})
            return False
        return True

    def _body(self) -> dict[str, Any] | None:
        """The request's mapping; None where it is none, and answered."""
        # A form of another site can't have this type without being asked first.
        if self.headers.get_content_type() != "application/json":
            self._send_json(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, {"error": "JSON is wanted"})
            return None
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self._send_json(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": "too long"})
            return None
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):  # brackets within brackets, a thousand deep
            body = None
        if not isinstance(body, dict):
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": "a JSON mapping is wanted"})
            return None
        return body

    def _reply(self, act: Callable[[], dict[str, Any]]) -> None:
        """Send what `act` gives, or why it gives nothing: 409 where the rules forbid it."""
        try:
            self._send_json(HTTPStatus.OK, act())
        except RefusedError as error:
            self._send_json(HTTPStatus.CONFLICT, {"error": str(error)})
        except UnwritableError as error:  # the page keeps the click and sends it again
            self._send_json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": str(error)})
        except KeyError as error:
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": f"{error} must be given"})
        except ValueError as error:
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def _send_picture(self, name: str) -> None:
        content = self.server.desk.picture(name)
        if content is None:
            self._send_json(HTTPStatus.NOT_FOUND, {"error": "there is no such picture"})
            return
        is_png = content.startswith(b"\x89PNG")  # the name's ending may tell otherwise
        self._send(HTTPStatus.OK, "image/png" if is_png else "image/jpeg", content)

    def _send_json(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(content).encode())

    def _send(self, status: HTTPStatus, type_: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", type_)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the terminal is the rater's."""


def _score(desk: RatingDesk, body: dict[str, Any]) -> dict[str, Any]:
    value = body.get("value")
    if value is not None:
        _of_type(body, "value", int)
    click = _of_type(body, "click", str)
    if not _CLICK.fullmatch(click):
        raise LynxError("'click' must be 8 to 64 letters, digits or hyphens")
    return desk.score(
        _of_type(body, "rater", str),
        _of_type(body, "question", str),
        _of_type(body, "place", int),
        value,
        click=click,
        store=_of_type(body, "store", str),
    )


def _of_type(body: dict[str, Any], key: str, type_: type[Any]) -> Any:
    value = body.get(key)
    if not isinstance(value, type_) or isinstance(value, bool):
        raise LynxError(f"'{key}' must be given, as {type_.__name__}")
    return value
