"""Reads OCR-VQA: `dataset.json` with the questions about each book, and the covers by book id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, read_json, wanted
from lynx.data.formats.questions import answers_of, question_round, question_samples
from lynx.data.sample import Round, Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    images: str = "images",
    splits: Sequence[int] = (1,),
) -> Iterator[Sample]:
    """One sample per book. images: folder of the covers below `root`. splits: of 1, training, 2,
    validation, and 3, test.
    """
    folder, path = found(root, images), found(root, "dataset.json")

    def grouped() -> Iterator[tuple[str, list[Round]]]:
        for book, record in read_json(path).items():
            place = f"{path}: {book}"
            if wanted(record, "split", place) not in splits:
                continue
            questions = wanted(record, "questions", place)
            answers = answers_of(wanted(record, "answers", place), place)
            if len(questions) != len(answers):
                raise LynxError(
                    f"{place} has {len(questions)} questions and {len(answers)} answers"
                )
            pairs = zip(questions, answers, strict=True)
            rounds = [question_round(asked, [answer], skipped) for asked, answer in pairs]
            # The owners' script keeps the ending of the address from which it loads a cover.
            ending = PurePosixPath(wanted(record, "imageURL", place)).suffix
            yield f"{book}{ending}", [one for one in rounds if one is not None]

    def path_of(name: str) -> Path:
        path = folder / name
        return path if path.exists() else path.with_suffix(".jpg")  # so named in many copies

    yield from question_samples(grouped(), path_of, source=source, skipped=skipped)
