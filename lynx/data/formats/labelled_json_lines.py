"""Reads one JSON record per line with a picture, a text about it and a class: SNLI-VE, memes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lynx.data.formats.files import found, placed, read_json_lines, text_of, wanted
from lynx.data.formats.pictured_texts import (
    Pictured,
    file_name,
    picture_finder,
    picture_samples,
)
from lynx.data.formats.skipped import skip
from lynx.data.sample import Round, Sample

NO_ANSWER = "records whose class has no answer"
NO_FIELD = "records without the text that is asked about"


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    file: str,
    images: str | Sequence[str],
    picture: str,
    fields: Mapping[str, str],
    response: str,
    responses: Mapping[str | int, str],
    picture_name: str = "{}",
) -> Iterator[Sample]:
    """One sample per picture, one row per record.

    file: below `root`; images: folder, of several the first that is there. picture, response:
    fields of a record. fields: placeholder of the prompt pool -> field of a record. responses:
    class -> answer; records of other classes are counted. picture_name: makes the picture's path
    below `images` ("{}.jpg").
    """
    path = found(root, file)
    folder = found(root, *([images] if isinstance(images, str) else images))
    path_of = picture_finder(folder, ".")
    answers = {str(given): answer for given, answer in responses.items()}
    rounds: dict[str, list[Round]] = {}
    for place, record in placed(read_json_lines(path), path):
        answer = answers.get(str(wanted(record, response, place)))
        texts = {
            slot: " ".join(text_of(record, field, place).split()) for slot, field in fields.items()
        }
        if answer is None or not all(texts.values()):
            skip(skipped, NO_ANSWER if answer is None else NO_FIELD, place)
            continue
        name = file_name(picture_name, wanted(record, picture, place), place)
        rounds.setdefault(name, []).append(Round(texts, answer))
    entries = (Pictured(name, path_of(name), several) for name, several in rounds.items())
    yield from picture_samples(entries, source=source, skipped=skipped)
