"""Asking in dialogues, after descriptions of each source, and without the picture."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.evaluation import build
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.run import evaluate
from lynx.tracking.run_dir import RunDir
from tests.color_run import COLORS, ColorModel, configured, trained
from tests.fabricated import png

PROMPT = "what color is this cat?"


def question(index: int, dialogue: str = "", caption: str = "") -> Question:
    name = list(COLORS)[index % 3]
    return Question(
        index=index, id=f"q{index}", category="A", question=PROMPT, answer=name, kind="image",
        images=(_plain(COLORS[name]),), image_name=f"{name}.png", dialogue=dialogue,
        caption=caption,
    )  # fmt: skip


def _plain(color: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), color).save(stream, "PNG")
    return stream.getvalue()


def ask(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tokenizer: Any,
    questions: list[Question],
    *,
    without_vision: tuple[str, ...] = (),
    **benchmark: Any,
) -> tuple[RunDir, ColorModel, dict[str, Any]]:
    """Evaluate the stand-in on the questions; gives the run, the model and the scores."""
    tmp_path.mkdir(exist_ok=True)
    monkeypatch.setattr(build, "load_questions", lambda *_, **__: questions)
    settings: Mapping[str, Any] = {"questions": "made here", "generation": "greedy", **benchmark}
    config = configured(tmp_path, {"evaluation.benchmarks": {"colors": settings}})
    run_dir, model = trained(config, "lynx"), ColorModel(tokenizer)
    scores = evaluate(
        run_dir, config, model=model, tokenizer=tokenizer, without_vision=without_vision
    )
    return run_dir, model, dict(scores)


def predictions(run_dir: RunDir, vision: str = "shown") -> list[Prediction]:
    return ResultFiles(run_dir.eval_dir("colors", vision)).predictions()


def said(call: Mapping[str, Any]) -> list[str]:
    return [text.replace(" ", "") for text in call["texts"]]


ASKED = "user:whatcoloristhiscat?bot:"


def test_later_questions_of_a_dialogue_see_the_earlier_ones_with_the_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any
) -> None:
    # Two dialogues, of three and of two questions, and one that stands alone; batches of two.
    questions = [question(i, dialogue) for i, dialogue in enumerate(["d", "d", "d", "e", "e", ""])]
    run_dir, model, _ = ask(tmp_path, monkeypatch, tokenizer, questions)
    assert [p.id for p in predictions(run_dir)] == ["q0", "q3", "q5", "q1", "q4", "q2"]
    first, alone, second, third = (said(call) for call in model.calls)
    assert first == [f"<s>{ASKED}", f"<s>{ASKED}"] and alone == [f"<s>{ASKED}"]
    assert second == [f"<s>{ASKED}red</s>{ASKED}", f"<s>{ASKED}red</s>{ASKED}"]
    assert third == [f"<s>{ASKED}red</s>{ASKED}green</s>{ASKED}"]
    assert [p.dialogue for p in predictions(run_dir)] == ["d", "e", "", "d", "e", "d"]


def test_a_dialogue_begins_with_one_description_that_all_its_turns_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any
) -> None:
    # The pictures differ, so that a description asked for again would be another one.
    questions = [question(i, "d") for i in range(3)]
    run_dir, model, _ = ask(
        tmp_path, monkeypatch, tokenizer, questions, plug_and_play=True,
        description_generation="sampled",
    )  # fmt: skip
    described, first, second, third = (said(call)[0] for call in model.calls)
    assert first.startswith(described) and first.endswith(f"red</s>{ASKED}")
    assert second == f"{first}red</s>{ASKED}"
    assert third == f"{second}green</s>{ASKED}"
    assert [p.description for p in predictions(run_dir)] == ["red"] * 3


def test_questions_of_a_dialogue_stand_alone_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any
) -> None:
    questions = [question(i, "d") for i in range(3)]
    run_dir, model, _ = ask(tmp_path, monkeypatch, tokenizer, questions, multi_turn=False)
    assert [text for call in model.calls for text in said(call)] == [f"<s>{ASKED}"] * 3
    assert [p.id for p in predictions(run_dir)] == ["q0", "q1", "q2"]


@pytest.mark.parametrize(
    ("source", "described"), [("own", "color"), ("another", "other"), ("caption", "dog")]
)
def test_a_description_is_the_models_own_or_anothers_or_the_true_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tokenizer: Any,
    source: str,
    described: str,
) -> None:
    questions = [question(i, caption="dog") for i in range(6)]
    run_dir, _, scores = ask(
        tmp_path, monkeypatch, tokenizer, questions, plug_and_play=True, description_source=source,
        description_generation="sampled",
    )  # fmt: skip
    for one in predictions(run_dir):
        assert one.prediction == one.answer  # its own picture is shown, whatever was described
        if described == "other":
            assert one.description in COLORS and one.description != one.answer
        else:
            assert one.description == (one.answer if described == "color" else "dog")
    assert scores["colors"].overall.correct == 6


def test_a_caption_that_the_benchmark_lacks_is_missed_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any
) -> None:
    questions = [question(0, caption="dog"), question(1)]
    with pytest.raises(LynxError, match=r"description_source is caption, and 1 questions .* q1"):
        ask(
            tmp_path, monkeypatch, tokenizer, questions, plug_and_play=True,
            description_source="caption", description_generation="sampled",
        )  # fmt: skip


def test_each_vision_is_asked_once_more_and_stands_beside_the_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any
) -> None:
    questions = [question(i) for i in range(6)]
    visions = ("swapped", "blank", "text_only")
    run_dir, _, scores = ask(
        tmp_path, monkeypatch, tokenizer, questions, without_vision=visions
    )  # fmt: skip
    overall = scores["colors"].overall
    assert overall.accuracy == 1
    # A grey picture is as red as it is blue, and the stand-in takes the first.
    assert overall.without_vision == {"swapped": 0, "blank": pytest.approx(1 / 3), "text_only": 0}
    assert [p.prediction for p in predictions(run_dir, "text_only")] == ["dog"] * 6
    protocol = ResultFiles(run_dir.eval_dir("colors", "blank")).protocol()
    assert protocol is not None and protocol["vision"] == "blank"


@pytest.mark.parametrize("format_", ["owleval", "visit_bench"])
def test_a_benchmark_that_no_judge_decides_has_answers_and_lengths_and_no_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any, format_: str
) -> None:
    questions = [replace(question(i), answer="") for i in range(3)]
    run_dir, _, scores = ask(
        tmp_path, monkeypatch, tokenizer, questions, format=format_, without_vision=("swapped",)
    )
    found = scores["colors"]
    assert found.overall is None and found.categories == {} and found.judge == "none"
    assert (found.lengths.n, found.lengths.words.mean, found.lengths.tokens.mean) == (3, 1, 1)
    with pytest.raises(LynxError, match="holds no verdicts"):
        ResultFiles(run_dir.eval_dir("colors")).results()
    assert not run_dir.eval_dir("colors", "swapped").exists()


def test_mme_is_decided_by_its_own_rule_and_has_its_official_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any
) -> None:
    known = {"category": "color", "image_name": "color/a.png", "images": (png(1),)}
    pair = [
        replace(question(i), id=f"color/a.png/{i}", answer=answer, **known)
        for i, answer in enumerate(["Yes", "No"])
    ]
    _, _, scores = ask(tmp_path, monkeypatch, tokenizer, pair, format="mme")
    found = scores["colors"]
    assert found.judge == "mme:official"
    assert found.overall.correct == 0  # a colour is neither yes nor no
    assert found.details["tasks"]["color"]["other_rate"] == 1


def test_padding_frames_the_pictures_before_the_model_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any
) -> None:
    plain, _, _ = ask(tmp_path / "a", monkeypatch, tokenizer, [question(0)])
    framed, _, _ = ask(tmp_path / "b", monkeypatch, tokenizer, [question(0)], padding=8)
    assert predictions(plain)[0].picture != predictions(framed)[0].picture
