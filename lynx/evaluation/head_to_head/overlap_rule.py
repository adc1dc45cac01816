"""The string rule `rule:overlap:v1`: the better answer is the one whose words the facts share.

It needs no server and always decides the same, and it knows nothing of meaning: "not red" counts as
"red". Every number that it makes is labelled a string rule, never a language model's.

1. Words are those of `rule:v1` (number words as digits, singular and plural alike, no articles),
   without function words and the instruction's own words, each counted once.
2. The facts are the words of the reference and of the caption. Precision is the share of an
   answer's words that are facts. Recall is the share of the reference's words that the answer has;
   without a reference, of the caption's.
3. The answer with the higher F1 of the two wins; a difference below `MARGIN` is a tie. Where there
   is neither reference nor caption, there is no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

from lynx.evaluation.head_to_head.pair_judges import PairClaim, PairVerdict
from lynx.evaluation.judges.rule_words import normalise

MARGIN = 0.05
_FUNCTION_WORDS = frozenset(
    word
    for text in (
        "a an the this that these those it its he she they them his her their we you i my your",
        "is are was were be been being am do does did has have had can could will would should may",
        "of in on at to from by with for as into about and or but if so than then there here",
        "what which who where when how also very just both each some any all other",
    )
    for word in normalise(text).words
)


class OverlapRule:
    """Judges by the rule in this module's docstring."""

    name = "rule:overlap:v1"
    sees_reference = True

    def judge(self, claims: Sequence[PairClaim]) -> list[PairVerdict]:
        """One verdict per claim; the order of the answers plays no part."""
        return [_verdict(claim) for claim in claims]


def _verdict(claim: PairClaim) -> PairVerdict:
    asked = _words(claim.instruction)
    reference, caption = _words(claim.reference), _words(claim.context)
    wanted = (reference or caption) - asked or reference or caption
    if not wanted:
        return PairVerdict(None, "neither reference nor caption has words to compare with")
    facts = reference | caption
    first, second = (
        _f1(_words(response) - (asked - wanted), facts, wanted)
        for response in (claim.response_a, claim.response_b)
    )
    reason = f"F1 {first:.3f} and {second:.3f}"
    if abs(first - second) < MARGIN:
        return PairVerdict("tie", reason)
    return PairVerdict("a" if first > second else "b", reason)


def _words(text: str) -> frozenset[str]:
    return frozenset(normalise(text).words) - _FUNCTION_WORDS


def _f1(said: frozenset[str], facts: frozenset[str], wanted: frozenset[str]) -> float:
    precision = len(said & facts) / len(said) if said else 0.0
    recall = len(said & wanted) / len(wanted)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
