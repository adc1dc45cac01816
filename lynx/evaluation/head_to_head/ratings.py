"""Turns battles into everything that is reported of the models: ratings, ranks, wins, lengths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lynx.evaluation.head_to_head import bradley_terry, elo
from lynx.evaluation.head_to_head.battles import (
    Battle,
    TieRule,
    judging_report,
    without_repeats,
)
from lynx.evaluation.head_to_head.bradley_terry import Ratings
from lynx.evaluation.statistics import wilson

_SCORES = {"a": 1.0, "tie": 0.5, "b": 0.0}


@dataclass(frozen=True)
class Origin:
    """Which variant a contestant belongs to, and which of its seeds it is (None: no run)."""

    variant: str
    seed: int | None = None


def rate(
    battles: Sequence[Battle],
    *,
    tie_rule: TieRule,
    origins: Mapping[str, Origin] | None = None,
    seed: int = 0,
    num_resamples: int = bradley_terry.NUM_RESAMPLES,
    num_shuffles: int = elo.NUM_SHUFFLES,
) -> dict[str, Any]:
    """The part of ratings.json that follows from the battles.

    origins: by contestant; one that is not named is a variant of its own. seed: of resamples and
    shuffles; the official Elo has its own.
    """
    fought_once = without_repeats(battles)
    headline, by_length = _fits(fought_once, tie_rule, num_resamples, seed)
    named = {name: (origins or {}).get(name, Origin(name)) for name in headline.names}
    fought = elo.outcomes(fought_once, tie_rule)
    sensitivity = elo.shuffle_sensitivity(fought, num_shuffles=num_shuffles, seed=seed)
    models = _models(fought_once, tie_rule, headline, by_length, sensitivity, named)
    return {
        "tie_rule": tie_rule,
        "num_repeated_battles": len(battles) - len(fought_once),
        "num_instructions": len({(b.image_name, b.instruction) for b in fought_once}),
        "judging": judging_report(fought_once, tie_rule),
        "seeds": {"elo": elo.OFFICIAL_SEED, "resamples": seed, "shuffles": seed},
        "num_resamples": num_resamples,
        "num_shuffles": num_shuffles,
        "is_mle": headline.is_mle,
        "num_penalised_resamples": headline.num_penalised,
        "length_effect": _length_effect(by_length),
        "models": dict(sorted(models.items(), key=lambda item: -item[1]["bt"])),
        "variants": _variants(models, headline, by_length, named),
    }


def _fits(
    battles: Sequence[Battle], rule: TieRule, num_resamples: int, seed: int
) -> tuple[Ratings, Ratings | None]:
    """The headline's fit, and the one at equal lengths where lengths tell anything."""
    scored = [
        (b.model_a, b.model_b, _SCORES[b.winner(rule)], f"{b.image_name}\x1f{b.instruction}")
        for b in battles
    ]
    lengths = [(num_words(b.answer_a), num_words(b.answer_b)) for b in battles]
    options: dict[str, int] = {"num_resamples": num_resamples, "seed": seed}
    headline = bradley_terry.rate(bradley_terry.data_of(scored), **options)
    assert headline is not None  # only a covariate can be unusable
    return headline, bradley_terry.rate(bradley_terry.data_of(scored, lengths), **options)


def num_words(text: str) -> int:
    """Words between blanks."""
    return len(text.split())


def _models(
    battles: Sequence[Battle],
    rule: TieRule,
    headline: Ratings,
    by_length: Ratings | None,
    sensitivity: Mapping[str, elo.Sensitivity],
    origins: Mapping[str, Origin],
) -> dict[str, dict[str, Any]]:
    fought = elo.outcomes(battles, rule)
    official, matches = elo.official_elo(fought), elo.num_matches(fought)
    references, ranks = elo.reference_wins(fought), headline.ranks()
    words = _mean_words(battles)
    models = {}
    for name in headline.names:
        estimate = headline.estimate([name])
        against = references.get(name)
        interval = wilson(against.wins, against.n) if against and against.n else None
        models[name] = {
            **asdict(origins[name]),
            "bt": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "rank": ranks[name],
            **_at_equal_length(by_length, [name]),
            "elo": official[name],
            "elo_shuffled": asdict(sensitivity[name]),
            "num_matches": matches[name],
            **_record(name, fought),
            "win_vs_reference": against.share if against else None,
            "win_vs_reference_low": interval.low if interval else None,
            "win_vs_reference_high": interval.high if interval else None,
            "num_ratings": against.n if against else 0,
            "mean_words": words[name],
        }
    return models


def _record(name: str, fought: Sequence[elo.Fought]) -> dict[str, int]:
    own = [(a == name, outcome) for a, b, outcome in fought if name in (a, b)]
    num_ties = sum(outcome == "tie" for _, outcome in own)
    num_wins = sum(outcome == ("a" if is_a else "b") for is_a, outcome in own)
    losses = len(own) - num_ties - num_wins
    return {"num_wins": num_wins, "num_losses": losses, "num_ties": num_ties}


def _at_equal_length(by_length: Ratings | None, names: Sequence[str]) -> dict[str, Any]:
    """The rating were all answers equally long; null where that can't be told."""
    if by_length is None:
        return {"bt_at_equal_length": None}
    return {"bt_at_equal_length": asdict(by_length.estimate(names))}


def _length_effect(by_length: Ratings | None) -> dict[str, float] | None:
    """Elo points that an answer gains by being twice as long; null where that can't be told."""
    if by_length is None or by_length.slope is None:
        return None
    per_doubling = bradley_terry.POINTS * math.log(2)
    return {key: per_doubling * value for key, value in asdict(by_length.slope).items()}


def _mean_words(battles: Sequence[Battle]) -> dict[str, float]:
    answers: dict[str, dict[tuple[str, str], str]] = {}
    for b in battles:
        place = (b.image_name, b.instruction)
        answers.setdefault(b.model_a, {})[place] = b.answer_a
        answers.setdefault(b.model_b, {})[place] = b.answer_b
    return {name: sum(map(num_words, own.values())) / len(own) for name, own in answers.items()}


def _variants(
    models: Mapping[str, Mapping[str, Any]],
    headline: Ratings,
    by_length: Ratings | None,
    origins: Mapping[str, Origin],
) -> dict[str, dict[str, Any]]:
    """Means over the seeds of each variant, best first.

    The interval is over instructions; seed_sd, the spread of the seeds' ratings, is the noise of
    training, and null with one seed.
    """
    groups: dict[str, list[str]] = {}
    for name in headline.names:
        groups.setdefault(origins[name].variant, []).append(name)
    variants = {}
    for variant, names in groups.items():
        estimate = headline.estimate(names)
        ratings = [models[name]["bt"] for name in names]
        shares = [models[name]["win_vs_reference"] for name in names]
        is_measured = all(share is not None for share in shares)
        variants[variant] = {
            "num_seeds": len(names),
            "contestants": names,
            "bt": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "seed_sd": float(np.std(ratings, ddof=1)) if len(names) > 1 else None,
            **_at_equal_length(by_length, names),
            "elo": float(np.mean([models[name]["elo"] for name in names])),
            "win_vs_reference": float(np.mean(shares)) if is_measured else None,
            "num_ratings": sum(models[name]["num_ratings"] for name in names),
            "mean_words": float(np.mean([models[name]["mean_words"] for name in names])),
        }
    return dict(sorted(variants.items(), key=lambda item: -item[1]["bt"]))
