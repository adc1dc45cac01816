"""A battle: two models' answers to one instruction, judged in both orders, and who has won it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from lynx.evaluation.head_to_head.pair_judges import PairClaim, PairJudge, PairVerdict
from lynx.evaluation.head_to_head.schedule import REFERENCE, Answers, Pairing
from lynx.evaluation.statistics import wilson

Said = Literal["a", "b", "tie", "unparseable"]
Outcome = Literal["a", "b", "tie"]
TieRule = Literal["official", "readme"]
_DECIDED = ("a", "b")


@dataclass(frozen=True)
class Instruction:
    """What a judge needs to know of a question."""

    id: str
    category: str
    text: str
    image_name: str
    caption: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Battle:
    """Two answers and what was said of them; "a" and "b" always mean the two models."""

    question: str  # id
    category: str
    image_name: str
    instruction: str
    model_a: str
    model_b: str
    answer_a: str
    answer_b: str
    reference: str
    verdicts: tuple[Said, ...]  # with model_a's answer shown first, then with model_b's
    replies: tuple[str, ...]
    shown_first: tuple[Said, ...] = ("a", "b")  # per verdict, whose answer stood as Response A

    @property
    def pair(self) -> tuple[str, str]:
        """The two models, in alphabetical order."""
        one, other = sorted((self.model_a, self.model_b))
        return one, other

    def winner(self, rule: TieRule) -> Outcome:
        """Who has won by a tie rule; an unparseable verdict counts as a tie, as it does officially.

        official: the leaderboard's code. With two verdicts, a model must have won both. readme: its
        README. The model that has won more verdicts than the other, so that one win and one tie are
        a win.
        """
        won = Counter(verdict for verdict in self.verdicts if verdict in _DECIDED)
        if rule == "readme":
            difference = won["a"] - won["b"]
            return "tie" if difference == 0 else "a" if difference > 0 else "b"
        if sum(won.values()) == len(won):  # none, or as many as there are different ones
            return "tie"
        return cast(Outcome, won.most_common(1)[0][0])

    def as_row(self) -> dict[str, Any]:
        """A line of battles.jsonl."""
        return asdict(self)


def fight(
    pairings: Sequence[Pairing],
    answers: Answers,
    instructions: Mapping[str, Instruction],
    judge: PairJudge,
) -> list[Battle]:
    """Have every pairing judged in both orders.

    The reference is shown to the judge only where it is no contestant: who fights against it would
    otherwise be measured by it.
    """
    claims = [_claim(pairing, answers, instructions[pairing.question]) for pairing in pairings]
    verdicts = judge.judge([both for claim in claims for both in (claim, claim.swapped)])
    battles = []
    for place, (pairing, claim) in enumerate(zip(pairings, claims, strict=True)):
        straight, swapped = verdicts[2 * place : 2 * place + 2]
        asked = instructions[pairing.question]
        battles.append(
            Battle(
                question=asked.id,
                category=asked.category,
                image_name=asked.image_name,
                instruction=asked.text,
                model_a=pairing.model_a,
                model_b=pairing.model_b,
                answer_a=claim.response_a,
                answer_b=claim.response_b,
                reference=asked.reference,
                verdicts=(_said(straight), _said(swapped, is_swapped=True)),
                replies=(straight.reply, swapped.reply),
            )
        )
    return battles


def _claim(pairing: Pairing, answers: Answers, asked: Instruction) -> PairClaim:
    is_reference_fighting = REFERENCE in (pairing.model_a, pairing.model_b)
    return PairClaim(
        context=asked.caption,
        instruction=asked.text,
        response_a=answers[pairing.model_a][asked.id],
        response_b=answers[pairing.model_b][asked.id],
        reference="" if is_reference_fighting else asked.reference,
    )


def _said(verdict: PairVerdict, *, is_swapped: bool = False) -> Said:
    if verdict.winner is None:
        return "unparseable"
    if is_swapped and verdict.winner in _DECIDED:
        return "a" if verdict.winner == "b" else "b"
    return verdict.winner


def without_repeats(battles: Iterable[Battle]) -> list[Battle]:
    """The first battle of each two models on each picture and instruction, as the leaderboard."""
    kept: dict[tuple[tuple[str, str], str, str], Battle] = {}
    for battle in battles:
        kept.setdefault((battle.pair, battle.image_name, battle.instruction), battle)
    return list(kept.values())


def judging_report(battles: Sequence[Battle], rule: TieRule) -> dict[str, Any]:
    """How far the verdicts hang on the order of the answers, and how many were none.

    first_shown: of the decided verdicts, the share won by the answer shown first; a judge without
    a preference for a place has 0.5. orders_disagree: battles whose two decided verdicts name
    different models. ties: by the rule, unparseable ones included.
    """
    both = [
        (verdict, first)
        for battle in battles
        for verdict, first in zip(battle.verdicts, battle.shown_first, strict=True)
    ]
    decided = [(verdict, first) for verdict, first in both if verdict in _DECIDED]
    for_first = sum(verdict == first for verdict, first in decided)
    interval = wilson(for_first, len(decided))
    decisive = [b for b in battles if all(verdict in _DECIDED for verdict in b.verdicts)]
    unparseable = [b for b in battles if "unparseable" in b.verdicts]
    return {
        "num_battles": len(battles),
        "num_ties": sum(battle.winner(rule) == "tie" for battle in battles),
        "num_verdicts": len(both),
        "num_unparseable_verdicts": sum(verdict == "unparseable" for verdict, _ in both),
        "num_battles_with_unparseable": len(unparseable),
        "first_shown": {
            "n": len(decided),
            "share": for_first / len(decided) if decided else None,
            "low": interval.low,
            "high": interval.high,
        },
        "orders_disagree": {
            "n": len(decisive),
            "num": sum(len(set(battle.verdicts)) > 1 for battle in decisive),
        },
    }
