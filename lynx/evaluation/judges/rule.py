"""The string rule `rule:v1`: decides by words alone, the same everywhere and for ever.

A claim is correct if the prediction implies one of the ground truth's alternatives ("a or b"):

1. Both are normalised (`rule_words.py`): number words as digits, articles dropped, one form for
   singular and plural, punctuation and "but" split clauses.
2. An alternative that is yes or no: the prediction's first word decides if it says yes or no ("yes
   or no" does not); otherwise the prediction must say one of the two (not and ...n't say no) and
   not the other, and must not be unsure ("not sure", "don't know", "can't tell").
3. Any other alternative must occur in the prediction as whole words, in order, and
   a. not after a negation in its clause;
   b. not beside "or", unless the other side is an alternative as well;
   c. if it belongs to a class whose members exclude each other (numbers, colours, sides, heights,
      times of day), no other member is named. Negated members don't count; nor do numbers after the
      answer that sum to it, nor the question's own words, unless they stand beside the answer.
      Where the question names the answer too (either ... or), its words do count, except where they
      are repeated first and the answer then stands alone ("of red and blue it is blue").
   None, nothing, "no" before a word, and "no" alone say 0.

It gives too little to paraphrases ("it moves" for yes) and too much to long answers that happen to
contain the word; hence its name stands beside every number that it makes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lynx.evaluation.judges.base import Claim, Verdict
from lynx.evaluation.judges.rule_words import Text, normalise

_YES = {"yes", "yeah", "yep"}
_NO = {"no", "nope"}
_UNSURE = {"sure", "certain", "clear", "know", "tell", "idea"}
_NONE = {"none", "nothing", "nobody"}
_NEGATIONS = {"no", "not", "never", "without", "neither", "nor", "cannot", *_NONE}
_NEGATIVE_VERBS = re.compile(
    r"(is|are|was|were|do|does|did|has|have|had|ca|can|wo|would|could|should|ai)nt"
)
# What may follow "no" in a ground truth that means no; "no parking" means a sign.
_AUXILIARIES = set(normalise("it its is isnt are arent was they there he she do does not").words)
_EXCLUSIVE_WORDS = """
red orange yellow green blue purple violet pink brown black white gray
left right middle
top bottom
up down
day night
"""
_EXCLUSIVE = [frozenset(line.split()) for line in _EXCLUSIVE_WORDS.strip().split("\n")]


class RuleJudge:
    """Judges by the rule in this module's docstring."""

    name = "rule:v1"

    def judge(self, claims: Sequence[Claim]) -> list[Verdict]:
        """One verdict per claim; every claim is decided."""
        return [_verdict(claim) for claim in claims]


def normalised_answer(answer: str) -> str:
    """An answer's words as the rule sees them, for telling whether two answers are the same."""
    return " ".join(normalise(answer).words)


def _verdict(claim: Claim) -> Verdict:
    said = normalise(claim.prediction)
    question = set(normalise(claim.question).words)
    alternatives = [normalise(part) for part in re.split(r"\s+or\s+", claim.answer.lower())]
    alternatives = [text for text in alternatives if text.words]
    accepted = [text.words for text in alternatives]
    reasons = [_decide(text, said, question, accepted) for text in alternatives]
    if "implied" in reasons:
        return Verdict(True, "implied")
    return Verdict(False, reasons[0] if reasons else "the ground truth has no words")


def _decide(answer: Text, said: Text, question: set[str], accepted: list[tuple[str, ...]]) -> str:
    """ "implied", or why the alternative `answer` is not."""
    meant = _meant_polarity(answer)
    if meant is not None:
        return "implied" if _polarity(said) == meant else f"does not say {meant}"
    is_none = answer.words == ("0",) and _says_none(said)
    reason = None if is_none else _why_not_stated(answer.words, said, accepted)
    if reason is not None:
        return reason
    rivals = _rivals(answer.words, said, question, accepted)
    return f"also says {min(rivals)}" if rivals else "implied"


