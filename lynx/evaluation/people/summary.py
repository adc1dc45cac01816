"""The ratings of a store as text: who has rated, mean scores, wins, agreement."""

from __future__ import annotations

from itertools import combinations

from lynx.evaluation.people.agreement import Agreement, agreement, agreement_of_pairs
from lynx.evaluation.people.ratings import Ratings, ratings_of
from lynx.evaluation.people.statistics import Wins, mean_scores, wins, wins_by_rater
from lynx.evaluation.people.store import RatingStore
from lynx.evaluation.statistics import Interval


def summary_text(store: RatingStore) -> str:
    """Everything that is known, in lines of at most 110 characters where names are short."""
    ratings = ratings_of(store)
    return "\n\n".join(
        "\n".join(part)
        for part in (
            _who(store, ratings), _means(ratings), _all_wins(ratings), _agreement(ratings)
        )
        if part
    )  # fmt: skip


def progress_text(store: RatingStore) -> str:
    """How far each rater is, without any score."""
    return "\n".join(_raters(store, ratings_of(store)))


def _who(store: RatingStore, ratings: Ratings) -> list[str]:
    sheet, rules = store.sheet, store.rules
    lines = [
        f"{sheet.benchmark}: people's ratings of {len(sheet.models)} models, "
        f"{len(sheet.items)} questions about {len(sheet.pictures)} pictures ({store.path})",
        f"rules: at most {rules.max_equal} answers equal, at most {rules.max_ties} ties of a rater",
    ]
    for model in sheet.models:
        if missing := sheet.unanswered(model):
            lines.append(f"{model}: no answer to {len(missing)} questions, not rated there")
    if num_shared := sum(len(item.groups) < len(item.answers) for item in sheet.items):
        lines.append(
            f"{num_shared} questions have models with the same words: one score, and no tie"
        )
    lines += _raters(store, ratings)
    if ratings.num_unfinished:
        lines.append(f"{ratings.num_unfinished} questions are begun and left out below")
    return lines


def _raters(store: RatingStore, ratings: Ratings) -> list[str]:
    lines = [
        f"rater {rater}: {len(ratings.scores.get(rater, {}))} of {len(store.sheet.items)} "
        f"questions, ties: {store.num_ties_of(rater)}"
        for rater in store.raters()
    ]
    return lines or ["nobody has rated yet"]


def _means(ratings: Ratings) -> list[str]:
    if not ratings.raters:
        return []
    width = max(map(len, ratings.models))
    lines = [f"{'mean score':<{width}}  1 to 5  [95 %]         n"]
    for one in mean_scores(ratings):
        mean = "-" if one.mean is None else f"{one.mean:.2f}"
        interval = f"{_range(one.interval, '.2f'):<12}"
        lines.append(f"{one.model:<{width}}  {mean:>6}  {interval}{one.num_questions:>4}")
    return [
        *lines,
        "n: questions, pooled over raters; interval: other questions about other pictures, not",
        "other raters. Scores rank answers within this set and can't be compared with other sets.",
    ]


def _all_wins(ratings: Ratings) -> list[str]:
    if not ratings.raters:
        return []
    pairs = list(combinations(ratings.models, 2))
    rows: list[tuple[str, ...]] = [
        ("model", "against", "rater", "win/all", "ties", "lost", "p", "verdict")
    ]
    for pair in pairs:
        rows.append(_row(wins(ratings, *pair)))
        if len(ratings.raters) > 1:
            rows += [_row(one) for one in wins_by_rater(ratings, *pair)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    note = "p: exact sign test without ties"
    if len(pairs) > 1:
        note += f"; {len(pairs)} pairs were tested, and p holds no correction for that"
    return [*lines, note]


def _row(one: Wins) -> tuple[str, ...]:
    return (
        one.model, one.other, one.rater or "all", f"{one.num_wins}/{one.num_all}",
        str(one.num_ties), str(one.num_losses), f"{one.p:.2g}", one.verdict,
    )  # fmt: skip


def _agreement(ratings: Ratings) -> list[str]:
    if len(ratings.raters) < 2:
        return ["agreement: one rater, so unknown"] if ratings.raters else []
    lines = ["agreement of raters"]
    each = agreement_of_pairs(ratings) if len(ratings.raters) > 2 else []
    for one in [agreement(ratings), *each]:
        lines.append(f"  {' and '.join(one.raters)}: {_agreement_text(one)}")
    return [*lines, "alpha: Krippendorff's, for ordered scores; 1 is perfect, 0 as by chance"]


def _agreement_text(one: Agreement) -> str:
    if one.equal_share is None:
        return "no answer that both have scored"
    alpha = "undefined" if one.alpha is None else f"{one.alpha:.2f}"
    return (
        f"alpha {alpha} {_range(one.alpha_interval, '.2f')}".rstrip() + ", equal scores "
        f"{100 * one.equal_share:.0f} % of {one.num_answers} answers"
    )


def _range(interval: Interval | None, form: str) -> str:
    return "" if interval is None else f"[{interval.low:{form}}, {interval.high:{form}}]"
