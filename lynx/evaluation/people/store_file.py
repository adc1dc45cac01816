"""The SQLite file of ratings: its tables, and what is shown to raters put in and read back."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from lynx.config.errors import LynxError
from lynx.evaluation.people.sheet import Item, Sheet
from lynx.evaluation.people.tie_rules import TieRules

_APPLICATION = 0x4C594E58  # marks the file as ours
_FORMAT = 1
_SECONDS_TO_WAIT = 10.0  # for another process that writes
_TABLES = (
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE model (place INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, origin TEXT)",
    "CREATE TABLE picture (name TEXT PRIMARY KEY, content BLOB NOT NULL)",
    "CREATE TABLE question (place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, text TEXT NOT NULL,"
    " category TEXT NOT NULL, picture TEXT NOT NULL, image_name TEXT NOT NULL,"
    " dialogue TEXT NOT NULL)",
    "CREATE TABLE answer (question TEXT NOT NULL, model TEXT NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY (question, model))",
    "CREATE TABLE rater (name TEXT PRIMARY KEY COLLATE NOCASE, began_at TEXT NOT NULL)",
    "CREATE TABLE score (rater TEXT NOT NULL COLLATE NOCASE, question TEXT NOT NULL,"
    " model TEXT NOT NULL, value INTEGER NOT NULL CHECK (value BETWEEN 1 AND 5),"
    " rated_at TEXT NOT NULL, PRIMARY KEY (rater, question, model))",
    # Every click ever taken, changed and cleared ones too. The page's own id of a click makes
    # sending it again harmless.
    "CREATE TABLE click (id TEXT PRIMARY KEY, rater TEXT NOT NULL, question TEXT NOT NULL,"
    " model TEXT NOT NULL, value INTEGER, clicked_at TEXT NOT NULL)",
)


def connected(path: Path) -> sqlite3.Connection:
    """A connection on which what is committed is on disk; a missing file is made, empty.

    One that can't be written, or lies where nothing can, is opened to be read. Raises LynxError
    where the file is none of ours, and leaves it as it is.
    """
    is_read_only = path.is_file() and not (
        os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    )
    if is_read_only:
        _check_whole(path)
    db = None
    try:
        # Else SQLite would make files beside this one in order to read it.
        place = f"{path.resolve().as_uri()}?immutable=1" if is_read_only else path
        db = sqlite3.connect(
            place, uri=is_read_only, isolation_level=None, check_same_thread=False,
            timeout=_SECONDS_TO_WAIT,
        )  # fmt: skip
        _check_ours(db, path)
        if not is_read_only:
            db.execute("PRAGMA journal_mode = WAL")  # another where a disk can't have it
            db.execute("PRAGMA synchronous = FULL")
    except LynxError:
        if db is not None:
            db.close()
        raise
    except sqlite3.Error as error:
        if db is not None:
            db.close()
        raise LynxError(f"{path} can't be opened as a file of ratings: {error}") from error
    return db


def _check_ours(db: sqlite3.Connection, path: Path) -> None:
    tables = _tables(db)  # first: another process may fill the file in between
    marks = [
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    ]
    if tables and marks != [_APPLICATION, _FORMAT]:
        raise LynxError(f"{path} is no file of ratings, or one of another version of Lynx Lab")


def _check_whole(path: Path) -> None:
    """What was written ahead and not yet put into the file would be left out without a word."""
    ahead = path.with_name(f"{path.name}-wal")
    if ahead.exists() and ahead.stat().st_size:
        raise LynxError(
            f"{path} can't be written, and its newest ratings lie in {ahead.name}: copy both to "
            "a folder that can, and name the copy with --store"
        )


def fill(path: Path, sheet: Sheet, rules: TieRules, *, seed: int, replaces: bool) -> None:
    """Put the sheet into a file without tables, in one transaction: all of it or nothing.

    replaces: also into one that holds another sheet, if nobody has clicked in it.
    """
    db = connected(path)
    try:
        db.execute("BEGIN IMMEDIATE")  # a second process waits here, and finds it filled
        tables = _tables(db)
        if tables:
            if not replaces or db.execute("SELECT count(*) FROM click").fetchone()[0]:
                return  # closing takes the transaction back
            for name in tables:
                db.execute(f"DROP TABLE {name}")
        for statement in _TABLES:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        db.execute(f"PRAGMA user_version = {_FORMAT}")
        _write_sheet(db, sheet, rules, seed)
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise LynxError(f"{path} can't be made: {error}") from error
    finally:
        db.close()


def is_filled(path: Path) -> bool:
    """False where there is no file, or one whose making was cut short."""
    if not path.exists():
        return False
    db = connected(path)
    try:
        return bool(_tables(db))
    finally:
        db.close()


def read_sheet(db: sqlite3.Connection) -> Sheet:
    """What is shown to raters."""
    answers: dict[str, dict[str, str]] = {}
    for question_id, model, text in db.execute("SELECT question, model, text FROM answer"):
        answers.setdefault(question_id, {})[model] = text
    models = db.execute("SELECT name, origin FROM model ORDER BY place").fetchall()
    columns = ("question", "id", "category", "picture", "image_name", "dialogue")
    return Sheet(
        benchmark=settings(db)["benchmark"],
        models=tuple(name for name, _ in models),
        origins=dict(models),
        items=tuple(
            Item(**dict(zip(columns, row, strict=True)), answers=answers.get(row[1], {}))
            for row in db.execute(
                "SELECT text, id, category, picture, image_name, dialogue FROM question"
                " ORDER BY place"
            )
        ),
        pictures=dict(db.execute("SELECT name, content FROM picture").fetchall()),
    )


def settings(db: sqlite3.Connection) -> dict[str, str]:
    """id, benchmark, max_equal, max_ties, seed, made_at."""
    return dict(db.execute("SELECT name, value FROM setting").fetchall())


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _write_sheet(db: sqlite3.Connection, sheet: Sheet, rules: TieRules, seed: int) -> None:
    values = {
        "id": uuid4().hex,
        "benchmark": sheet.benchmark,
        "max_equal": str(rules.max_equal),
        "max_ties": str(rules.max_ties),
        "seed": str(seed),
        "made_at": now(),
    }
    db.executemany("INSERT INTO setting VALUES (?, ?)", values.items())
    models = [(place, name, sheet.origins.get(name)) for place, name in enumerate(sheet.models)]
    db.executemany("INSERT INTO model VALUES (?, ?, ?)", models)
    db.executemany("INSERT INTO picture VALUES (?, ?)", sheet.pictures.items())
    for place, item in enumerate(sheet.items):
        row = (item.id, item.question, item.category, item.picture, item.image_name, item.dialogue)
        db.execute("INSERT INTO question VALUES (?, ?, ?, ?, ?, ?, ?)", (place, *row))
        answers = [(item.id, model, text) for model, text in item.answers.items()]
        db.executemany("INSERT INTO answer VALUES (?, ?, ?)", answers)


def _tables(db: sqlite3.Connection) -> list[str]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [name for (name,) in rows]
