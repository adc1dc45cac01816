"""Keeps people's ratings in one SQLite file, each click in a transaction of its own.

The file holds all that was shown as well (questions, answers, pictures), so that ratings can't part
from what was rated, and rating can go on wherever the file is. Written ahead with synchronous=FULL:
a click that was answered survives a kill of the process and a loss of power.
"""

from __future__ import annotations

import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.people.sheet import Sheet, first_change
from lynx.evaluation.people.store_file import (
    connected,
    fill,
    is_filled,
    now,
    read_sheet,
    settings,
)
from lynx.evaluation.people.tie_rules import TieRules, num_ties

_LONGEST_NAME = 40


class RefusedError(LynxError):
    """The rules don't allow the score; nothing was changed."""


class UnwritableError(LynxError):
    """The file takes nothing now: a full disk, or another process that holds it."""


@dataclass(frozen=True)
class Score:
    """One answer's score by one rater."""

    rater: str
    question_id: str
    model: str
    value: int
    rated_at: str  # UTC, ISO 8601


class RatingStore:
    """An open file of ratings; may be used by several threads, and several processes at once."""

    def __init__(self, path: Path) -> None:
        """Open an existing file. Raises LynxError where it is none of ours."""
        if not is_filled(path):
            raise LynxError(f"no ratings at {path}: name runs to be rated, or another --store")
        self.path = path
        self._lock = threading.RLock()
        self._db = connected(path)
        self._file = _file_at(path)
        try:
            self.sheet = read_sheet(self._db)
        except BaseException:
            self._db.close()
            raise
        self._items = {item.id: item for item in self.sheet.items}
        told = settings(self._db)
        self.id = told["id"]  # of the sheet that was put in, apart from all others
        self.rules = TieRules(int(told["max_equal"]), int(told["max_ties"]))
        self.seed = int(told["seed"])

    @staticmethod
    def create(path: Path, sheet: Sheet, rules: TieRules, *, seed: int = 0) -> RatingStore:
        """Open the file at `path`, made where it isn't there.

        seed: of the order in which answers are shown. A file in which nobody has rated is filled
        anew where it holds something else; LynxError where somebody has.
        """
        rules.check_possible([len(item.groups) for item in sheet.items])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LynxError(
                f"no file of ratings can be made at {path}: {error.strerror}; --store names another"
            ) from error
        if not is_filled(path):
            fill(path, sheet, rules, seed=seed, replaces=False)
        store = RatingStore(path)
        change = store._change(sheet, rules, seed)
        if change is None:
            return store
        store.close()
        fill(path, sheet, rules, seed=seed, replaces=True)
        store = RatingStore(path)
        if store._change(sheet, rules, seed) is None:
            return store
        store.close()
        raise LynxError(
            f"{path} holds ratings of something else ({change}): scores are given among the "
            "answers shown, so another set needs another file; name one with --store, or name "
            "no runs to go on with this one"
        )

    def check_writable(self) -> None:
        """Raise UnwritableError where no click could be taken."""
        with self._writing() as db:
            db.execute("UPDATE setting SET value = value")  # to begin is granted to readers too

    def close(self) -> None:
        """Close the file; what was written is safe without it."""
        with self._lock:
            self._db.close()

    def add_rater(self, name: str) -> str:
        """Note who rates; gives the name as it was first written ("ana" is Ana, "ölga" is Ölga)."""
        name = unicodedata.normalize("NFC", " ".join(name.split()))
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise LynxError(f"a rater's name has 1 to {_LONGEST_NAME} characters, not {name!r}")
        with self._writing() as db:
            # SQLite's NOCASE knows the letters of ASCII alone.
            for (known,) in db.execute("SELECT name FROM rater").fetchall():
                if known.casefold() == name.casefold():
                    return str(known)
            db.execute("INSERT INTO rater VALUES (?, ?)", (name, now()))
        return name

    def raters(self) -> list[str]:
        """Everyone who has begun, in that order."""
        return [name for (name,) in self._rows("SELECT name FROM rater ORDER BY began_at, name")]

    @property
    def is_finished(self) -> bool:
        """Whether everyone who has begun has scored all answers."""
        given = [self.scores_of(rater) for rater in self.raters()]
        return bool(given) and all(
            len(scores.get(item.id, {})) == len(item.answers)
            for scores in given
            for item in self.sheet.items
        )

    def num_clicks(self) -> int:
        """All clicks ever taken."""
        return int(self._rows("SELECT count(*) FROM click")[0][0])

    def scores_of(self, rater: str) -> dict[str, dict[str, int]]:
        """The rater's scores by question, then by model; questions without one are left out."""
        scores: dict[str, dict[str, int]] = {}
        asked = "SELECT question, model, value FROM score WHERE rater = ?"
        for question_id, model, value in self._rows(asked, (rater,)):
            scores.setdefault(question_id, {})[model] = value
        return scores

    def num_ties_of(self, rater: str) -> int:
        """The rater's ties over all questions, as the rules count them."""
        return self._num_ties(self.scores_of(rater))

    def scores(self) -> list[Score]:
        """All scores: by rater, then by question and model, in the sheet's order."""
        rows = self._rows(
            "SELECT rater.name, score.question, score.model, value, rated_at FROM score"
            " JOIN rater ON rater.name = score.rater"
            " JOIN question ON question.id = score.question"
            " JOIN model ON model.name = score.model"
            " ORDER BY rater.began_at, rater.name, question.place, model.place"
        )
        return [Score(*row) for row in rows]

    def rate(
        self, rater: str, question_id: str, model: str, value: int | None, *, click: str
    ) -> None:
        """Take a click: the answer's score becomes `value`, or is cleared with None.

        All models that gave this very answer get it: see `Item.groups`.
        click: the page's id of the click; one that was taken already changes nothing. Raises
        RefusedError where the rules forbid the score, LynxError where there is no such answer.
        """
        key = (rater, question_id, model)
        with self._writing() as db:
            if db.execute("SELECT 1 FROM click WHERE id = ?", (click,)).fetchone():
                return
            self._check_answer(*key)
            if value is not None:
                self._check_rules(*key, value)
            for same in self._group(question_id, model):
                row = (rater, question_id, same)
                db.execute("DELETE FROM score WHERE rater = ? AND question = ? AND model = ?", row)
                if value is not None:
                    db.execute("INSERT INTO score VALUES (?, ?, ?, ?, ?)", (*row, value, now()))
            db.execute("INSERT INTO click VALUES (?, ?, ?, ?, ?, ?)", (click, *key, value, now()))

    def _check_rules(self, rater: str, question_id: str, model: str, value: int) -> None:
        scores = self.scores_of(rater)
        others = self._items[question_id].by_answer(scores.pop(question_id, {}))
        others.pop(self._group(question_id, model)[0], None)
        reason = self.rules.refusal(others, value, num_ties_elsewhere=self._num_ties(scores))
        if reason is not None:
            raise RefusedError(reason)

    def _num_ties(self, scores: Mapping[str, Mapping[str, int]]) -> int:
        return sum(num_ties(self._items[q].by_answer(s).values()) for q, s in scores.items())

    def _group(self, question_id: str, model: str) -> tuple[str, ...]:
        """The models with the same answer, itself among them."""
        return next(group for group in self._items[question_id].groups if model in group)

    def _check_answer(self, rater: str, question_id: str, model: str) -> None:
        if not self._db.execute("SELECT 1 FROM rater WHERE name = ?", (rater,)).fetchone():
            raise LynxError(f"nobody called {rater} has begun to rate")
        asked = "SELECT 1 FROM answer WHERE question = ? AND model = ?"
        if not self._db.execute(asked, (question_id, model)).fetchone():
            raise LynxError(f"there is no answer of {model} to question {question_id}")

    def _change(self, sheet: Sheet, rules: TieRules, seed: int) -> str | None:
        """What the file holds otherwise than wanted, in a few words; None where nothing."""
        if self.rules != rules:
            return f"rules: {self.rules.max_equal} equal, {self.rules.max_ties} ties"
        if self.seed != seed:
            return f"answers in the order of seed {self.seed}"
        return first_change(self.sheet, sheet)

    def _rows(self, asked: str, values: tuple[str, ...] = ()) -> list[Any]:
        """All rows of a query."""
        with self._lock:
            try:
                return self._db.execute(asked, values).fetchall()
            except sqlite3.Error as error:
                raise UnwritableError(f"{self.path} can't be read: {error}") from error

    def _check_same(self) -> None:
        """The file may be removed, moved or filled with other answers while it is open."""
        if _file_at(self.path) != self._file:
            raise UnwritableError(
                f"{self.path} is no longer the file that was opened: put it back, or start "
                "`lynx rate` again"
            )
        if settings(self._db)["id"] != self.id:
            raise LynxError(
                f"{self.path} has been filled with other answers: start `lynx rate` again"
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on disk when the block has ended, or that left no trace."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")  # the rules are checked under the same lock
                try:
                    self._check_same()
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise UnwritableError(f"{self.path} can't be written: {error}") from error


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file of which disk lies there; None: none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
