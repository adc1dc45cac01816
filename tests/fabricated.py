"""Makes questions with pictures, and folders of evaluated runs, for tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import wandb
from PIL import Image

from lynx.config.compose import compose, config_text, list_ablations
from lynx.evaluation.build import file_identity
from lynx.evaluation.lengths import lengths_of
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, Result, ResultFiles
from lynx.evaluation.scores import Scores, count
from lynx.tracking.files import write_bytes_atomic, write_json_atomic, write_text_atomic
from lynx.tracking.run_dir import SHOWN, RunDir

IMAGE_CATEGORIES = (
    "OCR", "Counting", "Reasoning", "Place", "Color", "Spatial", "Action", "Others",
)  # fmt: skip
VIDEO_CATEGORIES = ("Action (Y/N)", "Others")


def png(shade: int) -> bytes:
    """A picture of one grey."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(stream, "PNG")
    return stream.getvalue()


def clear_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    """A W&B that nothing was said to: offline, its files in the run folder."""
    for variable in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_DATA_DIR"):
        monkeypatch.setenv(variable, "")  # so that what the code sets is taken back after the test
        monkeypatch.delenv(variable)
    wandb.teardown()  # the session of an earlier test keeps that test's environment


def make_question(
    index: int, *, category: str = "Color", answer: str = "red", shade: int | None = None
) -> Question:
    """A question about a picture of its own, or about the picture of the shade."""
    picture = png(index % 256 if shade is None else shade)
    return Question(index, f"q{index}", category, f"what is {index}?", answer, "image", (picture,))


def below(limit: int) -> Callable[[str, int], bool]:
    """Right for the first `limit` questions of each category."""
    return lambda category, number: number < limit


def cells(text: str, label: str) -> list[str]:
    """The words of the first line that starts with `label`, after it."""
    line = next(line for line in text.split("\n") if line.startswith(label))
    return line.removeprefix(label).split()


def write_evaluation(
    run_dir: RunDir,
    benchmark: str,
    *,
    categories: tuple[str, ...],
    is_correct: Callable[[str, int], bool | None],
    per_category: int = 40,
    judge: str = "rule:v1",
    protocol: Mapping[str, Any] | None = None,
    swapped: float = 0.2,
) -> None:
    """Write the files of an evaluation; `is_correct` gives the verdict by category and number."""
    questions = [
        make_question(index, category=category)
        for index, category in enumerate(c for c in categories for _ in range(per_category))
    ]
    results = []
    for question in questions:
        correct = is_correct(question.category, question.index % per_category)
        said = "red" if correct else "blue"
        prediction = Prediction(
            question.id, question.category, question.question, question.answer,
            str(question.index), question.question, said,
        )  # fmt: skip
        results.append(Result(prediction, correct))
    seen = [
        Result(r.prediction, i % 10 < 10 * swapped) for i, r in enumerate(results)
    ]  # right for the share `swapped` of each category
    without = {"swapped": scores_of(benchmark, seen, questions, judge=judge, vision="swapped")}
    files = ResultFiles(run_dir.eval_dir(benchmark))
    files.begin({"key": "k", "format": "open_vqa", "plug_and_play": None, **(protocol or {})})
    files.finish(result.prediction for result in results)
    files.write_verdicts(
        {"id": r.prediction.id, "correct": r.correct, "reply": ""} for r in results
    )
    scores = scores_of(benchmark, results, questions, judge=judge, without=without)
    files.write_scores(scores.as_json())


def write_run(
    folder: Path,
    *,
    variant: str,
    seed: int = 0,
    image: Callable[[str, int], bool | None],
    video: Callable[[str, int], bool | None] | None,
    overrides: Sequence[str] = (),
    video_protocol: Mapping[str, Any] | None = None,
    **options: Any,
) -> RunDir:
    """A run below `folder`/desk with its config.yaml, evaluated on both benchmarks.

    video: None leaves the benchmark out. overrides: what config.yaml has besides the variant's.
    """
    run_dir = RunDir(folder / "desk" / variant / f"seed{seed}")
    write_text_atomic(run_dir.config_path, _config_text(variant, seed, tuple(overrides)))
    for benchmark, categories, is_correct in (
        ("open_vqa_image", IMAGE_CATEGORIES, image),
        ("open_vqa_video", VIDEO_CATEGORIES, video),
    ):
        if is_correct is None:
            continue
        protocol = options.get("protocol") or {}
        if benchmark == "open_vqa_video":
            protocol = {**protocol, **(video_protocol or {})}
        write_evaluation(
            run_dir,
            benchmark,
            categories=categories,
            is_correct=is_correct,
            **{**options, "protocol": protocol},
        )
    return run_dir


def write_stages(run_dir: RunDir, *, reused: Mapping[str, str] | None = None) -> None:
    """The records of three stages of 100, 50 and 30 seconds; `reused`: from which run, by stage."""
    for stage, seconds in (("pretrain", 100.0), ("resolution", 50.0), ("instruct", 30.0)):
        record = {
            "wall_seconds": seconds,
            "samples_per_second": 12.5,
            "peak_memory_bytes": 3 * 2**30,
            "peak_gpu_memory_bytes": 0,
            "reused_from": (reused or {}).get(stage),
        }
        write_json_atomic(run_dir.stage_record_path(stage), record)


def write_weights(run_dir: RunDir, content: bytes) -> str:
    """A file in the place of the trained parts; gives its identity."""
    path = run_dir.checkpoint_dir("instruct") / "final.safetensors"
    write_bytes_atomic(path, content)
    return file_identity(path)


@cache
def _config_text(variant: str, seed: int, overrides: tuple[str, ...]) -> str:
    name = variant.partition("+")[0]
    ablation = name if name in [known.name for known in list_ablations()] else None
    return config_text(compose(ablation=ablation, seed=seed, overrides=overrides))


def scores_of(
    benchmark: str,
    results: Sequence[Result],
    questions: Sequence[Question],
    *,
    judge: str = "rule:v1",
    vision: str = SHOWN,
    without: Mapping[str, Scores] | None = None,
) -> Scores:
    """Counted scores of a benchmark in Open-VQA's form."""
    overall, categories = count(results, questions, without=without or {})
    return Scores(
        benchmark=benchmark, format="open_vqa", vision=vision, judge=judge, decoding="row", seed=0,
        key="k", lengths=lengths_of([result.prediction for result in results]), overall=overall,
        categories=categories, details={},
    )  # fmt: skip
