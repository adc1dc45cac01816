"""Evaluating a run from its checkpoint to its scores: a stand-in, and a tiny real model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lynx.config.compose import variant_name
from lynx.config.errors import LynxError
from lynx.config.prompt_pools import load_pool
from lynx.config.schema import Config
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.run import evaluate
from lynx.model.build import load_for_evaluation
from lynx.model.language_model import load_tokenizer
from lynx.tracking.run_dir import RunDir
from tests.color_run import GREEDY, SAMPLED, ColorModel, configured, trained, write_benchmark


def asked(model: ColorModel) -> int:
    return sum(len(call["texts"]) for call in model.calls)


def test_a_model_that_sees_beats_itself_with_swapped_pictures(
    tmp_path: Path, tokenizer: Any
) -> None:
    config = configured(tmp_path)
    run_dir = trained(config, "lynx")
    scores = evaluate(run_dir, config, model=ColorModel(tokenizer), tokenizer=tokenizer)["colors"]
    assert (scores.overall.correct, scores.overall.n, scores.judge) == (9, 9, "rule:v1")
    assert list(scores.overall.without_vision) == ["swapped"]
    assert scores.overall.without_vision["swapped"] < 0.7
    assert scores.overall.majority == pytest.approx((2 + 2) / 9)
    assert list(scores.categories) == ["A", "B"]
    files = ResultFiles(run_dir.eval_dir("colors"))
    first = json.loads(files.predictions_path.read_text().splitlines()[0])
    assert first["id"] == "0" and first["prediction"] == first["answer"] == "red"
    assert first["prompt"] == "what color is this cat?" and "description" not in first
    assert json.loads(files.verdicts_path.read_text().splitlines()[0]) == {
        "id": "0", "correct": True, "reply": "implied",
    }  # fmt: skip
    written = json.loads(files.scores_path.read_text())
    assert written["decoding"] == "greedy"
    assert written["overall"]["low"] == pytest.approx(0.7009, abs=1e-4)
    assert (run_dir.eval_dir("colors", "swapped") / "scores.json").exists()


def test_answers_are_asked_for_once_and_again_when_the_protocol_changes(
    tmp_path: Path, tokenizer: Any
) -> None:
    run_dir = trained(configured(tmp_path), "lynx")

    def questions_asked(changes: Mapping[str, Any]) -> int:
        model = ColorModel(tokenizer)
        config = configured(tmp_path, changes)
        evaluate(run_dir, config, model=model, tokenizer=tokenizer, without_vision=())
        return asked(model)

    assert questions_asked({}) == 9
    assert questions_asked({}) == 0
    assert questions_asked({"evaluation.batch_size": 5}) == 0
    assert questions_asked({"evaluation.max_input_tokens": 77}) == 9
    assert questions_asked({"evaluation.max_input_tokens": 77, "seed": 3}) == 9
    (run_dir.checkpoint_dir("instruct") / "final.safetensors").write_bytes(b"trained again")
    assert questions_asked({"evaluation.max_input_tokens": 77, "seed": 3}) == 9


def test_an_interrupted_evaluation_goes_on_where_it_stopped(tmp_path: Path, tokenizer: Any) -> None:
    config = configured(tmp_path)
    run_dir = trained(config, "lynx")
    with pytest.raises(KeyboardInterrupt):
        evaluate(
            run_dir, config, model=ColorModel(tokenizer, fail_after=3), tokenizer=tokenizer,
            without_vision=(),
        )  # fmt: skip
    files = ResultFiles(run_dir.eval_dir("colors"))
    assert files.scores() is None and not files.predictions_path.exists()
    with files.partial_path.open("ab") as stream:
        stream.write('{"id": "6", "category": "ü'.encode()[:-1])  # what a kill may leave
    model = ColorModel(tokenizer)
    scores = evaluate(
        run_dir, config, model=model, tokenizer=tokenizer, resume=True, without_vision=()
    )
    assert asked(model) == 3
    assert scores["colors"].overall.correct == 9
    assert [p.id for p in files.predictions()] == [str(i) for i in range(9)]


def test_answers_so_far_that_are_damaged_are_named(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path)
    for line in ('{"id": "6"}', "[]", "{", b"\xff".decode("latin-1")):
        files.partial_path.write_bytes(line.encode("latin-1") + b"\n")
        with pytest.raises(LynxError, match=r"predictions.partial.jsonl is not what .*remove it"):
            files.partial()


def test_a_run_beside_it_with_the_same_weights_lends_its_answers(
    tmp_path: Path, tokenizer: Any
) -> None:
    config = configured(tmp_path)
    evaluate(trained(config, "lynx"), config, model=ColorModel(tokenizer), tokenizer=tokenizer)
    same, other = ColorModel(tokenizer), ColorModel(tokenizer)
    scores = evaluate(trained(config, "twin"), config, model=same, tokenizer=tokenizer)
    evaluate(trained(config, "b", content=b"other"), config, model=other, tokenizer=tokenizer)
    assert (asked(same), asked(other)) == (0, 18)
    assert scores["colors"].overall.correct == 9


def test_plug_and_play_describes_first_and_answers_with_the_history(
    tmp_path: Path, tokenizer: Any
) -> None:
    benchmark = {
        "questions": write_benchmark(tmp_path), "generation": "greedy", "plug_and_play": True,
        "description_generation": "sampled", "description_prompt": "Describe the image",
    }  # fmt: skip
    config = configured(tmp_path, {"evaluation.benchmarks": {"colors": benchmark}})
    run_dir, model = trained(config, "lynx"), ColorModel(tokenizer)
    evaluate(run_dir, config, model=model, tokenizer=tokenizer, without_vision=())
    describing, answering = model.calls[:2]
    assert describing["settings"] == SAMPLED and answering["settings"] == GREEDY
    assert describing["seeds"][0] != answering["seeds"][0]
    assert describing["texts"][0].replace(" ", "") == "<s>user:describetheimagebot:"
    assert answering["texts"][0].replace(" ", "") == (
        "<s>user:describetheimagebot:red</s>user:whatcoloristhiscat?bot:"
    )
    (first, *_) = ResultFiles(run_dir.eval_dir("colors")).predictions()
    assert first.description == "red"


@pytest.mark.parametrize("row", ["greedy", "sampled"])
def test_answers_of_the_real_model_do_not_depend_on_the_batch_size(
    tmp_path: Path, row: str
) -> None:
    predictions = []
    for batch_size in (1, 4, 9):
        benchmark = {"questions": write_benchmark(tmp_path), "generation": row}
        config = configured(
            tmp_path,
            {"evaluation.benchmarks": {"colors": benchmark}, "evaluation.batch_size": batch_size},
        )
        run_dir = trained(config, f"batch{batch_size}", content=str(batch_size).encode())
        model = tiny_model(config, tmp_path)
        tokenizer = load_tokenizer(config.model.language_model.checkpoint)
        evaluate(run_dir, config, model=model, tokenizer=tokenizer, without_vision=())
        rows = ResultFiles(run_dir.eval_dir("colors")).predictions()
        predictions.append([p.prediction for p in rows])
    assert predictions[0] == predictions[1] == predictions[2]
    assert len(set(predictions[0])) > 1


def tiny_model(config: Config, folder: Path) -> Any:
    from lynx.model.build import build_model
    from lynx.model.checkpoint import save_trained_parts

    model = build_model(config, seed=0)
    model.set_trainable(["resampler", "adapters", "frame_positions"])
    save_trained_parts(model, folder / "parts.safetensors", metadata={})
    return load_for_evaluation(config, folder / "parts.safetensors")


def test_a_run_that_has_not_ended_is_not_evaluated(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"final.safetensors is missing.*'instruct' has not ended"):
        evaluate(RunDir(tmp_path / "desk/lynx/seed0"), configured(tmp_path))


def test_damaged_weights_are_told_before_a_bar_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path)
    run_dir = trained(config, "lynx")
    with pytest.raises(LynxError, match="is damaged: copy it again"):
        evaluate(run_dir, config)
    assert "0/9" not in capsys.readouterr().out


def test_an_unknown_row_of_table_9_is_named(tmp_path: Path, tokenizer: Any) -> None:
    benchmark = {"questions": write_benchmark(tmp_path), "generation": "gredy"}
    config = configured(tmp_path, {"evaluation.benchmarks": {"colors": benchmark}})
    with pytest.raises(LynxError, match=r"colors.generation names the row 'gredy'.*greedy"):
        evaluate(trained(config, "lynx"), config, model=ColorModel(tokenizer), tokenizer=tokenizer)


@pytest.mark.parametrize(
    ("pool", "message"),
    [("vqa_shrot", "no prompt pool `vqa_shrot`.*vqa_short"), ("caption", "no {question}")],
)
def test_a_pool_that_cannot_ask_is_explained(
    tmp_path: Path, tokenizer: Any, pool: str, message: str
) -> None:
    benchmark = {
        "questions": write_benchmark(tmp_path), "generation": "greedy", "prompt_pool": pool,
    }  # fmt: skip
    config = configured(tmp_path, {"evaluation.benchmarks": {"colors": benchmark}})
    with pytest.raises(LynxError, match=message):
        evaluate(trained(config, "lynx"), config, model=ColorModel(tokenizer), tokenizer=tokenizer)


def test_held_out_phrasings_take_turns(tmp_path: Path, tokenizer: Any) -> None:
    benchmark = {
        "questions": write_benchmark(tmp_path), "generation": "greedy", "prompt_pool": "vqa_short",
    }  # fmt: skip
    config = configured(tmp_path, {"evaluation.benchmarks": {"colors": benchmark}})
    run_dir = trained(config, "lynx")
    evaluate(run_dir, config, model=ColorModel(tokenizer), tokenizer=tokenizer, without_vision=())
    held_out = load_pool("vqa_short").held_out
    predictions = ResultFiles(run_dir.eval_dir("colors")).predictions()
    assert [p.prompt for p in predictions] == [
        held_out[i % len(held_out)].replace("{question}", p.question)
        for i, p in enumerate(predictions)
    ]


def test_only_what_is_to_be_asked_is_asked_and_the_variant_stays_the_same(
    tmp_path: Path, tokenizer: Any
) -> None:
    both = {
        name: {"questions": write_benchmark(tmp_path), "generation": "greedy"}
        for name in ("colors", "others")
    }
    config = configured(
        tmp_path, {"evaluation.benchmarks": both, "evaluation.ask_only": ["others"]}
    )
    model = ColorModel(tokenizer)
    scores = evaluate(
        trained(config, "lynx"), config, model=model, tokenizer=tokenizer, without_vision=()
    )
    assert list(scores) == ["others"]
    plain = configured(tmp_path, {"evaluation.benchmarks": both})
    assert variant_name(plain) == variant_name(config)
