"""Reads WebSRC: a `dataset.csv` per website, and the pictures of its pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import read_table, wanted
from lynx.data.formats.questions import by_picture, question_round, question_samples
from lynx.data.sample import Round, Sample


def read(
    root: Path, *, source: str, skipped: Counter[str], held_out: Sequence[str] = ()
) -> Iterator[Sample]:
    """One sample per web page, website by website.

    held_out: websites of the other splits, as questions begin their ids: domain and number, `au01`.
    """
    tables = sorted(root.rglob("dataset.csv"))
    if not tables:
        raise LynxError(f"{root}: has no DOMAIN/WEBSITE/dataset.csv")

    def rounds() -> Iterator[tuple[str, Round | None]]:
        for table in tables:
            pages = table.parent.relative_to(root) / "processed_data"
            for row in read_table(table):
                # `au080000100000`: domain, page `0800001` of website 08, question.
                number = wanted(row, "id", table)
                if number[:4] in held_out:
                    continue
                answer = wanted(row, "answer", table) or ""
                one = question_round(wanted(row, "question", table), [answer], skipped)
                yield f"{pages}/{number[2:9]}.png", one

    grouped = by_picture(rounds()).items()
    yield from question_samples(grouped, root.joinpath, source=source, skipped=skipped)
