"""The files of one evaluated benchmark, and their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.tracking.files import write_bytes_atomic, write_json_atomic, write_text_atomic


@dataclass(frozen=True)
class Prediction:
    """One row of predictions.jsonl: what was asked, what is right, what the model said."""

    id: str
    category: str
    question: str
    answer: str
    picture: str  # short name of the picture's content
    prompt: str  # what the user said
    prediction: str  # raw
    description: str | None = None  # of round zero, with plug-and-play
    image_name: str = ""  # the benchmark's own name of the picture
    dialogue: str = ""  # shared by the questions of one dialogue
    num_tokens: int | None = None  # of the prediction, as its own model counts them

    @staticmethod
    def from_row(row: Mapping[str, Any]) -> Prediction:
        """Read a row."""
        return Prediction(**row)

    def as_row(self) -> dict[str, Any]:
        """The row; what only some benchmarks have, only where it is there."""
        absent = {field.name: field.default for field in fields(self)}
        return {key: value for key, value in asdict(self).items() if value != absent[key]}


@dataclass(frozen=True)
class Result:
    """A prediction with its verdict; `correct` is None where the judge's reply was no verdict."""

    prediction: Prediction
    correct: bool | None


@dataclass(frozen=True)
class ResultFiles:
    """`eval/<benchmark>/` of a run."""

    directory: Path

    @property
    def protocol_path(self) -> Path:
        """Everything that determines the predictions, with its key."""
        return self.directory / "protocol.json"

    @property
    def partial_path(self) -> Path:
        """Predictions of an evaluation under way."""
        return self.directory / "predictions.partial.jsonl"

    @property
    def predictions_path(self) -> Path:
        """All predictions; there only when complete."""
        return self.directory / "predictions.jsonl"

    @property
    def verdicts_path(self) -> Path:
        """id, correct (true, false or null) and the judge's reply, in the predictions' order."""
        return self.directory / "verdicts.jsonl"

    @property
    def scores_path(self) -> Path:
        """Counts, shares, intervals; written last."""
        return self.directory / "scores.json"

    def protocol(self) -> dict[str, Any] | None:
        """The protocol, or None where nothing has been asked."""
        return _read_json(self.protocol_path)

    def scores(self) -> dict[str, Any] | None:
        """The scores, or None where the evaluation has not ended."""
        return _read_json(self.scores_path)

    def begin(self, protocol: Mapping[str, Any]) -> None:
        """Make room for predictions by `protocol`; those of another protocol are removed."""
        for path in (
            self.scores_path,
            self.verdicts_path,
            self.predictions_path,
            self.partial_path,
        ):
            path.unlink(missing_ok=True)
        write_json_atomic(self.protocol_path, protocol)

    def partial(self) -> list[Prediction]:
        """Predictions so far; a last line that a kill cut short is left out of the file as well."""
        if not self.partial_path.exists():
            return []
        content = self.partial_path.read_bytes()  # a kill may cut within a character
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            write_bytes_atomic(self.partial_path, whole)
        return _predictions(self.partial_path)

    def append(self, predictions: Iterable[Prediction]) -> None:
        """Add predictions of an evaluation under way."""
        with self.partial_path.open("a", encoding="utf-8") as stream:
            stream.write(_lines(p.as_row() for p in predictions))

    def finish(self, predictions: Iterable[Prediction]) -> None:
        """Write all predictions, and forget the partial ones."""
        write_text_atomic(self.predictions_path, _lines(p.as_row() for p in predictions))
        self.partial_path.unlink(missing_ok=True)

    def predictions(self) -> list[Prediction]:
        """All predictions."""
        return _predictions(self.predictions_path)

    def replies(self) -> list[str]:
        """The judge's reply on each prediction, in their order."""
        return [str(row.get("reply", "")) for row in _read_rows(self.verdicts_path)]

    def write_verdicts(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the verdicts."""
        write_text_atomic(self.verdicts_path, _lines(rows))

    def write_scores(self, scores: Mapping[str, Any]) -> None:
        """Write the scores, which marks the evaluation as ended."""
        write_json_atomic(self.scores_path, scores)

    def results(self) -> list[Result]:
        """Predictions with their verdicts; raises LynxError if the evaluation has not ended."""
        if self.scores() is None:
            raise LynxError(
                f"no finished evaluation in {self.directory}: run 'lynx evaluate' on that run first"
            )
        if (self.scores() or {}).get("overall") is None:
            raise LynxError(
                f"{self.directory} holds no verdicts: nobody decides alone whether an answer of "
                "this benchmark is right; its runs are put side by side, by people or by a judge"
            )
        predictions, rows = self.predictions(), _read_rows(self.verdicts_path)
        if len(rows) != len(predictions) or not rows:
            reason = f"{len(rows)} verdicts on {len(predictions)} predictions"
            raise unreadable(self.verdicts_path if predictions else self.predictions_path, reason)
        try:
            verdicts = {row["id"]: row["correct"] for row in rows}
            return [Result(p, verdicts[p.id]) for p in predictions]
        except KeyError as error:
            raise unreadable(self.verdicts_path, f"it lacks {error}") from error


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def unreadable(path: Path, reason: str) -> LynxError:
    """The error to raise for a file of an evaluation that holds something else."""
    return LynxError(
        f"{path} is not what an evaluation writes ({reason}): remove it and run 'lynx evaluate' on "
        "that run again"
    )


def _predictions(path: Path) -> list[Prediction]:
    rows = _read_rows(path)
    try:
        return [Prediction.from_row(row) for row in rows]
    except TypeError as error:
        raise unreadable(path, str(error)) from error


def _read_rows(path: Path) -> list[dict[str, Any]]:
    # Not splitlines(): an answer may hold a character that it takes for the end of a line.
    return [_mapping(path, line) for line in _read_text(path).split("\n") if line]


def _read_json(path: Path) -> dict[str, Any] | None:
    return _mapping(path, _read_text(path)) if path.exists() else None


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise unreadable(path, str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise unreadable(path, str(error)) from error


def _mapping(path: Path, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise unreadable(path, str(error)) from error
    if not isinstance(content, dict):
        raise unreadable(path, f"it holds {type(content).__name__}, not a mapping")
    return content
