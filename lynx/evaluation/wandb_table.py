"""Logs scores, and some pictures with their questions and answers, to Weights & Biases."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from PIL import Image

from lynx.config.compose import config_dict
from lynx.config.schema import VISIONS_WITHOUT, Config
from lynx.evaluation.compare import OVERALL
from lynx.evaluation.questions import Question
from lynx.evaluation.replies import replies
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.scores import Scores
from lynx.tracking.loggers import make_loggers
from lynx.tracking.run_dir import RunDir

JOB = "eval"  # the job type of these W&B runs
DIFF = "diff"  # name of the page with what the variant changes
# `id` joins the rows of several runs, so that W&B shows their answers side by side.
COLUMNS = (
    "id", "picture", "category", "question", "answer", "prediction", "verdict", "judge's reply",
    *(f"{vision} picture" for vision in VISIONS_WITHOUT),
)  # fmt: skip
SCORE_COLUMNS = (
    "variant", "seed", "category", "n", "accuracy", "low", "high", "unparseable", "majority",
    "always_yes", *VISIONS_WITHOUT,
)  # fmt: skip
_WORDS = {True: "yes", False: "no", None: "unparseable"}
_NOT_JUDGED = "not judged"


def log_evaluation(
    run_dir: RunDir,
    config: Config,
    *,
    scores: Mapping[str, Scores],
    questions: Mapping[str, Sequence[Question]],
) -> None:
    """Log one W&B run of job type `eval`: scores as its summary, and tables for each benchmark.

    `<benchmark>/answers` shows pictures with what was said about them, `<benchmark>/scores` the
    scores by class with their intervals, `diff` what the variant changes. questions: of each
    benchmark, with their own pictures.
    """
    import wandb

    judges = dict.fromkeys(one.judge for one in scores.values())
    run = open_run(run_dir, config, job=JOB, tags=list(judges))
    for name, benchmark_scores in scores.items():
        rows = sample_rows(run_dir, name, questions[name], config.tracking.num_sample_pictures)
        shown = [[row[0], wandb.Image(row[1]), *row[2:]] for row in rows]
        tables = {f"{name}/answers": wandb.Table(columns=list(COLUMNS), data=shown)}
        if benchmark_scores.overall is not None:
            table = score_rows(benchmark_scores, variant=run_dir.path.parent.name)
            tables[f"{name}/scores"] = wandb.Table(columns=list(SCORE_COLUMNS), data=table)
        run.log(tables)
        run.summary.update(summary(benchmark_scores))
    run.log({DIFF: wandb.Html(f"<pre>{html.escape(diff_page(run_dir))}</pre>")})
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


def diff_page(run_dir: RunDir) -> str:
    """What the variant changes, for people."""
    text = run_dir.diff_path.read_text("utf-8").strip() if run_dir.diff_path.exists() else ""
    return f"{run_dir.path.parent.name}\n{text or 'changes nothing: the experiment itself'}"


def summary(scores: Scores) -> dict[str, Any]:
    """Shares, counts and lengths by name, e.g. `open_vqa_image/OCR/accuracy`.

    `.../without/<vision>` is reached without the pictures, `.../looking/<vision>` what the pictures
    add to it. Figures that do not exist have no name.
    """
    values: dict[str, Any] = {"judge": scores.judge}
    overall = {} if scores.overall is None else {OVERALL: scores.overall}
    for category, score in (overall | scores.categories).items():
        fields = asdict(score)
        without = fields.pop("without_vision")
        values |= {f"{category}/{field}": value for field, value in fields.items()}
        values |= {f"{category}/without/{vision}": share for vision, share in without.items()}
        values |= {
            f"{category}/looking/{vision}": score.accuracy - share
            for vision, share in without.items()
        }
    values |= _flat("length", asdict(scores.lengths))
    values |= _flat("details", scores.details)
    return {f"{scores.benchmark}/{k}": value for k, value in values.items() if value is not None}


def score_rows(scores: Scores, *, variant: str) -> list[list[Any]]:
    """Rows of SCORE_COLUMNS: all questions, then each category; shares are of 1."""
    overall = {} if scores.overall is None else {OVERALL: scores.overall}
    return [
        [
            variant, scores.seed, category, score.n, score.accuracy, score.low, score.high,
            score.unparseable, score.majority, score.always_yes,
            *(score.without_vision.get(vision) for vision in VISIONS_WITHOUT),
        ]
        for category, score in (overall | scores.categories).items()
    ]  # fmt: skip


def sample_rows(
    run_dir: RunDir, benchmark: str, questions: Sequence[Question], number: int
) -> list[list[Any]]:
    """Rows of COLUMNS for `number` questions (or all), evenly spread over the benchmark."""
    files = ResultFiles(run_dir.eval_dir(benchmark))
    answers: list[tuple[Prediction, str, str]]
    if (files.scores() or {}).get("overall") is None:
        answers = [(prediction, _NOT_JUDGED, "") for prediction in files.predictions()]
    else:
        said_by_judge = replies(files)
        answers = [
            (one.prediction, _WORDS[one.correct], said_by_judge.get(one.prediction.id, ""))
            for one in files.results()
        ]
    without = [_said(run_dir, benchmark, vision) for vision in VISIONS_WITHOUT]
    pairs = list(zip(questions, answers, strict=True))
    return [
        [
            q.id, film_strip(q.images), q.category, q.question, q.answer, prediction.prediction,
            verdict, reply, *(said.get(q.id, "") for said in without),
        ]
        for q, (prediction, verdict, reply) in (pairs[i] for i in spread(len(pairs), number))
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


def _said(run_dir: RunDir, benchmark: str, vision: str) -> dict[str, str]:
    """Predictions by question with `vision` for the pictures; empty where it wasn't asked."""
    files = ResultFiles(run_dir.eval_dir(benchmark, vision))
    rows = files.predictions() if files.predictions_path.exists() else []
    return {prediction.id: prediction.prediction for prediction in rows}


def _flat(name: str, values: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of nested mappings, by names joined with "/"."""
    found: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(f"{name}/{key}", value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[f"{name}/{key}"] = value
    return found
