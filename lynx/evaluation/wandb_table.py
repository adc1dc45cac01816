"""Logs scores, and some pictures with their questions and answers, to Weights & Biases."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from lynx.config.compose import config_dict
from lynx.config.schema import Config
from lynx.evaluation.questions import Question
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.scores import Scores
from lynx.tracking.loggers import make_loggers
from lynx.tracking.run_dir import RunDir

COLUMNS = ("picture", "category", "question", "answer", "prediction", "verdict", "swapped picture")


def log_evaluation(
    run_dir: RunDir,
    config: Config,
    *,
    scores: Mapping[str, Scores],
    questions: Mapping[str, Sequence[Question]],
) -> None:
    """Log one W&B run of job type `eval`: a table per benchmark, and the scores as its summary.

    questions: of each benchmark, with their own pictures.
    """
    import wandb

    run = open_run(run_dir, config, job="eval", tags=[next(iter(scores.values())).judge])
    for name, benchmark_scores in scores.items():
        rows = sample_rows(run_dir, name, questions[name], config.tracking.num_sample_pictures)
        pictures = [[wandb.Image(row[0]), *row[1:]] for row in rows]
        run.log({f"{name}/answers": wandb.Table(columns=list(COLUMNS), data=pictures)})
        run.summary.update(summary(benchmark_scores))
    run.finish()


def open_run(run_dir: RunDir, config: Config, *, job: str, tags: Sequence[str]) -> Any:
    """Start a W&B run beside the run's stages; the caller ends it with `finish()`."""
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    if wandb.run is not None:  # a stage's run is still open, and the logger would write into it
        wandb.finish()
    loggers = make_loggers(
        run_dir=run_dir,
        stage=job,
        config_dict=config_dict(config),
        diff_text=run_dir.diff_path.read_text("utf-8") if run_dir.diff_path.exists() else "",
        project=config.tracking.wandb_project,
        group=f"{config.scale}/{config.experiment}",
        tags=tags,
    )
    return next(logger for logger in loggers if isinstance(logger, WandbLogger)).experiment


def summary(scores: Scores) -> dict[str, Any]:
    """Shares and counts by name, e.g. `open_vqa_image/OCR/accuracy`."""
    values: dict[str, Any] = {f"{scores.benchmark}/judge": scores.judge}
    for category, score in {"overall": scores.overall, **scores.categories}.items():
        for field in ("n", "accuracy", "low", "high", "unparseable", "blind", "majority"):
            values[f"{scores.benchmark}/{category}/{field}"] = getattr(score, field)
    return values


def sample_rows(
    run_dir: RunDir, benchmark: str, questions: Sequence[Question], number: int
) -> list[list[Any]]:
    """Rows of COLUMNS for `number` questions (or all), evenly spread over the benchmark."""
    results = ResultFiles(run_dir.eval_dir(benchmark)).results()
    swapped_files = ResultFiles(run_dir.eval_dir(benchmark, blind=True))
    swapped = swapped_files.predictions() if swapped_files.predictions_path.exists() else []
    said = {prediction.id: prediction.prediction for prediction in swapped}
    pairs = list(zip(questions, results, strict=True))
    words = {True: "yes", False: "no", None: "unparseable"}
    return [
        [
            film_strip(question.images), question.category, question.question, question.answer,
            result.prediction.prediction, words[result.correct], said.get(question.id, ""),
        ]
        for question, result in (pairs[i] for i in spread(len(pairs), number))
    ]  # fmt: skip


def spread(length: int, number: int) -> list[int]:
    """`number` places (or all) of a list, evenly spread from its first to its last."""
    number = min(length, number)
    return [round(i * (length - 1) / max(number - 1, 1)) for i in range(number)]


def film_strip(images: Sequence[bytes]) -> Image.Image:
    """A picture, or a video's frames side by side."""
    frames = [Image.open(io.BytesIO(image)).convert("RGB") for image in images]
    strip = Image.new("RGB", (sum(f.width for f in frames), max(f.height for f in frames)))
    left = 0
    for frame in frames:
        strip.paste(frame, (left, 0))
        left += frame.width
    return strip
