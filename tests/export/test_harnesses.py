"""Tests that harnesses get a run's own answers, in their order, by the settings they ask for."""

from __future__ import annotations

import types
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.export.harness import HarnessModel, Request
from lynx.serving.answering import Answerer
from tests.export import stand_ins
from tests.export.runs import a_run, pictures

GREEDY = {"max_new_tokens": 5, "temperature": 0, "num_beams": 1, "do_sample": False}
LONG = {**GREEDY, "max_new_tokens": 8}
QUESTIONS = ["what is it ?", "what color ?", "say one two", "is the cat red ?"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("harness")
    return a_run(root, {})[0].path


@pytest.fixture(scope="module")
def answerer(folder: Path) -> Answerer:
    return Answerer.of(folder)


@pytest.fixture
def vlm_models(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    return stand_ins.install(monkeypatch)


def expected(answerer: Answerer, question: str, shown: Any, row: Any) -> str:
    return answerer.answer([[(question, None)]], [shown], row=row)[0].text


def test_answers_come_in_the_order_of_the_requests_whatever_the_batches(
    answerer: Answerer, tmp_path: Path
) -> None:
    paths = pictures(tmp_path)
    shown: list[Any] = [(paths[0],), (), tuple(paths), (paths[2],)]
    settings = [GREEDY, LONG, GREEDY, LONG]
    requests = [
        Request(((question, None),), of_one, own)
        for question, of_one, own in zip(QUESTIONS, shown, settings, strict=True)
    ]
    done: list[int] = []
    model = HarnessModel(answerer, batch_size=3)
    texts = model.answers(requests, advance=done.append)
    alone = [model.answers([request])[0] for request in requests]
    assert texts == alone and len(set(texts)) > 1
    assert sum(done) == 4


def test_a_row_of_table_9_decides_instead_of_the_task(answerer: Answerer) -> None:
    request = Request(((QUESTIONS[0], None),), (), LONG)
    by_row = HarnessModel(answerer, row="mme").answers([request])
    assert by_row == [expected(answerer, QUESTIONS[0], None, "mme")]
    assert by_row != HarnessModel(answerer).answers([request])


def test_samples_of_one_question_differ_and_come_again_in_another_start(
    answerer: Answerer,
) -> None:
    settings = {"do_sample": True, "temperature": 1.0, "max_new_tokens": 8}
    requests = [Request(((QUESTIONS[0], None),), (), settings)] * 4
    texts, again = (HarnessModel(answerer).answers(requests) for _ in range(2))
    assert texts == again and len(set(texts)) > 1
    one_by_one = HarnessModel(answerer)
    assert [one_by_one.answers([request])[0] for request in requests] == texts
    other = HarnessModel(answerer, seed=1).answers(requests)
    assert other != texts


def test_a_temperature_of_zero_is_greedy_whatever_else_is_said(answerer: Answerer) -> None:
    asked = HarnessModel(answerer).decoding({"do_sample": True, "temperature": 0})
    assert asked["do_sample"] is False


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_token": 5}, "unknown setting max_new_token; nearest is `max_new_tokens`"),
        ({"temperature": 0.2}, "temperature 0.2"),
    ],
)
def test_a_setting_that_can_not_be_followed_is_an_error(
    answerer: Answerer, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(LynxError, match=message):
        HarnessModel(answerer).answers([Request((("a", None),), (), settings)])


def test_more_pictures_than_the_model_reads_are_an_error(
    answerer: Answerer, tmp_path: Path
) -> None:
    many = tuple(pictures(tmp_path) * 2)
    with pytest.raises(LynxError, match="about 6 pictures: the model reads 5"):
        HarnessModel(answerer).answers([Request((("a", None),), many, GREEDY)])


def test_lmms_eval_finds_the_adapter_and_gets_answers(
    folder: Path, answerer: Answerer, vlm_models: dict[str, Any], tmp_path: Path
) -> None:
    (entry,) = entry_points(group="lmms_eval.models", name="lynx")
    manifest = entry.load()()
    module, _, name = manifest.simple_class_path.rpartition(".")
    adapter = getattr(__import__(module, fromlist=[name]), name)
    model = adapter(pretrained=str(folder), batch_size="2", device="cpu")
    documents = [{"image": Image.open(path)} for path in pictures(tmp_path)]
    model.task_dict = {"color": {"test": documents}}
    requests = [
        types.SimpleNamespace(
            args=(
                f"<image>{question}", {**GREEDY, "until": ["\n\n"]},
                lambda document: [document["image"]], number, "color", "test",
            )
        )
        for number, question in enumerate(QUESTIONS[:3])
    ]  # fmt: skip
    texts = model.generate_until(requests)
    row = {"row": "demo", "num_beams": 1, "do_sample": False, "top_k": 0, "top_p": 1.0,
           "no_repeat_ngram_size": 0, "max_new_tokens": 5}  # fmt: skip
    assert texts == [
        expected(answerer, question, document["image"], row)
        for question, document in zip(QUESTIONS, documents, strict=False)
    ]
    assert [call[2] for call in model.kept] == texts
    with pytest.raises(LynxError, match="unknown rwo"):
        adapter(pretrained=str(folder), rwo="mme")
    with pytest.raises(LynxError, match="--device mps: cpu, cuda or nothing"):
        adapter(pretrained=str(folder), device="mps")


def test_vlmevalkit_runs_its_own_script_with_a_registered_run(
    folder: Path, answerer: Answerer, vlm_models: dict[str, Any], tmp_path: Path
) -> None:
    from lynx.export import vlmevalkit

    script = tmp_path / "run.py"
    script.write_text("import sys\nfrom vlmeval.config import supported_VLM\n"
                      "supported_VLM['seen'] = sys.argv[1:]\n")  # fmt: skip
    vlmevalkit.main([f"ours={folder}", "--", str(script), "--model", "ours"])
    assert vlm_models["seen"] == ["--model", "ours"]
    model = vlm_models["ours"]()
    path = str(pictures(tmp_path)[0])
    message = [{"type": "image", "value": path}, {"type": "text", "value": QUESTIONS[0]}]
    row = {"row": "demo", "num_beams": 1, "do_sample": False, "top_k": 0, "top_p": 1.0,
           "no_repeat_ngram_size": 0}  # fmt: skip
    first = model.generate_inner(message, dataset="MME")
    assert first == expected(answerer, QUESTIONS[0], path, row)
    twice = [message[0], {"type": "text", "value": "same as"}, message[0]]
    shown = [Image.open(path).convert("RGB")] * 2
    assert model.generate_inner(twice) == expected(answerer, "same as", shown, row)
    dialogue = [
        {"role": "user", "content": message},
        {"role": "assistant", "content": [{"type": "text", "value": first}]},
        {"role": "user", "content": [{"type": "text", "value": QUESTIONS[1]}]},
    ]
    turns = [(QUESTIONS[0], first), (QUESTIONS[1], None)]
    assert model.chat_inner(dialogue) == answerer.answer([turns], [path], row=row)[0].text


@pytest.mark.parametrize("arguments", [["--", "run.py"], ["a=b"], ["a", "--", "run.py"]])
def test_a_wrong_call_of_the_vlmevalkit_launcher_says_how_it_goes(
    vlm_models: dict[str, Any], arguments: list[str]
) -> None:
    from lynx.export import vlmevalkit

    with pytest.raises(LynxError, match="usage: python -m lynx"):
        vlmevalkit.main(arguments)
