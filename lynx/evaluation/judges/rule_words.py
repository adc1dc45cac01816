"""Turns an answer into the words that the string rule compares; part of `rule:v1`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_NUMBER_WORDS = """
zero one two three four five six seven eight nine ten
eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
"""
_SAME = {word: str(value) for value, word in enumerate(_NUMBER_WORDS.split())} | {
    "grey": "gray", "centre": "middle", "center": "middle", "colour": "color",
}  # fmt: skip
_ARTICLES = {"a", "an", "the"}
_NOT_PLURAL = {"news", "lens"}  # without the s they are other words
# "no it is red" answers a question, "no red thing" does not.
_ANSWERING_NO = re.compile(r"^\W*no (?=(the|an?|its?|this|thats?|they|theres?|he|she|i)\b)")
_CONTRASTS = re.compile(r"\b(rather than|instead of)\b")
_CLAUSE_ENDS = re.compile(
    r"[.,;:!?()\n\"–—]+|\s-+\s|\b(?:but|because|although|though|while|instead|rather)\b"
)


@dataclass(frozen=True)
class Text:
    """Normalised words, and the number of each word's clause."""

    words: tuple[str, ...]
    clauses: tuple[int, ...]


def normalise(text: str) -> Text:
    """NFKC, lower case, without apostrophes; words in one form for singular and plural."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"['’`]", "", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = _CONTRASTS.sub(", not ", _ANSWERING_NO.sub("no, ", text))
    words: list[str] = []
    clauses: list[int] = []
    for number, clause in enumerate(_CLAUSE_ENDS.split(text)):
        found = re.findall(r"\w+", clause)
        # What ends a clause is no article but a letter: "the answer is A".
        kept = [w for i, w in enumerate(found) if w not in _ARTICLES or i == len(found) - 1]
        words += [_singular(_SAME.get(word, word)) for word in kept]
        clauses += [number] * len(kept)
    return Text(tuple(words), tuple(clauses))


def _singular(word: str) -> str:
    """A form that a word shares with its plural; not always a word (house, houses: hous)."""
    is_plural = word.endswith("s") and not word.endswith(("ss", "us"))
    if len(word) > 3 and is_plural and word not in _NOT_PLURAL:
        word = word[:-1]
    if len(word) > 3 and word.endswith("ie"):
        return word[:-2] + "y"
    if len(word) > 3 and word.endswith(("se", "xe", "ze", "oe", "che", "she")):
        return word[:-1]
    return word
