"""Runs, other models and the reference against each other: files, refusals, seeds, the command."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from lynx.cli.head_to_head import head_to_head as command
from lynx.config.errors import LynxError
from lynx.evaluation.head_to_head.overlap_rule import OverlapRule
from lynx.evaluation.head_to_head.run import head_to_head, rate_file, results_dir
from lynx.evaluation.head_to_head.schedule import REFERENCE
from lynx.evaluation.questions import Question
from lynx.reporting.comparison_battles import ratings_text
from lynx.reporting.text import WIDTH
from tests.evaluation.head_to_head.fighting import (
    ToldJudge,
    longer,
    make_question,
    make_run,
    write_answers,
    write_desk_run,
)

_QUESTIONS = [make_question(number) for number in range(12)]


def _fight(tmp_path: Path, *runs: Any, judge: Any = None, **options: Any) -> dict[str, Any]:
    return head_to_head(
        "visit_bench", runs, questions=_QUESTIONS, judge=judge or ToldJudge(longer),
        out_dir=tmp_path / "out", num_resamples=20, num_shuffles=5, **options,
    )  # fmt: skip


def _run(tmp_path: Path, variant: str, text: str, *, seed: int = 0) -> Any:
    run = make_run(tmp_path, variant, seed)
    write_answers(run, _QUESTIONS, lambda question: text)
    return run


def test_runs_and_the_reference_fight_on_every_question(tmp_path: Path) -> None:
    base, other = _run(tmp_path, "lynx", "one two three " * 9), _run(tmp_path, "low", "one")
    ratings = _fight(tmp_path, base, other)
    assert list(ratings["models"]) == ["lynx/seed0", REFERENCE, "low/seed0"]
    best = ratings["models"]["lynx/seed0"]
    assert (best["num_wins"], best["num_losses"], best["num_ties"]) == (24, 0, 0)
    assert (best["win_vs_reference"], best["num_ratings"], best["rank"]) == (1.0, 12, 1)
    assert best["mean_words"] == 27
    assert ratings["judging"]["num_battles"] == 36
    assert ratings["judge"] == "told" and ratings["schedule"] == "all-pairs"
    predictions = base.eval_dir("visit_bench") / "predictions.jsonl"
    assert ratings["sources"]["lynx/seed0"]["sha256"] == (
        hashlib.sha256(predictions.read_bytes()).hexdigest()
    )
    assert ratings["sources"]["lynx/seed0"]["protocol"] == "key of seed0"


def test_the_files_hold_what_was_returned_and_rate_to_the_same(tmp_path: Path) -> None:
    runs = _run(tmp_path, "lynx", "one two three"), _run(tmp_path, "low", "one")
    ratings = _fight(tmp_path, *runs)
    out = tmp_path / "out"
    assert json.loads((out / "ratings.json").read_text()) == ratings
    assert len((out / "battles.jsonl").read_text().splitlines()) == 36
    again = rate_file(
        out / "head2head.json", out_dir=tmp_path / "again", num_resamples=20, num_shuffles=5
    )
    assert again["judge"] == "told"
    for name, row in ratings["models"].items():
        for key in ("elo", "bt", "num_wins", "num_matches", "win_vs_reference", "mean_words"):
            assert again["models"][name][key] == row[key], (name, key)
    board = (out / "leaderboard.tsv").read_text().splitlines()
    assert board[0].split("\t")[2] == "Elo"
    assert len(board) == 4
    assert board == (tmp_path / "again" / "leaderboard.tsv").read_text().splitlines()


def test_seeds_of_a_variant_fight_alone_and_are_reported_together(tmp_path: Path) -> None:
    runs = [
        _run(tmp_path, "lynx", "one two three four five", seed=0),
        _run(tmp_path, "lynx", "one", seed=1),
        _run(tmp_path, "low", "one two three", seed=0),
    ]
    ratings = _fight(tmp_path, *runs, with_reference=False)
    assert len(ratings["models"]) == 3
    pooled = ratings["variants"]["lynx"]
    singles = [ratings["models"][f"lynx/seed{seed}"]["bt"] for seed in (0, 1)]
    assert pooled["num_seeds"] == 2
    assert pooled["bt"] == pytest.approx(sum(singles) / 2)
    assert pooled["seed_sd"] > 100
    assert ratings["variants"]["low"]["seed_sd"] is None
    text = ratings_text(ratings)
    assert "sd of seeds" in text and "training noise unknown: low" in text


def test_runs_that_answered_other_questions_are_refused(tmp_path: Path) -> None:
    base, other = _run(tmp_path, "lynx", "one"), make_run(tmp_path, "low")
    write_answers(other, _QUESTIONS[:6], lambda question: "one")
    with pytest.raises(LynxError, match=r"6 questions.*12, and not the same ones"):
        _fight(tmp_path, base, other)
    changed = [make_question(n, answer="another reference") for n in range(12)]
    write_answers(other, changed, lambda question: "one")
    with pytest.raises(LynxError, match="'q0' is another one"):
        _fight(tmp_path, base, other)
    write_answers(other, [make_question(99)], lambda question: "one")
    with pytest.raises(LynxError, match="'q99' is none of this benchmark's"):
        _fight(tmp_path, base, other)
    with pytest.raises(LynxError, match="lynx evaluate"):
        _fight(tmp_path, base, make_run(tmp_path, "never_asked"))
    assert not (tmp_path / "out").exists()


def test_runs_of_another_protocol_are_told_apart(tmp_path: Path) -> None:
    runs = _run(tmp_path, "lynx", "one"), _run(tmp_path, "low", "one two")
    path = runs[1].eval_dir("visit_bench") / "protocol.json"
    told = {"key": "other", "plug_and_play": "video_description", "seed": 4, "code": "newer"}
    path.write_text(json.dumps(told))
    ratings = _fight(tmp_path, *runs)
    assert ratings["protocol_differences"] == ["plug_and_play"]
    assert "asked differently in: plug_and_play" in ratings_text(ratings)


def test_other_models_fight_from_a_submission_and_what_does_not_match_is_told(
    tmp_path: Path,
) -> None:
    path = _submission(tmp_path / "otter.csv", _QUESTIONS[:10], changed=_QUESTIONS[10])
    said: list[str] = []
    ratings = _fight(
        tmp_path, _run(tmp_path, "lynx", "one"), answers={"otter": path}, say=said.append
    )
    assert ratings["models"]["otter"]["num_matches"] == 20  # with the run, and with the reference
    assert "10 of 12 questions answered; 1 of 11 rows name no question" in said[0]
    assert "'what is thing 10?'" in said[0] and "what is thing 10’" in said[0]
    assert ratings["sources"]["otter"]["unmatched"] == said[0].removeprefix("warning: ")


def test_a_file_that_answers_nothing_here_is_refused(tmp_path: Path) -> None:
    path = _submission(tmp_path / "otter.csv", [make_question(77)])
    with pytest.raises(LynxError, match="no row answers a question"):
        _fight(tmp_path, _run(tmp_path, "lynx", "one"), answers={"otter": path})


def test_names_must_differ_and_one_contestant_is_too_few(tmp_path: Path) -> None:
    run = _run(tmp_path, "lynx", "one")
    with pytest.raises(LynxError, match="two contestants are called lynx/seed0"):
        _fight(tmp_path, run, run)
    with pytest.raises(LynxError, match="two contestants are needed"):
        _fight(tmp_path, run, with_reference=False)
    path = _submission(tmp_path / "otter.csv", _QUESTIONS)
    with pytest.raises(LynxError, match="reference answers' own"):
        _fight(tmp_path, run, answers={REFERENCE: path})


def test_a_judge_that_fails_leaves_no_ratings(tmp_path: Path) -> None:
    def fail(claim: Any) -> Any:
        raise LynxError("the server is gone")

    with pytest.raises(LynxError, match="the server is gone"):
        _fight(tmp_path, _run(tmp_path, "lynx", "one"), judge=ToldJudge(fail))
    assert not (tmp_path / "out" / "ratings.json").exists()


def test_unparseable_replies_stand_in_the_ratings_and_in_the_text(tmp_path: Path) -> None:
    judge = ToldJudge(lambda claim: None)
    ratings = _fight(tmp_path, _run(tmp_path, "lynx", "one"), judge=judge)
    assert ratings["judging"]["num_unparseable_verdicts"] == 24
    text = " ".join(ratings_text(ratings).split())
    assert "24 of 24 replies were no verdict and count as ties" in text
    assert ratings["models"]["lynx/seed0"]["win_vs_reference"] is None


def test_results_lie_beside_the_runs_of_their_scale(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, "lynx"), make_run(tmp_path, "low", 2)]
    assert results_dir(runs, "visit_bench") == tmp_path / "desk" / "head_to_head" / "visit_bench"
    with pytest.raises(LynxError, match="--out"):
        results_dir([*runs, make_run(tmp_path / "elsewhere", "lynx")], "visit_bench")


def test_the_command_rates_desk_runs_by_the_string_rule(tmp_path: Path) -> None:
    runs = [
        write_desk_run(tmp_path, "lynx", lambda question: question.answer),
        write_desk_run(tmp_path, "low", lambda question: "a boat."),
    ]
    said = _invoke("visit_bench", *(str(run.path) for run in runs))
    assert said.exit_code == 0, said.output
    assert "judge: rule:overlap:v1 (a string rule, not a language model)" in said.output
    ratings = json.loads(
        (tmp_path / "desk" / "head_to_head" / "visit_bench" / "ratings.json").read_text()
    )
    assert ratings["judge"] == OverlapRule.name
    assert ratings["num_instructions"] == 60
    assert list(ratings["models"])[-1] == "low/seed0"
    assert ratings["models"]["low/seed0"]["num_wins"] == 0
    # The reference's own words: against it every battle is a tie.
    assert ratings["models"]["lynx/seed0"]["num_ties"] == 60


def test_runs_that_are_older_than_the_benchmark_fight_by_todays_settings(tmp_path: Path) -> None:
    runs = [
        write_desk_run(tmp_path, "lynx", lambda question: question.answer),
        write_desk_run(tmp_path, "low", lambda question: "a boat."),
    ]
    old = yaml.safe_load(runs[0].config_path.read_text())
    del old["evaluation"]["benchmarks"]["visit_bench"]
    runs[0].config_path.write_text(yaml.safe_dump(old))
    runs[1].config_path.unlink()  # as of another model's run
    said = _invoke("visit_bench", *(str(run.path) for run in runs), "--no-reference")
    assert said.exit_code == 0, said.output
    assert "60 instructions, 60 battles" in said.output


def test_ratings_fit_a_terminal(tmp_path: Path) -> None:
    names = ("no_diverse_prompts", "a_variant_with_a_name_of_forty_letters_xx")
    runs = [_run(tmp_path, name, "one two" * n, seed=n) for name in names for n in (1, 2)]
    text = ratings_text(_fight(tmp_path, *runs))
    assert max(map(len, text.split("\n"))) <= WIDTH
    assert "training noise unknown" not in text  # the reference has no seeds at all


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["visit"], "nearest is `visit_bench`"),
        (["visit_bench", "--tie-rule", "mine"], "official or readme"),
        (["visit_bench", "--schedule", "some"], "all-pairs or official"),
        (["visit_bench", "--answers", "otter.csv"], "NAME=FILE"),
        (["visit_bench", "--judgements", "h.json"], "--judgements needs --out"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_in_one_sentence(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    run = write_desk_run(tmp_path, "lynx", lambda question: "one")
    said = _invoke(arguments[0], str(run.path), *arguments[1:])
    assert isinstance(said.exception, LynxError)
    assert told in str(said.exception)


def test_judgements_of_others_are_rated_by_the_command(tmp_path: Path) -> None:
    out = tmp_path / "rated"
    path = Path(__file__).parent / "official_head2head.json"
    said = _invoke("visit_bench", "--judgements", str(path), "--out", str(out))
    assert said.exit_code == 0, said.output
    official = json.loads((path.parent / "official_outcome.json").read_text())
    rated = json.loads((out / "ratings.json").read_text())
    assert {name: row["elo"] for name, row in rated["models"].items()} == official["elo"]
    assert rated["judge"] == "gpt-4"
    assert (out / "leaderboard.tsv").read_text().splitlines()[1:] == [
        line.replace("Single Image", "visit_bench") for line in official["leaderboard"][1:]
    ]


def _invoke(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments))


def _submission(path: Path, questions: list[Question], changed: Question | None = None) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["instruction", "instruction_category", "image", "otter prediction"])
        for q in questions:
            writer.writerow([q.question, q.category, q.image_name, f"it is {q.id}"])
        if changed is not None:
            text = changed.question.replace("?", "’")
            writer.writerow([text, changed.category, changed.image_name, "lost"])
    return path
