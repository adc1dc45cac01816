"""Open-VQA as published: JSON lines of questions, and answers as `{"index", "text_output"}`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.sample import UnreadableSampleError
from lynx.data.video import decode_frames
from lynx.evaluation.benchmarks.json_lines import as_index, json_lines
from lynx.evaluation.questions import Kind, Question
from lynx.evaluation.results import Prediction
from lynx.tracking.files import write_text_atomic

_PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")
_NEEDED = {"index": int, "class": str, "question": str, "answer": list}


def load(path: Path, *, kind: Kind, num_frames: int) -> list[Question]:
    """Questions of a .jsonl file whose pictures or videos lie below its folder, in its order.

    A row may have a true `caption` besides what is published, for descriptions of that source. A
    video is a file, or a folder of its name with frames as .jpg or .png; `num_frames` are taken,
    evenly spaced.
    """
    if not path.is_file():
        raise LynxError(
            f"no questions at {path} (evaluation.benchmarks.*.questions): "
            "a .jsonl file of Open-VQA, or 'world:image' or 'world:video'; `lynx benchmarks fetch "
            "open_vqa` brings the published questions"
        )
    rows = [(where, _checked(row, where, kind)) for where, row in json_lines(path)]
    if not rows:
        raise LynxError(f"{path} holds no questions")
    _refuse_twice(rows)
    missing = [name for _, row in rows if not _is_there(name := path.parent / row[kind], kind)]
    if missing:
        raise LynxError(
            f"{len(missing)} {'pictures' if kind == 'image' else 'videos'} of {path} are missing, "
            f"the first is {missing[0]}; they must lie below the folder of the questions, at the "
            "paths it gives"
        )
    return [
        Question(
            index=place,
            id=str(row["index"]),
            # The files write "Action(Y/N)", the paper's tables "Action (Y/N)".
            category=row["class"].replace("Action(Y/N)", "Action (Y/N)"),
            question=row["question"],
            answer=" or ".join(row["answer"]),
            kind=kind,
            images=_pictures(path.parent / row[kind], kind, num_frames),
            image_name=row[kind],
            caption=str(row.get("caption", "")),
        )
        for place, (_, row) in enumerate(rows)
    ]


def read_answers(path: Path, questions: Sequence[Question]) -> dict[str, str]:
    """Answers by question id from the release's output: {"index", "text_output"} a line."""
    known = {question.id for question in questions}
    answers: dict[str, str] = {}
    for where, row in json_lines(path):
        index, text = row.get("index"), row.get("text_output")
        if not isinstance(text, str) or isinstance(index, bool) or not isinstance(index, int | str):
            raise LynxError(f'{where}: a line is {{"index": number, "text_output": text}}')
        if str(index) not in known:
            raise LynxError(f"{where}: the benchmark has no question with the index {index}")
        if str(index) in answers:
            raise LynxError(f"{where}: a second answer to the question with the index {index}")
        answers[str(index)] = text
    return answers


def write_answers(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write what the release's script writes; indices are numbers where the benchmark's are."""
    lines = [
        json.dumps(
            {"index": as_index(p.id), "text_output": p.prediction},
            ensure_ascii=False,
        )
        for p in predictions
    ]
    write_text_atomic(path, "".join(f"{line}\n" for line in lines))


def _checked(row: dict[str, Any], where: str, kind: Kind) -> dict[str, Any]:
    for key, type_ in _NEEDED.items():
        if not isinstance(row.get(key), type_) or isinstance(row[key], bool):
            raise LynxError(f"{where}: '{key}' is missing or no {type_.__name__}")
    if not all(isinstance(answer, str) for answer in row["answer"]) or not row["answer"]:
        raise LynxError(f"{where}: 'answer' must be a list of texts")
    if not isinstance(row.get(kind), str):
        raise LynxError(f"{where} has no '{kind}': set evaluation.benchmarks.*.kind")
    return row


def _refuse_twice(rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Answers and verdicts are found by the index."""
    places: dict[int, str] = {}
    for where, row in rows:
        first = places.setdefault(row["index"], where)
        if first != where:
            raise LynxError(f"{where}: the index {row['index']} stands at {first} too")


def _is_there(named: Path, kind: Kind) -> bool:
    return named.is_file() or (kind == "video" and named.with_suffix("").is_dir())


def _pictures(named: Path, kind: Kind, num_frames: int) -> tuple[bytes, ...]:
    """The picture, or evenly spaced frames of the video."""
    if kind == "image":
        return (named.read_bytes(),)
    folder = named.with_suffix("")
    if not folder.is_dir():
        return tuple(_decoded(named, num_frames))
    frames = sorted(f for f in folder.glob("*") if f.suffix.lower() in _PICTURE_ENDINGS)
    if len(frames) < num_frames:
        raise LynxError(
            f"{folder} holds {len(frames)} frames of {named.name}, {num_frames} are needed: "
            "extract the video's frames into that folder as .jpg or .png files named in order"
        )
    last = len(frames) - 1
    places = [round(i * last / max(num_frames - 1, 1)) for i in range(num_frames)]
    return tuple(frames[place].read_bytes() for place in places)


def _decoded(path: Path, num_frames: int) -> Iterator[bytes]:
    try:
        frames = decode_frames(path.read_bytes(), num_frames=num_frames, rng=None)
    except (UnreadableSampleError, OSError) as error:
        raise LynxError(f"{path} can't be read as a video: {error}") from error
    for frame in frames:
        stream = io.BytesIO()
        frame.save(stream, "PNG")
        yield stream.getvalue()
