"""Reads the telling part of Visual7W, with its wrong choices or without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lynx.data.formats.files import found, placed, read_json, wanted
from lynx.data.formats.questions import question_round, question_samples
from lynx.data.sample import Round, Sample

_FILES = ("dataset_v7w_telling.json", "dataset.json")  # the owners' script renames it


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    multiple_choice: bool = False,
    splits: Sequence[str] = ("train",),
    images: str = "images",
) -> Iterator[Sample]:
    """One sample per picture.

    multiple_choice: each round has its options, the right answer among them. splits: of train, val
    and test. images: folder below `root`.
    """
    path, folder = found(root, *_FILES), found(root, images)

    def grouped() -> Iterator[tuple[str, list[Round]]]:
        for place, record in placed(wanted(read_json(path), "images", path), path):
            if wanted(record, "split", place) not in splits:
                continue
            rounds = [
                question_round(
                    wanted(qa, "question", place),
                    [wanted(qa, "answer", place)],
                    skipped,
                    wrong=wanted(qa, "multiple_choices", place) if multiple_choice else (),
                )
                for qa in wanted(record, "qa_pairs", place)
            ]
            yield wanted(record, "filename", place), [one for one in rounds if one is not None]

    yield from question_samples(grouped(), folder.joinpath, source=source, skipped=skipped)
