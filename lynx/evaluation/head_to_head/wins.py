"""win/all of Table 5: on how many questions one model's answer is better than another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lynx.config.errors import LynxError
from lynx.evaluation.head_to_head.battles import Instruction, TieRule, fight
from lynx.evaluation.head_to_head.pair_judges import PairJudge
from lynx.evaluation.head_to_head.schedule import all_pairs
from lynx.evaluation.results import Prediction
from lynx.evaluation.statistics import mcnemar_exact

_BASE, _OTHER = "base", "other"


@dataclass(frozen=True)
class WinAll:
    """Questions won by the other model against the base, whose number Table 5 prints as win/all."""

    num_wins: int
    num_losses: int
    num_ties: int  # unparseable ones included
    num_questions: int
    num_unparseable: int  # questions with a reply that was no verdict
    p: float  # two-sided exact sign test; ties say nothing and are left out
    judge: str
    tie_rule: TieRule


def win_all(
    predictions_base: Sequence[Prediction],
    predictions_other: Sequence[Prediction],
    pair_judge: PairJudge,
    *,
    captions: Mapping[str, str] | None = None,
    tie_rule: TieRule = "official",
    seed: int = 0,
) -> WinAll:
    """Judge both models' answers to the same questions, in both orders.

    captions: true descriptions of the pictures by question id; a served judge sees no picture
    without them. Raises LynxError where the predictions are not about the same questions.
    """
    base, other = ({p.id: p for p in ps} for ps in (predictions_base, predictions_other))
    if {i: _asked(p) for i, p in base.items()} != {i: _asked(p) for i, p in other.items()}:
        raise LynxError(
            f"the two runs answer different questions ({len(base)} and {len(other)}): evaluate "
            "both with one configuration of the benchmark"
        )
    instructions = {
        p.id: Instruction(
            p.id, p.category, p.question, p.picture, (captions or {}).get(p.id, ""), p.answer
        )
        for p in base.values()
    }
    answers = {
        _BASE: {p.id: p.prediction for p in base.values()},
        _OTHER: {p.id: p.prediction for p in other.values()},
    }
    battles = fight(all_pairs(answers, list(base), seed=seed), answers, instructions, pair_judge)
    outcomes = [(battle, battle.winner(tie_rule)) for battle in battles]
    num_ties = sum(outcome == "tie" for _, outcome in outcomes)
    num_wins = sum(
        outcome == ("a" if battle.model_a == _OTHER else "b") for battle, outcome in outcomes
    )
    num_losses = len(battles) - num_ties - num_wins
    return WinAll(
        num_wins=num_wins,
        num_losses=num_losses,
        num_ties=num_ties,
        num_questions=len(battles),
        num_unparseable=sum("unparseable" in battle.verdicts for battle in battles),
        p=mcnemar_exact(num_wins, num_losses),  # the sign test is the same arithmetic
        judge=pair_judge.name,
        tie_rule=tie_rule,
    )


def _asked(p: Prediction) -> tuple[str, str, str, str]:
    return p.category, p.question, p.answer, p.picture
