"""A baseline from its YAML file to scores.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lynx.baselines import run as baseline_run
from lynx.baselines.adapters.llava import LlavaAdapter
from lynx.baselines.known import Baseline
from lynx.baselines.record import read_record, record_path
from lynx.baselines.run import evaluate_baseline
from lynx.config.compose import compose
from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.evaluation.results import ResultFiles
from lynx.tracking.run_dir import RunDir
from tests.baselines.conftest import noise
from tests.baselines.published import QUESTIONS, overrides

ONE = ("open_vqa_image",)


def config_of(tmp_path: Path, *more: str) -> Config:
    return compose(overrides=overrides(tmp_path, *more))


def test_a_baseline_leaves_the_files_that_our_own_runs_leave(
    tmp_path: Path, baseline_of: Callable[..., Baseline]
) -> None:
    config, baseline = config_of(tmp_path), baseline_of("llava")
    run_dir, scores = evaluate_baseline(baseline, config, benchmarks=ONE)
    assert run_dir.path.name == "seed0"
    assert run_dir.path.parent.name.partition("+")[0] == "llava_1_5"
    assert run_dir.path.parents[1] == tmp_path / "desk"
    files = ResultFiles(run_dir.eval_dir("open_vqa_image"))
    predictions = files.predictions()
    assert [p.id for p in predictions] == ["11", "12", "13", "14"]
    assert [p.prompt for p in predictions] == [question for _, question, _ in QUESTIONS]
    assert all(p.num_tokens for p in predictions)
    score = scores["open_vqa_image"].overall
    assert score is not None and score.n == 4 and set(score.without_vision) == {"swapped"}
    assert json.loads(files.scores_path.read_text())["overall"]["n"] == 4
    protocol = files.protocol()
    assert protocol is not None
    assert (
        protocol["decoding"]["row"] == "open_vqa_image" and protocol["decoding"]["num_beams"] == 5
    )
    assert protocol["baseline"]["template"]["prompt"] == "USER: {picture}{prompt} ASSISTANT:"
    assert protocol["decoder"].startswith("transformers ")
    assert ResultFiles(run_dir.eval_dir("open_vqa_image", "swapped")).scores() is not None
    assert read_record(run_dir) == ("baseline", baseline)
    assert yaml.safe_load(record_path(run_dir).read_text())["seed"] == 0
    manifest = json.loads(run_dir.manifest_path.read_text())
    assert manifest["fingerprints"]["baseline"] == protocol["checkpoint"]


def test_what_was_answered_is_not_asked_again(
    tmp_path: Path, baseline_of: Callable[..., Baseline], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, baseline = config_of(tmp_path, "evaluation.without_vision=[]"), baseline_of("llava")
    first = evaluate_baseline(baseline, config, benchmarks=ONE)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was loaded again")

    monkeypatch.setattr(baseline_run, "load_adapter", refuse)
    assert evaluate_baseline(baseline, config, benchmarks=ONE) == first


def test_a_description_comes_first_with_plug_and_play(
    tmp_path: Path, baseline_of: Callable[..., Baseline]
) -> None:
    config = config_of(
        tmp_path, "evaluation.without_vision=[]",
        "evaluation.benchmarks.open_vqa_image.plug_and_play=true",
    )  # fmt: skip
    run_dir, _ = evaluate_baseline(baseline_of("instructblip"), config, benchmarks=ONE)
    predictions = ResultFiles(run_dir.eval_dir("open_vqa_image")).predictions()
    assert all(isinstance(p.description, str) for p in predictions)


def test_later_questions_of_a_dialogue_see_the_earlier_ones(
    tmp_path: Path, baseline_of: Callable[..., Baseline], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owleval" / "cases").mkdir(parents=True)
    (tmp_path / "owleval" / "cases" / "1.jpg").write_bytes(noise(1))
    rows = [
        {"image": "1.jpg", "question_id": number, "question": text, "ability": "a",
         "category": ["multi_turn"]}
        for number, text in ((1, "what is it?"), (2, "what color is it?"))
    ]  # fmt: skip
    path = tmp_path / "owleval" / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked: list[Any] = []
    encode = LlavaAdapter.encode

    def noting(adapter: LlavaAdapter, turns: Any, pictures: Any) -> Any:
        asked.append((list(turns), pictures[0].size))
        return encode(adapter, turns, pictures)

    monkeypatch.setattr(LlavaAdapter, "encode", noting)
    config = config_of(
        tmp_path, f"evaluation.benchmarks.owleval.questions={path}",
        "evaluation.generation.owleval.max_new_tokens=4",
    )  # fmt: skip
    run_dir, scores = evaluate_baseline(baseline_of("llava"), config, benchmarks=["owleval"])
    first = ResultFiles(run_dir.eval_dir("owleval")).predictions()[0].prediction
    assert asked == [
        ([("what is it?", None)], (36, 46)),  # 20 x 30 pixels and 8 at every side
        ([("what is it?", first), ("what color is it?", None)], (36, 46)),
    ]
    assert scores["owleval"].overall is None and scores["owleval"].lengths.n == 2


def test_a_baselines_own_prompt_is_asked_and_told(
    tmp_path: Path, baseline_of: Callable[..., Baseline]
) -> None:
    baseline = baseline_of("llava", prompts={"open_vqa_image": "{question} in short"})
    config = config_of(tmp_path, "evaluation.without_vision=[blank,text_only]")
    run_dir, scores = evaluate_baseline(baseline, config, benchmarks=ONE)
    files = ResultFiles(run_dir.eval_dir("open_vqa_image"))
    assert {p.prompt.removeprefix(p.question) for p in files.predictions()} == {" in short"}
    assert (files.protocol() or {})["first_prompt"].endswith("in short")
    score = scores["open_vqa_image"].overall
    assert score is not None and set(score.without_vision) == {"blank", "text_only"}


def test_text_alone_is_refused_before_anything_is_loaded(
    tmp_path: Path, baseline_of: Callable[..., Baseline]
) -> None:
    config = config_of(tmp_path, "evaluation.without_vision=[text_only]")
    with pytest.raises(LynxError, match=r"leave text_only out of evaluation.without_vision"):
        evaluate_baseline(baseline_of("instructblip"), config, benchmarks=ONE)
    assert not (tmp_path / "desk").exists()


def test_another_model_does_not_take_a_folder_that_is_in_use(
    tmp_path: Path, baseline_of: Callable[..., Baseline]
) -> None:
    config = config_of(tmp_path, "evaluation.without_vision=[]")
    run_dir, _ = evaluate_baseline(baseline_of("llava"), config, name="mine", benchmarks=ONE)
    before = ResultFiles(run_dir.eval_dir("open_vqa_image")).predictions()
    with pytest.raises(LynxError, match=r"answers of another model.*--as"):
        evaluate_baseline(baseline_of("blip2"), config, name="mine", benchmarks=ONE)
    assert ResultFiles(run_dir.eval_dir("open_vqa_image")).predictions() == before


@pytest.mark.parametrize("name", [
    "lynx", "no_diverse_prompts", "a/b", "a@b", "a+b", "a b", "a\nb", ".", "..", "-a", "a" * 81,
    "people", "tables", "head_to_head", "judgements",
])  # fmt: skip
def test_a_name_that_is_taken_or_ambiguous_is_refused(
    name: str, tmp_path: Path, baseline_of: Callable[..., Baseline]
) -> None:
    with pytest.raises(LynxError, match="can't be a baseline's name"):
        evaluate_baseline(baseline_of("llava"), config_of(tmp_path), name=name, benchmarks=ONE)


def test_values_about_training_are_refused(
    tmp_path: Path, baseline_of: Callable[..., Baseline]
) -> None:
    config = config_of(tmp_path, "stages.pretrain.steps=7")
    with pytest.raises(LynxError, match=r"`stages\.pretrain\.steps` is about training our model"):
        evaluate_baseline(baseline_of("llava"), config, benchmarks=ONE)


def test_a_gpu_that_is_not_there_is_told(
    tmp_path: Path, baseline_of: Callable[..., Baseline], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    config = config_of(tmp_path, "hardware.accelerator=gpu")
    with pytest.raises(LynxError, match="torch sees no GPU here"):
        evaluate_baseline(baseline_of("llava"), config, benchmarks=ONE)


def test_a_trained_runs_folder_is_left_alone(
    tmp_path: Path, baseline_of: Callable[..., Baseline]
) -> None:
    config = config_of(tmp_path)
    folder = baseline_run.run_dir_of("mine", config)
    folder.path.mkdir(parents=True)
    folder.config_path.write_text("scale: desk\n")
    with pytest.raises(LynxError, match="is a trained run's folder"):
        evaluate_baseline(baseline_of("llava"), config, name="mine", benchmarks=ONE)


def test_a_record_of_something_else_is_told(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    record_path(run_dir).write_text("kind: trained\n")
    with pytest.raises(LynxError, match=r"baseline\.yaml: is not what `lynx baseline` writes"):
        read_record(run_dir)
