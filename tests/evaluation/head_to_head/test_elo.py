"""The official numbers: as the leaderboard's own elo_analysis.py printed them on the same files."""

from __future__ import annotations

import json
import random
from pathlib import Path

from lynx.evaluation.head_to_head import elo
from lynx.evaluation.head_to_head.battles import without_repeats
from lynx.evaluation.head_to_head.official_files import read_head_to_head
from lynx.evaluation.head_to_head.schedule import REFERENCE
from tests.evaluation.head_to_head.fighting import make_battle

_HERE = Path(__file__).parent
# 3000 battles of `_many_battles`, rated by the leaderboard's script.
_OFFICIAL = {
    "g": 1013.4703667096294,
    "e": 1003.3797389382589,
    "a": 996.2458345904919,
    "b": 994.9406078209308,
    "c": 1006.4438946173422,
    REFERENCE: 990.9119932343617,
    "f": 994.9309388136786,
    "d": 999.6766252753063,
}
_OFFICIAL_WINS = {
    "g": (17, 34), "c": (13, 22), "e": (16, 30), "d": (9, 20), "a": (10, 21), "b": (6, 15),
    "f": (19, 30),
}  # fmt: skip


def test_an_adversarial_file_is_rated_to_the_last_digit_of_the_leaderboards_code(
    tmp_path: Path,
) -> None:
    # Battles of one to four verdicts, repeated keys, names with quotes, a model without ratings.
    outcome = json.loads((_HERE / "official_outcome.json").read_text())
    battles = read_head_to_head(_HERE / "official_head2head.json")
    fought = elo.outcomes(without_repeats(battles), "official")
    rated = elo.official_elo(fought)
    assert rated == outcome["elo"]
    assert list(rated) == list(outcome["elo"])
    elo.write_leaderboard(
        tmp_path / "board.tsv", elo.leaderboard_rows(fought, category="Single Image")
    )
    assert (tmp_path / "board.tsv").read_text().split("\n")[:-1] == outcome["leaderboard"]


def test_three_thousand_battles_are_rated_as_the_leaderboard_does() -> None:
    fought = elo.outcomes(_many_battles(), "official")
    assert elo.official_elo(fought) == _OFFICIAL
    wins = elo.reference_wins(fought)
    assert {name: (won.wins, won.n) for name, won in wins.items()} == _OFFICIAL_WINS
    assert elo.num_matches(fought)[REFERENCE] == 781


def test_the_order_of_battles_moves_online_elo_and_the_sensitivity_says_how_much() -> None:
    fought = elo.outcomes(_many_battles()[:1000], "official")
    assert elo.online_elo(fought) != elo.online_elo(fought[::-1])
    sensitivity = elo.shuffle_sensitivity(fought, num_shuffles=20)
    assert set(sensitivity) == set(_OFFICIAL)
    assert all(0.5 < one.sd < 30 for one in sensitivity.values())
    assert any(one.best_rank < one.worst_rank for one in sensitivity.values())
    assert sensitivity == elo.shuffle_sensitivity(fought, num_shuffles=20)
    assert sensitivity != elo.shuffle_sensitivity(fought, num_shuffles=20, seed=1)


def test_ties_with_the_reference_are_in_neither_count() -> None:
    battles = [
        make_battle("m", REFERENCE, "a", "a", number=0),
        make_battle(REFERENCE, "m", "a", "a", number=1),
        make_battle(REFERENCE, "m", "a", "b", number=2),
        make_battle(REFERENCE, "n", "tie", "tie", number=3),
    ]
    wins = elo.reference_wins(elo.outcomes(battles, "official"))
    assert (wins["m"].wins, wins["m"].losses, wins["m"].share) == (1, 1, 0.5)
    assert (wins["n"].n, wins["n"].share) == (0, None)


def _many_battles() -> list:
    rng = random.Random(7)
    names = [REFERENCE, *"abcdefg"]
    battles = []
    for number in range(3000):
        one, other = rng.sample(names, 2)
        said = {one: "a", other: "b", "tie": "tie"}
        verdicts = [said[rng.choice([one, other, "tie"])] for _ in range(2)]
        battles.append(make_battle(one, other, *verdicts, number=number))
    return battles
