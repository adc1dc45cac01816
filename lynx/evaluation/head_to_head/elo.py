"""The leaderboard's numbers, to the last digit: online Elo, and wins against the reference.

One pass over the battles in one shuffled order: what a model gets depends on that order, and
`shuffle_sensitivity` says how much. It is kept for comparison with published numbers; the headline
is in `bradley_terry.py`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lynx.config.seeds import stream_key
from lynx.evaluation.head_to_head.battles import Battle, Outcome, TieRule
from lynx.evaluation.head_to_head.schedule import REFERENCE
from lynx.tracking.files import write_text_atomic

K = 4
INITIAL = 1000
BASE = 10
SCALE = 400
OFFICIAL_SEED = 1  # of numpy's global generator, before the one shuffle
NUM_SHUFFLES = 200
_SCORES: dict[Outcome, float] = {"a": 1, "b": 0, "tie": 0.5}

Fought = tuple[str, str, Outcome]


@dataclass(frozen=True)
class Sensitivity:
    """Of one model's Elo, over shuffles of the same battles."""

    sd: float
    best_rank: int
    worst_rank: int


@dataclass(frozen=True)
class ReferenceWins:
    """Against the reference answers; ties are in neither count, as on the leaderboard."""

    wins: int
    losses: int

    @property
    def n(self) -> int:
        """Ratings that count."""
        return self.wins + self.losses

    @property
    def share(self) -> float | None:
        """Wins of all that count; None where there are none."""
        return self.wins / self.n if self.n else None


def outcomes(battles: Sequence[Battle], rule: TieRule) -> list[Fought]:
    """Both models and who won, in the battles' order."""
    return [(battle.model_a, battle.model_b, battle.winner(rule)) for battle in battles]


def official_elo(fought: Sequence[Fought]) -> dict[str, float]:
    """Ratings after the leaderboard's shuffle; models in the order of their first battle in it."""
    return online_elo(_shuffled(fought, OFFICIAL_SEED))


def online_elo(fought: Sequence[Fought]) -> dict[str, float]:
    """Ratings after one pass in the order given."""
    rating: dict[str, float] = {}
    for model_a, model_b, outcome in fought:
        a, b = rating.setdefault(model_a, INITIAL), rating.setdefault(model_b, INITIAL)
        score = _SCORES[outcome]
        # Two expectations, not one and its complement: the last digits are the leaderboard's.
        expected_a = 1 / (1 + BASE ** ((b - a) / SCALE))
        expected_b = 1 / (1 + BASE ** ((a - b) / SCALE))
        rating[model_a] += K * (score - expected_a)
        rating[model_b] += K * (1 - score - expected_b)
    return rating


def shuffle_sensitivity(
    fought: Sequence[Fought], *, num_shuffles: int = NUM_SHUFFLES, seed: int = 0
) -> dict[str, Sensitivity]:
    """How much each rating and rank moves when nothing but the order of the battles changes."""
    runs = [
        online_elo(_shuffled(fought, stream_key(seed, "elo shuffle", i) % 2**32))
        for i in range(num_shuffles)
    ]
    names = list(runs[0]) if runs else []
    table = np.array([[run[name] for name in names] for run in runs])
    ranks = 1 + (table[:, None, :] > table[:, :, None]).sum(axis=2) if names else table
    return {
        name: Sensitivity(
            sd=float(table[:, i].std(ddof=1)) if len(runs) > 1 else 0.0,
            best_rank=int(ranks[:, i].min()),
            worst_rank=int(ranks[:, i].max()),
        )
        for i, name in enumerate(names)
    }


def reference_wins(fought: Sequence[Fought]) -> dict[str, ReferenceWins]:
    """Decided battles against the reference, for every model that has fought it."""
    counts: dict[str, ReferenceWins] = {}
    for model_a, model_b, outcome in fought:
        if REFERENCE not in (model_a, model_b):
            continue
        model = model_b if model_a == REFERENCE else model_a
        before = counts.get(model, ReferenceWins(0, 0))
        if outcome == "tie":
            counts[model] = before
            continue
        is_won = (outcome == "a") == (model == model_a)
        counts[model] = ReferenceWins(before.wins + is_won, before.losses + (not is_won))
    return counts


def num_matches(fought: Sequence[Fought]) -> dict[str, int]:
    """Battles of each model, ties included."""
    counts: dict[str, int] = {}
    for model_a, model_b, _ in fought:
        counts[model_a] = counts.get(model_a, 0) + 1
        counts[model_b] = counts.get(model_b, 0) + 1
    return counts


def leaderboard_rows(fought: Sequence[Fought], *, category: str) -> list[dict[str, str]]:
    """Rows of the leaderboard, best first; cells as its code prints them."""
    ratings, matches, wins = official_elo(fought), num_matches(fought), reference_wins(fought)
    rows = []
    for model in sorted(ratings, key=lambda name: -ratings[name]):
        won = wins.get(model)
        if model == REFERENCE:
            cell = "---"
        elif won is None or won.share is None:
            cell = "TBD! RUN MORE"
        else:
            cell = f"{100 * won.share:.2f}% (n={won.n})"
        rows.append(
            {
                "Category": category,
                "Model": model,
                "Elo": f"{ratings[model]:.0f}",
                "# Matches": str(matches[model]),
                "Win vs. Reference (w/ # ratings)": cell,
            }
        )
    return rows


def write_leaderboard(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the leaderboard as tab-separated values."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), dialect="excel-tab", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text_atomic(path, stream.getvalue())


def _shuffled(fought: Sequence[Fought], seed: int) -> list[Fought]:
    # The legacy generator on a list: other containers are shuffled by other draws.
    order = list(range(len(fought)))
    np.random.RandomState(seed).shuffle(order)
    return [fought[place] for place in order]
