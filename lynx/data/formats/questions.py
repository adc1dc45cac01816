"""Cleans the questions and answers of a dataset, and gathers those about one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.formats.files import picture, shard_key, wanted
from lynx.data.sample import Round, Sample

NO_PICTURE = "questions whose picture is missing or unreadable"
NO_QUESTION = "questions without text"
NO_ANSWER = "questions without an answer"

_ENDS = ("?", ".", "!")
_CLOSING = "\"'”’)"


def clean_question(text: str) -> str:
    """The question in one line, closed by its question mark (paper, Table 13, footnote 2).

    What ends in a full stop or an exclamation mark is an order ("Name the city.") and stays one.
    """
    line = " ".join(text.split())
    return line if not line or line.rstrip(_CLOSING).endswith(_ENDS) else f"{line}?"


def most_frequent(answers: Iterable[str]) -> str:
    """The answer that most annotators gave; the first in order of those given equally often."""
    counts = Counter(line for answer in answers if (line := " ".join(answer.split())))
    return counts.most_common(1)[0][0] if counts else ""


def answer_texts(answers: Any, place: str | Path) -> list[str]:
    """The texts of an answer, a list of answers, or a list of records with the key `answer`."""
    several = answers if isinstance(answers, list) else [answers]
    texts = [wanted(a, "answer", place) if isinstance(a, Mapping) else a for a in several]
    for text in texts:
        if text is not None and not isinstance(text, (str, int, float)):
            raise LynxError(f"{place}: {text!r} is no answer; it must be a text or a list of texts")
    return ["" if text is None else str(text) for text in texts]


def picture_name(pattern: str, value: Any, place: str | Path) -> str:
    """The file name that `pattern` ("{}.jpg") makes of a picture's id; LynxError if it can't."""
    try:
        return pattern.format(value)
    except (ValueError, IndexError, KeyError) as error:
        raise LynxError(
            f"{place}: the option `picture`, {pattern!r}, makes no file name of {value!r}: {error}"
        ) from error


def question_round(
    question: Any,
    answers: Iterable[str],
    skipped: Counter[str],
    *,
    field: str = "question",
    wrong: Iterable[str] = (),
) -> Round | None:
    """The exchange, its question in `field`; None, and counted, where one side has no text.

    wrong: the other options of a multiple choice.
    """
    text, response = clean_question(str(question or "")), most_frequent(answers)
    if not text or not response:
        skipped[NO_ANSWER if text else NO_QUESTION] += 1
        return None
    others = [line for one in wrong if (line := " ".join(str(one).split())) and line != response]
    options = (response, *dict.fromkeys(others)) if others else ()
    return Round({field: text}, response, options)


def by_picture(rounds: Iterable[tuple[str, Round | None]]) -> dict[str, list[Round]]:
    """The rounds of each picture, pictures and rounds in the order in which they come first."""
    grouped: dict[str, list[Round]] = {}
    for name, one in rounds:
        if one is not None:
            grouped.setdefault(name, []).append(one)
    return grouped


def question_samples(
    grouped: Iterable[tuple[str, list[Round]]],
    path_of: Callable[[str], Path],
    *,
    source: str,
    skipped: Counter[str],
) -> Iterator[Sample]:
    """One sample per picture, with as many rows as there are questions about it.

    grouped: name of a picture, which becomes the key, and its rounds. path_of: its file. The
    questions about a picture that can't be had are counted.
    """
    keys: set[str] = set()
    for number, (name, rounds) in enumerate(grouped):
        image = picture(path_of(name)) if rounds else None
        if image is None:
            skipped[NO_PICTURE] += len(rounds)
            continue
        key = shard_key(PurePosixPath(name).with_suffix(""))
        if key in keys:  # names that differ only in what a key can't hold
            key = shard_key(key, number)
        keys.add(key)
        yield Sample(key, source, "image", tuple(rounds), (image,), split="questions")
