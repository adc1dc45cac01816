"""Writes what a served judge has yet to be asked as an OpenAI Batch file, and reads its results."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.judges.reply_store import ReplyStore, StoredReply
from lynx.evaluation.judges.secret import Secret
from lynx.evaluation.judges.served import Request, ServedModel
from lynx.evaluation.judges.transport import Completion, is_same_model
from lynx.tracking.files import write_text_atomic

# Of the Batch API, for one file.
MAX_REQUESTS = 50_000
MAX_BYTES = 200_000_000
_URL = "/v1/chat/completions"
_SERVER = "batch"  # in the place of a server's address


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    written: int
    already_replied: int
    already_exported: int  # by an earlier export, whose results haven't come; not written again


@dataclass
class Imported:
    """What became of every line of a results file; problems name the line."""

    kept: int = 0
    known: int = 0  # a reply was there already and stays
    problems: list[str] = field(default_factory=list)
    models: Counter[str] = field(default_factory=Counter)

    @property
    def num_lines(self) -> int:
        """All lines of the file that aren't empty."""
        return self.kept + self.known + len(self.problems)


def export_batch(
    served: ServedModel, requests: Sequence[Request], path: Path, *, again: bool = False
) -> Exported:
    """Write the requests that have no reply yet, one JSON object per line.

    again: also those that an earlier file asked, whose results haven't been imported. Raises
    LynxError where there is nothing to ask, or more than one batch may hold.
    """
    unique = {served.asked(request).key for request in requests}
    missing = served.missing(requests)
    wanted = [
        asked for asked in missing if again or not served.store.exported_path(asked.key).exists()
    ]
    lines = [
        json.dumps(
            {"custom_id": asked.key, "method": "POST", "url": _URL, "body": asked.body},
            ensure_ascii=False,
        )
        for asked in wanted
    ]
    text = "".join(f"{line}\n" for line in lines)
    if len(lines) > MAX_REQUESTS or len(text.encode()) > MAX_BYTES:
        raise LynxError(
            f"{path}: {len(lines)} requests are more than one batch may hold ({MAX_REQUESTS} "
            f"requests, {MAX_BYTES // 10**6} MB); export fewer benchmarks at a time"
        )
    result = Exported(len(lines), len(unique) - len(missing), len(missing) - len(wanted))
    if lines:
        write_text_atomic(path, text)
        for asked in wanted:
            served.store.write_exported(asked, file=path.name)
    return result


def import_batch(path: Path, store: ReplyStore, *, key: Secret | None = None) -> Imported:
    """Put the results of a batch into the store; what can't be used is named, and nothing hidden.

    key: is taken out of replies that repeat it. A request that failed may be asked again
    afterwards, in another batch or directly.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")  # splitlines would cut at U+2028
    except (OSError, UnicodeDecodeError) as error:
        raise LynxError(f"{path} can't be read as the results of a batch: {error}") from error
    imported, seen = Imported(), set[str]()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            _import_line(line if key is None else key.removed_from(line), store, imported, seen)
        except _UnusableError as error:
            imported.problems.append(f"{path}, line {number}: {error}")
    return imported


class _UnusableError(Exception):
    """A line that brings no reply, and why."""


def _import_line(line: str, store: ReplyStore, imported: Imported, seen: set[str]) -> None:
    name, row = _parsed(line)
    if name in seen:
        raise _UnusableError(f"a second result for custom_id {name}")
    seen.add(name)
    asked = store.read_exported(name)
    if asked is None:
        if store.path(name).is_file():
            imported.known += 1
            return
        raise _UnusableError(f"custom_id {name} was not exported to {store.directory}")
    if store.read(asked) is not None:
        store.exported_path(name).unlink(missing_ok=True)
        imported.known += 1
        return
    try:
        body = _body(row)
    except _UnusableError:
        store.exported_path(name).unlink(missing_ok=True)  # it has failed: it is free to be asked
        raise
    try:
        completion = Completion.from_body(body)
    except ValueError as error:
        raise _UnusableError(f"custom_id {name}: {error}") from None
    if completion.model is None or not is_same_model(asked.judge, completion.model):
        raise _UnusableError(
            f"custom_id {name}: answered as '{completion.model}', asked was '{asked.judge}'"
        )
    reply = StoredReply(
        completion.text, completion.model, completion.prompt_tokens, completion.completion_tokens,
        _SERVER,
    )  # fmt: skip
    store.write(asked, reply)
    imported.models[completion.model] += 1
    imported.kept += 1


def _parsed(line: str) -> tuple[str, dict[str, Any]]:
    try:
        row = json.loads(line)
        name = row["custom_id"]
    except (KeyError, TypeError, ValueError):
        raise _UnusableError(f"is no result of a batch: {line[:80]!r}") from None
    if not (isinstance(name, str) and len(name) == 64 and set(name) <= set("0123456789abcdef")):
        raise _UnusableError(f"custom_id {name!r} is none of ours")
    return name, row


def _body(row: dict[str, Any]) -> Any:
    """The chat completion of a result."""
    response = row.get("response")
    response = response if isinstance(response, dict) else {}
    status, error = response.get("status_code"), row.get("error")
    if error or status != 200:
        body = response.get("body")
        reason = error or (body.get("error") if isinstance(body, dict) else None) or "no reason"
        reason = reason.get("message", reason) if isinstance(reason, dict) else reason
        raise _UnusableError(f"custom_id {row['custom_id']} failed: status {status}, {reason}")
    return response.get("body")