def _meant_polarity(answer: Text) -> str | None:
    """Of a ground truth: "yes", "yes it is", "No, ..."."""
    first, rest = answer.words[0], answer.words[1:]
    if first in _YES:
        return "yes"
    ends_clause = not rest or answer.clauses[1] != answer.clauses[0]
    return "no" if first in _NO and (ends_clause or _AUXILIARIES.issuperset(rest)) else None


def _polarity(said: Text) -> str | None:
    """Of a prediction; None where it says neither, or both."""
    words = said.words
    if words and words[0] in _YES | _NO:
        return None if _offers_both(said) else "yes" if words[0] in _YES else "no"
    says_yes = any(word in _YES for word in words)
    says_no = any(word in _NO or word == "not" or _NEGATIVE_VERBS.fullmatch(word) for word in words)
    if says_yes == says_no or not _UNSURE.isdisjoint(words):
        return None
    return "yes" if says_yes else "no"


def _offers_both(said: Text) -> bool:
    """ "yes or no", "yes/no"; but not "yes, no cars"."""
    words = said.words[1:3]
    joined = bool(words) and words[0] in {"or", "and"}
    other = words[1:2] if joined else words[:1]
    opposite = _NO | {"not"} if said.words[0] in _YES else _YES
    in_one_clause = said.clauses[:1] == said.clauses[1:2] or words[:1] == ("or",)
    return in_one_clause and not opposite.isdisjoint(other)


def _says_none(said: Text) -> bool:
    if said.words == ("no",):
        return True
    pairs = zip(said.clauses, said.clauses[1:], strict=False)
    followed = [one == two for one, two in pairs] + [False]
    says = (
        word in _NONE or (word == "no" and followed[i]) or (word == "any" and _is_negated(said, i))
        for i, word in enumerate(said.words)
    )
    return any(says) and _UNSURE.isdisjoint(said.words)


def _why_not_stated(
    words: tuple[str, ...], said: Text, accepted: list[tuple[str, ...]]
) -> str | None:
    size = len(words)
    starts = [i for i in range(len(said.words)) if said.words[i : i + size] == words]
    if not starts:
        return "not contained"
    starts = [i for i in starts if not _is_negated(said, i)]
    if not starts:
        return "negated"
    is_offered = all(_is_hedged(said, i, i + size, accepted) for i in starts)
    return "one of several offered" if is_offered else None


def _is_negated(said: Text, place: int) -> bool:
    before = (said.words[i] for i in range(place) if said.clauses[i] == said.clauses[place])
    return any(word in _NEGATIONS or _NEGATIVE_VERBS.fullmatch(word) for word in before)


def _is_hedged(said: Text, start: int, end: int, accepted: list[tuple[str, ...]]) -> bool:
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


def _rivals(
    words: tuple[str, ...], said: Text, question: set[str], accepted: list[tuple[str, ...]]
) -> set[str]:
    """Words said that exclude `words`, except those that the ground truth accepts as well."""
    if len(words) != 1:
        return set()
    answer = words[0]
    members = [i for i, word in enumerate(said.words) if _are_exclusive(answer, word)]
    named = [said.words[i] for i in members if not _is_negated(said, i)]
    rivals = set(named) - {answer} - {other[0] for other in accepted if len(other) == 1}
    if answer.isdecimal() and named[:1] == [answer]:  # "two: one red and one blue"
        parts = sum(int(word) for word in named if word != answer)
        rivals = set() if parts == int(answer) else rivals
    if answer not in question:
        return {word for word in rivals if word not in question or _beside(word, answer, said)}
    is_restated = named.count(answer) > 1 and named[-1] == answer and rivals <= question
    return set() if is_restated else rivals


def _are_exclusive(one: str, other: str) -> bool:
    """Whether both are of one class; a word is of its own class."""
    if one.isdecimal():
        return other.isdecimal()
    return any(one in group and other in group for group in _EXCLUSIVE)


def _beside(one: str, other: str, said: Text) -> bool:
    """ "day and night", "night day"."""
    text = " ".join(said.words)
    return bool(re.search(rf"\b({one} (and )?{other}|{other} (and )?{one})\b", text))
