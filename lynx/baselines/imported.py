"""Takes in answers that another program gave: from a plain file, or in a benchmark's own form."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lynx.baselines.record import IMPORTED, run_dir_of, write_record
from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.evaluation.benchmarks.json_lines import json_lines
from lynx.evaluation.benchmarks.registry import format_of
from lynx.evaluation.build import Benchmark, build_benchmark
from lynx.evaluation.judges.build import build_judge
from lynx.evaluation.judges.reply_store import judgements_dir
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.run import chosen_benchmarks
from lynx.evaluation.scores import Scores
from lynx.evaluation.scoring import score
from lynx.tracking.manifest import write_manifest
from lynx.tracking.run_dir import RunDir

Missing = Literal["refuse", "wrong", "leave-out"]
UNKNOWN = "unknown"  # decoding of answers whose makers didn't say


@dataclass(frozen=True)
class Imported:
    """What became of a file of predictions."""

    run_dir: RunDir
    scores: Scores
    num_used: int
    missing: list[str]  # ids of questions without an answer
    unknown: list[str]  # ids of answers without a question


def import_predictions(
    path: Path,
    config: Config,
    *,
    name: str,
    benchmark: str,
    missing: Missing = "refuse",
    decoding: str = UNKNOWN,
    note: str = "",
) -> Imported:
    """Make a run of the predictions in `path`, judged as any other.

    path: JSON lines {"id", "prediction"}, or official results of the benchmark. name: of the run's
    folder. missing: what to do about questions without an answer: refuse the file, count them as
    wrong (an empty answer), or leave them out of n. decoding, note: what is known of how the
    answers were made. Raises LynxError, with file and line where there is one.
    """
    (chosen,) = chosen_benchmarks(config, [benchmark])
    if not path.exists():
        raise LynxError(f"no predictions at {path}")
    run_dir = run_dir_of(name, config)
    digest = _digest(path)
    built = build_benchmark(config, chosen, checkpoint=digest)
    answers = read_predictions(path, built.questions, format_=built.format)
    ids = {question.id for question in built.questions}
    unknown = [one for one in answers if one not in ids]
    lacking = [question.id for question in built.questions if question.id not in answers]
    _check_missing(path, lacking, built, missing, unknown)
    kept = [
        question for question in built.questions
        if missing != "leave-out" or question.id in answers
    ]  # fmt: skip
    files = ResultFiles(run_dir.eval_dir(chosen))
    _check_replaced(files, digest)
    judge = build_judge(config.evaluation.judge, cache_dir=judgements_dir(run_dir.path))
    facts = {"name": name, "title": name, "adapter": IMPORTED, "note": note}
    write_record(run_dir, IMPORTED, config, facts)
    write_manifest(run_dir, command=sys.argv, fingerprints={str(path): digest})
    protocol = _protocol(built, path, digest, decoding=decoding, missing=missing) | {
        "num_questions": len(kept), "missing": lacking, "unknown": unknown,
    }  # fmt: skip
    files.begin({"key": _key(protocol), **protocol})
    files.finish(_predictions(kept, built, answers))
    scores = score(
        files, kept, protocol={"key": _key(protocol), **protocol}, judge=judge, without={}
    )
    return Imported(run_dir, scores, len(kept), lacking, unknown)


def read_predictions(path: Path, questions: Sequence[Question], *, format_: str) -> dict[str, str]:
    """Answers by id. A file whose lines have "id" and "prediction" is plain; else `format_` reads.

    In a plain file a second answer to a question is a LynxError with the line; ids that the
    benchmark lacks are given too.
    """
    if not _is_plain(path):
        return _official(path, questions, format_)
    answers: dict[str, str] = {}
    places: dict[str, str] = {}
    for where, row in json_lines(path):
        number, text = row.get("id"), row.get("prediction")
        if not isinstance(number, str | int) or isinstance(number, bool):
            raise LynxError(f"{where}: `id` is the question's id, not {number!r}")
        if not isinstance(text, str):
            raise LynxError(f"{where}: `prediction` is a text, not {text!r}")
        name = str(number)
        if name in answers:
            raise LynxError(f"{where}: a second answer to question {name}; {places[name]} has one")
        answers[name], places[name] = text, where
    return answers


def _official(path: Path, questions: Sequence[Question], format_: str) -> dict[str, str]:
    try:
        return format_of(format_).read_answers(path, questions)
    except LynxError as error:
        if path.is_dir():
            raise
        raise LynxError(
            f'{error} (read as official results: its first line is not {{"id", "prediction"}})'
        ) from error


def _is_plain(path: Path) -> bool:
    """Whether the first line is one of the plain form."""
    if path.is_dir():
        return False
    try:
        with path.open(encoding="utf-8-sig") as stream:
            first = json.loads(next((line for line in stream if line.strip()), ""))
    except (OSError, ValueError, RecursionError):  # brackets within brackets, a thousand deep
        return False
    return isinstance(first, dict) and {"id", "prediction"} <= set(first)


def _check_missing(
    path: Path, lacking: Sequence[str], built: Benchmark, missing: Missing, unknown: Sequence[str]
) -> None:
    if len(lacking) == len(built.questions):
        some = f"; its first id is {unknown[0]}" if unknown else ""
        raise LynxError(
            f"{path} answers none of the {len(lacking)} questions of {built.name}, whose first id "
            f"is {built.questions[0].id}{some}"
        )
    if lacking and missing == "refuse":
        raise LynxError(
            f"{path} has no answer to {len(lacking)} of {len(built.questions)} questions of "
            f"{built.name}: {_some(lacking)}; --missing wrong counts them as wrong, "
            "--missing leave-out scores the others alone"
        )


def _check_replaced(files: ResultFiles, digest: str) -> None:
    """The same file may be imported again, as with another judge; another file's answers stay."""
    earlier = (files.protocol() or {}).get("file") or {}
    if earlier and earlier.get("sha256") != digest:
        raise LynxError(
            f"{files.directory} holds the answers of another {earlier.get('name')}; give these "
            "another --as, or remove that folder"
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _protocol(
    built: Benchmark, path: Path, digest: str, *, decoding: str, missing: Missing
) -> dict[str, Any]:
    """As of a benchmark asked here, without what only the makers of the answers know."""
    asked = {k: v for k, v in built.protocol.items() if k not in ("key", "first_prompt")}
    return {
        **asked,
        "kind": IMPORTED,
        "prompts": UNKNOWN,
        "decoding": {"row": decoding},
        "plug_and_play": None,
        "multi_turn": UNKNOWN,
        "image_size": None,
        "max_input_tokens": None,
        "precision": UNKNOWN,
        "checkpoint": UNKNOWN,
        "file": {"name": path.name, "sha256": digest},
        "on_missing": missing,
    }


def _predictions(
    questions: Sequence[Question], built: Benchmark, answers: Mapping[str, str]
) -> list[Prediction]:
    """An empty prompt, as it is unknown what the user said."""
    return [
        Prediction(
            id=q.id, category=q.category, question=q.question, answer=q.answer,
            picture=q.picture, prompt="", prediction=answers.get(q.id, ""),
            image_name=q.image_name, dialogue=q.dialogue,
        )
        for q in questions
    ]  # fmt: skip


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for one in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(f"{one.relative_to(path)}\0{_digest(one)}\0".encode())
    return digest.hexdigest()


def _key(protocol: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(protocol, sort_keys=True).encode()).hexdigest()[:16]
