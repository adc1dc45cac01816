"""A stand-in for W&B's server that keeps one project's workspaces."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

VIEWER = {
    "id": "1", "entity": "someone", "username": "someone", "email": "", "flags": "{}",
    "teams": {"edges": []},
}  # fmt: skip


@dataclass
class Views:
    """The workspaces, by W&B's id; `project`: the only one there is."""

    project: str = "lynx-lab"
    saved: dict[str, dict[str, Any]] = field(default_factory=dict)
    num_saves: int = 0

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data of the reply."""
        if "upsertView" in query:
            return {"upsertView": self._save(variables)}
        if "allViews" in query:
            if variables["projectName"] != self.project:
                return {"project": None}
            name = variables["viewName"]
            nodes = [v for v in self.saved.values() if v["name"] == name]
            return {"project": {"allViews": {"edges": [{"node": node} for node in nodes]}}}
        return {"viewer": VIEWER}

    def _save(self, variables: dict[str, Any]) -> dict[str, Any]:
        """As W&B: with an id the workspace is changed, without one a new one is made."""
        self.num_saves += 1
        id_ = variables.get("id") or f"view{len(self.saved)}"
        is_new = id_ not in self.saved
        kept = {key: variables[key] for key in ("name", "displayName", "spec")}
        self.saved[id_] = {"id": id_, **kept}
        return {"view": {"id": id_, "name": kept["name"]}, "inserted": is_new}


def handler_of(views: Views) -> type[BaseHTTPRequestHandler]:
    """Answers W&B's client out of `views`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply: dict[str, Any] = {}
            if self.path == "/graphql":  # the client also sends its own statistics
                content = json.loads(body)
                found = views.answer(content["query"], content.get("variables") or {})
                reply = {"data": found}
            self._send(reply)

        def do_GET(self) -> None:
            self._send({})

        def log_message(self, *_: Any) -> None: ...

        def _send(self, reply: dict[str, Any]) -> None:
            content = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
