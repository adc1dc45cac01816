"""Reads a JSON file of questions about pictures in a folder: anyone's own, VizWiz, GQA, TextVQA."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, placed, read_json, read_json_lines, wanted
from lynx.data.formats.questions import (
    answers_of,
    by_picture,
    picture_name,
    question_round,
    question_samples,
)
from lynx.data.sample import Round, Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    file: str,
    images: str = ".",
    image_key: str = "image",
    question_key: str = "question",
    answer_key: str = "answer",
    field: str = "question",
    list_key: str = "",
    picture: str = "{}",
) -> Iterator[Sample]:
    """One sample per picture of the records in `file`.

    file: below `root`; a JSON list of records, a mapping of ids to records, or one record per line
    where its name ends in `.jsonl`. list_key: where in the file the list lies, if not at its top.
    image_key, question_key, answer_key: keys of a record. An answer is a text, a list of texts, or
    a list of records with the key `answer`; of several the most frequent is taken. Questions and
    answers that are neither text nor number are counted. images: folder
    below `root`. picture: file name in it for what a record has in `image_key`. field: the
    placeholder of the prompt pool that takes the question.
    """
    path, folder = found(root, file), found(root, images)

    def rounds() -> Iterator[tuple[str, Round | None]]:
        for place, record in placed(_records(path, list_key), path):
            question = wanted(record, question_key, place)
            answers = answers_of(wanted(record, answer_key, place), place)
            one = question_round(question, answers, skipped, field=field)
            yield picture_name(picture, wanted(record, image_key, place), place), one

    grouped = by_picture(rounds()).items()
    yield from question_samples(grouped, folder.joinpath, source=source, skipped=skipped)


def _records(path: Path, list_key: str) -> Iterable[Any]:
    if path.suffix == ".jsonl":
        return read_json_lines(path)
    content = read_json(path)
    records = wanted(content, list_key, path) if list_key else content
    if isinstance(records, Mapping):
        return records
    if not isinstance(records, list):
        raise LynxError(f"{path}: {type(records).__name__} is no list of questions")
    return records
