"""Has runs and other models fight each other on a benchmark, and writes battles and ratings."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.comparing.joining import differing_keys
from lynx.evaluation.head_to_head import bradley_terry, elo
from lynx.evaluation.head_to_head.battles import Battle, TieRule, fight, without_repeats
from lynx.evaluation.head_to_head.contestants import (
    Contestant,
    from_file,
    from_run,
    instructions_of,
    reference,
)
from lynx.evaluation.head_to_head.official_files import read_head_to_head, write_head_to_head
from lynx.evaluation.head_to_head.pair_judges import PairJudge
from lynx.evaluation.head_to_head.ratings import rate
from lynx.evaluation.head_to_head.schedule import Schedule, pairings
from lynx.evaluation.questions import Question
from lynx.tracking.files import locked, write_json_atomic, write_text_atomic
from lynx.tracking.run_dir import RunDir

BATTLES = "battles.jsonl"
RATINGS = "ratings.json"
HEAD_TO_HEAD = "head2head.json"  # for the leaderboard's own code
LEADERBOARD = "leaderboard.tsv"


def results_dir(runs: Sequence[RunDir], benchmark: str) -> Path:
    """`runs/<scale>/head_to_head/<benchmark>`, where the runs lie in `runs/<scale>/`."""
    roots = {run.path.absolute().parents[1] for run in runs}
    if len(roots) != 1:
        raise LynxError(
            "the runs are not of one scale (one folder runs/<scale>): say where to write with --out"
        )
    return roots.pop() / "head_to_head" / benchmark


def head_to_head(
    benchmark: str,
    runs: Sequence[RunDir],
    *,
    questions: Sequence[Question],
    judge: PairJudge,
    out_dir: Path,
    answers: Mapping[str, Path] | None = None,
    form: str = "visit_bench",
    with_reference: bool = True,
    tie_rule: TieRule = "official",
    schedule: Schedule = "all-pairs",
    originals: Collection[str] = (),
    seed: int = 0,
    num_resamples: int = bradley_terry.NUM_RESAMPLES,
    num_shuffles: int = elo.NUM_SHUFFLES,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Judge the schedule's pairs in both orders; write and return what ratings.json holds.

    questions: the benchmark's, of which every run must have answered the same ones. answers: other
    models' files by name, in the benchmark's published `form`. with_reference: let the reference
    answers fight as well, where there are any. originals: see `schedule.official_schedule`. say: is
    told of what does not match. Raises LynxError where there are fewer than two contestants.
    """
    contestants = _gathered(benchmark, runs, questions, answers or {}, form, with_reference)
    by_model = {one.name: one.answers for one in contestants}
    instructions = instructions_of(questions)
    for one in contestants:
        if one.source.get("unmatched"):
            say(f"warning: {one.source['unmatched']}")
    order = [question.id for question in questions]
    paired = pairings(by_model, order, schedule=schedule, seed=seed, originals=originals)
    if not paired:
        raise LynxError("no two contestants have answered the same question")
    with locked(out_dir / ".lock", waiting=say):
        battles = fight(paired, by_model, instructions, judge)
        rated = rate(
            battles,
            tie_rule=tie_rule,
            origins={one.name: one.origin for one in contestants},
            seed=seed,
            num_resamples=num_resamples,
            num_shuffles=num_shuffles,
        )
        ratings = {
            "benchmark": benchmark,
            "judge": judge.name,
            "schedule": schedule,
            "originals": sorted(originals),
            **rated,
            "seeds": {"schedule": seed, **rated["seeds"]},
            "sources": {one.name: one.source for one in contestants},
            "protocol_differences": differing_keys([c.protocol for c in contestants if c.protocol]),
        }
        _write(out_dir, battles, ratings, sees_reference=judge.sees_reference)
    return ratings


def rate_file(
    path: Path,
    *,
    out_dir: Path,
    tie_rule: TieRule = "official",
    seed: int = 0,
    num_resamples: int = bradley_terry.NUM_RESAMPLES,
    num_shuffles: int = elo.NUM_SHUFFLES,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Rate judgements that somebody else has made: a file in the leaderboard's form."""
    battles = read_head_to_head(path)
    if not battles:
        raise LynxError(f"{path} holds no battles")
    rated = rate(
        battles, tie_rule=tie_rule, seed=seed, num_resamples=num_resamples,
        num_shuffles=num_shuffles,
    )  # fmt: skip
    rows = json.loads(path.read_text("utf-8-sig"))
    engines = {str(row.get("engine") or "unknown") for row in rows}
    ratings = {
        "benchmark": "visit_bench",
        "judge": " and ".join(sorted(engines)),
        "schedule": "as in the file",
        **rated,
        "sources": {"judgements": str(path)},
    }
    is_shown = any(row.get("evaluated_with_reference") is True for row in rows)
    with locked(out_dir / ".lock", waiting=say):
        _write(out_dir, battles, ratings, sees_reference=is_shown)
    return ratings


def _gathered(
    benchmark: str,
    runs: Sequence[RunDir],
    questions: Sequence[Question],
    answers: Mapping[str, Path],
    form: str,
    with_reference: bool,
) -> list[Contestant]:
    by_id = {question.id: question for question in questions}
    fighting = [from_run(run, benchmark, by_id) for run in runs]
    for one in fighting[1:]:
        if one.answers.keys() != fighting[0].answers.keys():
            raise LynxError(
                f"{one.source['folder']} holds {len(one.answers)} questions, "
                f"{fighting[0].source['folder']} {len(fighting[0].answers)}, and not the same ones:"
                " evaluate both runs with one evaluation.benchmarks.*.num_questions_per_class"
            )
    asked = [q for q in questions if not fighting or q.id in fighting[0].answers]
    fighting += [from_file(name, path, asked, form=form) for name, path in answers.items()]
    referenced = reference(asked) if with_reference else None
    if referenced is not None:
        fighting.append(referenced)
    names = [one.name for one in fighting]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LynxError(f"two contestants are called {' and '.join(twice)}")
    if len(fighting) < 2:
        raise LynxError(f"{benchmark}: two contestants are needed, there is only {names}")
    return fighting


def _write(
    out_dir: Path, battles: Sequence[Battle], ratings: Mapping[str, Any], *, sees_reference: bool
) -> None:
    """The ratings last: they stand for completeness."""
    (out_dir / RATINGS).unlink(missing_ok=True)
    rows = [json.dumps(battle.as_row(), ensure_ascii=False) + "\n" for battle in battles]
    write_text_atomic(out_dir / BATTLES, "".join(rows))
    write_head_to_head(
        out_dir / HEAD_TO_HEAD, battles, engine=str(ratings["judge"]), sees_reference=sees_reference
    )
    fought = elo.outcomes(without_repeats(battles), ratings["tie_rule"])
    elo.write_leaderboard(
        out_dir / LEADERBOARD, elo.leaderboard_rows(fought, category=str(ratings["benchmark"]))
    )
    write_json_atomic(out_dir / RATINGS, ratings)
