"""What is rated is gathered from evaluated runs and published files, about the same questions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lynx.config.compose import compose, config_dict, config_text, load_config
from lynx.config.errors import LynxError
from lynx.evaluation.padding import padded
from lynx.evaluation.people.gathering import model_name, parse_named_files, sheet_of
from lynx.evaluation.questions import Question, content_name
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.tracking.run_dir import RunDir
from lynx.world.benchmarks.owleval import draw


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return [Question(index=index, **row) for index, row in enumerate(draw())]


def write_run(root: Path, seed: int, questions: list[Question], *, padding: int = 8) -> Path:
    """A run whose answers to OwlEval are its seed and the question's id."""
    config = compose(scale="desk", seed=seed, overrides=[f"data.cache_dir={root / 'cache'}"])
    run_dir = RunDir(root / "desk" / "lynx" / f"seed{seed}")
    run_dir.path.mkdir(parents=True)
    run_dir.config_path.write_text(config_text(config), "utf-8")
    files = ResultFiles(run_dir.eval_dir("owleval"))
    files.begin({"key": "k"})
    files.finish(
        Prediction(
            id=q.id, category=q.category, question=q.question, answer=q.answer, prompt=q.question,
            picture=content_name([padded(image, padding) for image in q.images]),
            prediction=f"{seed} says {q.id}", image_name=q.image_name, dialogue=q.dialogue,
        )
        for q in questions
    )  # fmt: skip
    return run_dir.path


def test_runs_and_files_are_put_side_by_side(tmp_path: Path, questions: list[Question]) -> None:
    runs = [write_run(tmp_path, seed, questions) for seed in (0, 1)]
    file = tmp_path / "blip2.jsonl"
    rows = [{"question_id": 1, "answer": "a street"}, {"question_id": 2, "answer": "无法回溯"}]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    sheet = sheet_of("owleval", runs, {"BLIP2": file}, scale="desk")
    assert sheet.models == ("lynx/seed0", "lynx/seed1", "BLIP2")
    assert len(sheet.items) == 82 and len(sheet.pictures) == 50
    assert sheet.items[0].answers == {
        "lynx/seed0": "0 says 1", "lynx/seed1": "1 says 1", "BLIP2": "a street",
    }  # fmt: skip
    assert len(sheet.unanswered("BLIP2")) == 81
    # Raters see pictures as they are, not with the edges that models see.
    assert sheet.pictures[sheet.items[0].picture] == questions[0].images[0]


def test_answers_to_other_questions_or_pictures_are_refused(
    tmp_path: Path, questions: list[Question]
) -> None:
    good = write_run(tmp_path, 0, questions)
    other = [replace(questions[0], question="what else?"), *questions[1:]]
    reworded = write_run(tmp_path, 1, other)
    repainted = write_run(tmp_path, 2, questions, padding=3)
    for run in (reworded, repainted):
        with pytest.raises(LynxError, match="question 1 is not the one of owleval"):
            sheet_of("owleval", [good, run], {}, scale="desk")


def test_a_run_without_answers_and_a_folder_that_is_no_run_are_told(
    tmp_path: Path, questions: list[Question]
) -> None:
    run = write_run(tmp_path, 0, questions)
    with pytest.raises(LynxError, match="would both be called lynx/seed0"):
        sheet_of("owleval", [run, run], {}, scale="desk")
    with pytest.raises(LynxError, match="is no run's folder"):
        sheet_of("owleval", [run, tmp_path], {}, scale="desk")
    with pytest.raises(LynxError, match="no benchmark 'owlevil'"):
        sheet_of("owlevil", [run], {}, scale="desk")
    ResultFiles(RunDir(run).eval_dir("owleval")).predictions_path.unlink()
    with pytest.raises(LynxError, match="run 'lynx evaluate' on that run first"):
        sheet_of("owleval", [run], {}, scale="desk")


def test_a_run_is_called_by_its_variant_and_seed(tmp_path: Path) -> None:
    assert model_name(tmp_path / "desk" / "llama" / "seed2") == "llama/seed2"


def test_files_of_answers_are_named_once_each() -> None:
    assert parse_named_files(["a=x.jsonl", "b = y=z.jsonl"]) == {
        "a": Path("x.jsonl"), "b": Path("y=z.jsonl"),
    }  # fmt: skip
    for texts in (["x.jsonl"], ["=x.jsonl"], ["a="]):
        with pytest.raises(LynxError, match="NAME=FILE is right"):
            parse_named_files(texts)
    with pytest.raises(LynxError, match="two files are called a"):
        parse_named_files(["a=x", "a=y"])


def test_other_models_are_rated_beside_ours(tmp_path: Path, questions: list[Question]) -> None:
    ours = write_run(tmp_path, 0, questions)
    theirs = write_run(tmp_path, 1, questions)
    config = load_config(theirs / "config.yaml")
    record = {
        "kind": "imported", "baseline": {"name": "blip2"}, "scale": "desk", "seed": 1,
        "evaluation": config_dict(config)["evaluation"],
    }  # fmt: skip
    (theirs / "baseline.yaml").write_text(yaml.safe_dump(record))
    (theirs / "config.yaml").unlink()
    for runs in ([ours, theirs], [theirs, ours]):
        sheet = sheet_of("owleval", runs, {}, scale="desk")
        assert set(sheet.models) == {"lynx/seed0", "lynx/seed1"} and len(sheet.items) == 82
