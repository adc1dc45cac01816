"""Reads the VQA format (VQAv2, OK-VQA, TDIUC): questions and answers in two JSON files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lynx.data.formats.files import found, read_json, wanted
from lynx.data.formats.questions import (
    answer_texts,
    by_picture,
    picture_name,
    question_round,
    question_samples,
)
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
    given: dict[int, list[str]] = {}
    for record in wanted(read_json(answered_path), "annotations", answered_path):
        number = wanted(record, "question_id", answered_path)
        given[number] = answer_texts(wanted(record, "answers", answered_path), answered_path)

    def rounds() -> Iterator[tuple[str, Round | None]]:
        for record in wanted(read_json(asked_path), "questions", asked_path):
            answers = given.get(wanted(record, "question_id", asked_path), [])
            one = question_round(wanted(record, "question", asked_path), answers, skipped)
            if one is not None and one.response in without_answers:
                skipped[LEFT_OUT] += 1
                continue
            yield picture_name(picture, wanted(record, "image_id", asked_path), asked_path), one

    grouped = by_picture(rounds()).items()
    yield from question_samples(grouped, folder.joinpath, source=source, skipped=skipped)
