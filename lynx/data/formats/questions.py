"""Cleans the questions and answers of a dataset, and gathers those about one picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.formats.files import picture, shard_key, wanted
from lynx.data.formats.skipped import skip
from lynx.data.sample import Round, Sample

NO_PICTURE = "questions whose picture is missing or unreadable"
NO_QUESTION = "questions without text"
NO_ANSWER = "questions without an answer"
NOT_TEXT = "questions that are, or whose answer is, neither text nor number"

_ENDS = ("?", ".", "!")
_CLOSING = "\"'”’)"


def clean_question(text: str) -> str:
    """The question in one line, closed by its question mark (paper, Table 13, footnote 2).

    What ends in a full stop or an exclamation mark is an order ("Name the city.") and stays one.
    """
    line = " ".join(text.split())
    return line if not line or line.rstrip(_CLOSING).endswith(_ENDS) else f"{line}?"


def as_text(value: Any) -> str | None:
    """A text or a number as a text, what is missing (null, NaN) as an empty one, else None."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value)


def most_frequent(answers: Iterable[str]) -> str:
    """The answer that most annotators gave; the first in order of those given equally often."""
    counts = Counter(line for answer in answers if (line := " ".join(answer.split())))
    return counts.most_common(1)[0][0] if counts else ""


def answers_of(answers: Any, place: str | Path) -> list[Any]:
    """An answer, a list of answers, or a list of records with the key `answer`, as a list."""
    several = answers if isinstance(answers, list) else [answers]
    found = [wanted(a, "answer", place) if isinstance(a, Mapping) else a for a in several]
    for one in found:
        if isinstance(one, (list, Mapping)):
            raise LynxError(f"{place}: {one!r} is no answer; it must be a text or a list of texts")
    return found


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
    answers: Iterable[Any],
    skipped: Counter[str],
    *,
    field: str = "question",
    wrong: Iterable[Any] = (),
) -> Round | None:
    """The exchange, its question in `field`; None, and counted, where one side has no text.

    Numbers count as texts, true and false don't. wrong: the other options of a multiple choice.
    """
    answers, wrong = list(answers), list(wrong)
    asked, choices = as_text(question), [as_text(one) for one in (*answers, *wrong)]
    texts = [one for one in choices if one is not None]
    if asked is None or len(texts) < len(choices):
        skip(skipped, NOT_TEXT, f"{question!r}, answered {answers!r}")
        return None
    text, response = clean_question(asked), most_frequent(texts[: len(answers)])
    if not text or not response:
        reason, example = (NO_ANSWER, text) if text else (NO_QUESTION, f"answer {response!r}")
        skip(skipped, reason, example)
        return None
    lines = [" ".join(one.split()) for one in texts[len(answers) :]]
    others = [line for line in lines if line and line != response]
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
        if not rounds:
            continue
        path = path_of(name)
        image = picture(path)
        if image is None:
            skip(skipped, NO_PICTURE, path, len(rounds))
            continue
        key = shard_key(PurePosixPath(name).with_suffix(""))
        if key in keys:  # names that differ only in what a key can't hold
            key = shard_key(key, number)
        keys.add(key)
        yield Sample(key, source, "image", tuple(rounds), (image,), split="questions")
