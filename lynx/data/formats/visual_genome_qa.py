"""Reads Visual Genome's questions: `question_answers.json`, pictures in VG_100K and VG_100K_2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lynx.data.formats.files import found, placed, read_json, wanted
from lynx.data.formats.questions import question_round, question_samples
from lynx.data.sample import Round, Sample

_FOLDERS = ("VG_100K", "VG_100K_2")  # a picture lies in one of them


def read(root: Path, *, source: str, skipped: Counter[str]) -> Iterator[Sample]:
    """One sample per picture; the set has no split of its own."""
    path = found(root, "question_answers.json")
    folders = [found(root, name) for name in _FOLDERS]

    def grouped() -> Iterator[tuple[str, list[Round]]]:
        for place, record in placed(read_json(path), path):
            rounds = [
                question_round(
                    wanted(qa, "question", place), [wanted(qa, "answer", place)], skipped
                )
                for qa in wanted(record, "qas", place)
            ]
            name = f"{wanted(record, 'id', place)}.jpg"
            yield name, [one for one in rounds if one is not None]

    def path_of(name: str) -> Path:
        return next((f / name for f in folders if (f / name).exists()), folders[0] / name)

    yield from question_samples(grouped(), path_of, source=source, skipped=skipped)
