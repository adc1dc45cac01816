"""Reads the VQA format (VQAv2, OK-VQA, TDIUC): questions and answers in two JSON files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lynx.data.formats.files import found, placed, read_json, wanted
from lynx.data.formats.questions import (
    answers_of,
    by_picture,
    picture_name,
    question_round,
    question_samples,
)
from lynx.data.formats.skipped import skip
from lynx.data.sample import Round, Sample

LEFT_OUT = "questions whose answer is not wanted"


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    questions: str,
    annotations: str,
    images: str = "train2014",
    picture: str = "COCO_train2014_{:012d}.jpg",
    without_answers: Sequence[str] = (),
) -> Iterator[Sample]:
    """One sample per picture; the answer to a question is the one most annotators gave.

    questions, annotations, images: two files and a folder below `root`. picture: file name of the
    picture with a given `image_id`. without_answers: questions so answered are left out.
    """
    folder, asked_path = found(root, images), found(root, questions)
    answered_path = found(root, annotations)
    given: dict[int, list[Any]] = {}
    annotated = wanted(read_json(answered_path), "annotations", answered_path)
    for place, record in placed(annotated, answered_path):
        number = wanted(record, "question_id", place)
        given[number] = answers_of(wanted(record, "answers", place), place)

    def rounds() -> Iterator[tuple[str, Round | None]]:
        asked = wanted(read_json(asked_path), "questions", asked_path)
        for place, record in placed(asked, asked_path):
            answers = given.get(wanted(record, "question_id", place), [])
            one = question_round(wanted(record, "question", place), answers, skipped)
            if one is not None and one.response in without_answers:
                skip(skipped, LEFT_OUT, one.fields["question"])
                continue
            yield picture_name(picture, wanted(record, "image_id", place), place), one

    grouped = by_picture(rounds()).items()
    yield from question_samples(grouped, folder.joinpath, source=source, skipped=skipped)
