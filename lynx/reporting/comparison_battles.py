"""Prints the ratings of models that fought each other, as a table for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from lynx.reporting.cells import fitted
from lynx.reporting.text import WIDTH, shortened

_HEADER = (
    "", "rating [95 %]", "rank", "at equal length", "Elo", "sd", "ranks", "battles",
    "beats reference", "words",
)  # fmt: skip
_NAME_WIDTH = 26


def ratings_text(ratings: Mapping[str, Any]) -> str:
    """What was judged and how, a row per contestant, and one per variant with several seeds."""
    rows = [_HEADER] + [_row(name, row) for name, row in ratings["models"].items()]
    lines = [*_wrapped(_about(ratings)), "", fitted(rows)]
    seeds = {n: v for n, v in ratings["variants"].items() if v["num_seeds"] > 1}
    if seeds:
        singles = [
            name
            for name, row in ratings["variants"].items()
            if row["num_seeds"] == 1
            and ratings["models"][row["contestants"][0]]["seed"] is not None
        ]  # what is no run of ours has no seeds
        header = ("variant", "rating [95 %]", "seeds", "sd of seeds", "beats reference", "words")
        both = [header] + [_variant_row(n, v) for n, v in ratings["variants"].items()]
        lines += ["", fitted(both)]
        if singles:
            lines += _wrapped([f"one seed, training noise unknown: {', '.join(singles)}"])
    return "\n".join([*lines, "", *_wrapped(_notes(ratings))])


def _about(ratings: Mapping[str, Any]) -> list[str]:
    judge = str(ratings["judge"])
    note = " (a string rule, not a language model)" if judge.startswith("rule:") else ""
    judging = ratings["judging"]
    first, orders = judging["first_shown"], judging["orders_disagree"]
    share = "-" if first["share"] is None else f"{100 * first['share']:.1f} %"
    return [
        f"{ratings['benchmark']}: {ratings['num_instructions']} instructions, "
        f"{judging['num_battles']} battles in both orders, schedule {ratings['schedule']}",
        f"judge: {judge}{note}; tie rule: {ratings['tie_rule']}; {judging['num_ties']} ties",
        f"the answer shown first won {share} of {first['n']} decided verdicts (50 %: no preference "
        f"for a place); the orders disagree in {orders['num']} of {orders['n']} battles; "
        f"{judging['num_unparseable_verdicts']} of {judging['num_verdicts']} replies were no "
        "verdict and count as ties",
    ]


def _row(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    level = row["bt_at_equal_length"]
    shuffled = row["elo_shuffled"]
    return (
        shortened(name, _NAME_WIDTH),
        _interval(row),
        str(row["rank"]),
        "-" if level is None else f"{level['value']:.0f} [{level['low']:.0f}, {level['high']:.0f}]",
        f"{row['elo']:.0f}",
        f"{shuffled['sd']:.1f}",
        f"{shuffled['best_rank']}-{shuffled['worst_rank']}",
        str(row["num_matches"]),
        _share(row),
        f"{row['mean_words']:.1f}",
    )


def _variant_row(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    spread = "-" if row["seed_sd"] is None else f"{row['seed_sd']:.1f}"
    words = f"{row['mean_words']:.1f}"
    short = shortened(name, _NAME_WIDTH)
    return short, _interval(row), str(row["num_seeds"]), spread, _share(row), words


def _interval(row: Mapping[str, Any]) -> str:
    return f"{row['bt']:.0f} [{row['low']:.0f}, {row['high']:.0f}]"


def _share(row: Mapping[str, Any]) -> str:
    share = row["win_vs_reference"]
    return "-" if share is None else f"{100 * share:.2f} % of {row['num_ratings']}"


def _notes(ratings: Mapping[str, Any]) -> list[str]:
    notes = [
        f"rating: Bradley-Terry, ties half a win for both, mean 1000; interval over "
        f"{ratings['num_resamples']} resamples of the instructions, which holds no training noise.",
        "rank: 1 + the models whose interval lies above this one's. beats reference: of the "
        "battles with it, ties left out.",
        f"Elo: one pass, as on the leaderboard; sd and ranks of it over {ratings['num_shuffles']} "
        "shuffles of the same battles.",
    ]
    effect = ratings["length_effect"]
    if effect is not None:
        notes.append(
            f"an answer twice as long is worth {effect['value']:+.0f} "
            f"[{effect['low']:+.0f}, {effect['high']:+.0f}] points to this judge."
        )
    if not ratings["is_mle"]:
        notes.append(
            "some models have lost every battle against the others (or never met them): their "
            "distance has no largest likelihood, and one invented tie for every model bounds it."
        )
    differences = ratings.get("protocol_differences")
    if differences:
        notes.append(f"the runs were asked differently in: {', '.join(differences)}.")
    return notes


def _wrapped(paragraphs: list[str]) -> list[str]:
    return [line for text in paragraphs for line in textwrap.wrap(text, WIDTH)]
