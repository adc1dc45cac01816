"""The string rule `rule:v1`: decides by words alone, the same everywhere and for ever.

A claim is correct if the prediction implies one of the ground truth's alternatives ("a or b"):

1. Both are normalised: NFKC, lower case, number words zero to twenty as digits, articles dropped,
   apostrophes dropped, other punctuation splits clauses, plural endings dropped.
2. An alternative that is yes or no: the prediction's first word decides if it says yes or no;
   otherwise the prediction must say one of the two (not and ...n't say no) and not the other, and
   must not be unsure ("not sure", "don't know", "can't tell").
3. Any other alternative must occur in the prediction as whole words, in order, and
   a. not after no, not, never, without or a word ending in n't, among the two words before it in
      its clause;
   b. not beside "or", unless the other side is an alternative as well;
   c. if it belongs to a class whose members exclude each other (numbers, colours, sides, heights,
      times of day), the prediction names no other member, the question's own words apart.

It gives too little to paraphrases ("it moves" for yes) and too much to long answers that happen to
contain the word; hence its name stands beside every number that it makes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from lynx.evaluation.judges.base import Claim, Verdict

_NUMBER_WORDS = """
zero one two three four five six seven eight nine ten
eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
"""
_NUMBERS = {word: str(value) for value, word in enumerate(_NUMBER_WORDS.split())}
_ARTICLES = {"a", "an", "the"}
_YES = {"yes", "yeah", "yep"}
_NO = {"no", "nope"}
_UNSURE = {"sure", "certain", "clear", "know", "tell"}
_NEGATIONS = {"no", "not", "never", "without"}
_NEGATIVE_VERBS = re.compile(r"(is|are|was|were|do|does|did|has|have|ca|can|wo|would|could)nt")
_EXCLUSIVE_WORDS = """
red orange yellow green blue purple violet pink brown black white gray grey
left right middle center centre
top bottom
up down
day night
"""
_EXCLUSIVE = [frozenset(line.split()) for line in _EXCLUSIVE_WORDS.strip().split("\n")]


@dataclass(frozen=True)
class _Text:
    words: tuple[str, ...]
    clauses: tuple[int, ...]  # clause number of each word


class RuleJudge:
    """Judges by the rule in this module's docstring."""

    name = "rule:v1"

    def judge(self, claims: Sequence[Claim]) -> list[Verdict]:
        """One verdict per claim; every claim is decided."""
        return [_verdict(claim) for claim in claims]


def normalised_answer(answer: str) -> str:
    """An answer's words as the rule sees them, for telling whether two answers are the same."""
    return " ".join(_normalise(answer).words)


def _verdict(claim: Claim) -> Verdict:
    prediction = _normalise(claim.prediction)
    question = set(_normalise(claim.question).words)
    alternatives = [_normalise(part) for part in re.split(r"\s+or\s+", claim.answer.lower())]
    accepted = [text.words for text in alternatives if text.words]
    reasons = [_decide(words, prediction, question, accepted) for words in accepted]
    if "implied" in reasons:
        return Verdict(True, "implied")
    return Verdict(False, reasons[0] if reasons else "the ground truth has no words")


def _decide(
    words: tuple[str, ...], said: _Text, question: set[str], accepted: list[tuple[str, ...]]
) -> str:
    """ "implied", or why the alternative `words` is not."""
    if words in (("yes",), ("no",)):
        return "implied" if _polarity(said.words) == words[0] else f"does not say {words[0]}"
    size = len(words)
    starts = [i for i in range(len(said.words)) if said.words[i : i + size] == words]
    if not starts:
        return "not contained"
    starts = [i for i in starts if not _is_negated(said, i)]
    if not starts:
        return "negated"
    if all(_is_hedged(said, i, i + size, accepted) for i in starts):
        return "one of several offered"
    rivals = _rivals(words, said, accepted) - question
    return f"also says {min(rivals)}" if rivals else "implied"


def _polarity(words: tuple[str, ...]) -> str | None:
    if not words:
        return None
    if words[0] in _YES | _NO:
        return "yes" if words[0] in _YES else "no"
    says_yes = any(word in _YES for word in words)
    says_no = any(word in _NO or word == "not" or _NEGATIVE_VERBS.fullmatch(word) for word in words)
    if says_yes == says_no or not _UNSURE.isdisjoint(words):
        return None
    return "yes" if says_yes else "no"


def _is_negated(said: _Text, start: int) -> bool:
    before = [
        said.words[i]
        for i in range(max(start - 2, 0), start)
        if said.clauses[i] == said.clauses[start]
    ]
    return any(word in _NEGATIONS or _NEGATIVE_VERBS.fullmatch(word) for word in before)


def _is_hedged(said: _Text, start: int, end: int, accepted: list[tuple[str, ...]]) -> bool:
    words = said.words
    if end < len(words) and words[end] == "or":
        rest = words[end + 1 :]
        if not any(rest[: len(other)] == other for other in accepted):
            return True
    if start > 0 and words[start - 1] == "or":
        rest = words[: start - 1]
        if not any(rest[len(rest) - len(other) :] == other for other in accepted):
            return True
    return False


def _rivals(words: tuple[str, ...], said: _Text, accepted: list[tuple[str, ...]]) -> set[str]:
    """Words said that exclude `words`, except those that the ground truth accepts as well."""
    if len(words) != 1:
        return set()
    if words[0].isdigit():
        named = {word for word in said.words if word.isdigit()}
    else:
        named = {w for group in _EXCLUSIVE if words[0] in group for w in said.words if w in group}
    return named - {other[0] for other in accepted if len(other) == 1}


def _normalise(text: str) -> _Text:
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"['’`]", "", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    words: list[str] = []
    clauses: list[int] = []
    for number, clause in enumerate(re.split(r"[.,;:!?()\n\"]+", text)):
        for word in re.findall(r"\w+", clause):
            if word not in _ARTICLES:
                words.append(_singular(_NUMBERS.get(word, word)))
                clauses.append(number)
    return _Text(tuple(words), tuple(clauses))


def _singular(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    return word[:-1]
