"""Gathers what is to be rated: the answers of evaluated runs, and of published files.

Apart from the sheet, since reading benchmarks needs what takes seconds to load; serving doesn't.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lynx.config.compose import compose, load_config
from lynx.config.errors import LynxError
from lynx.config.files import flattened, read_mapping, shown
from lynx.config.paths import from_root
from lynx.config.schema import BenchmarkConfig, Config
from lynx.evaluation.benchmarks.registry import format_of
from lynx.evaluation.padding import padded
from lynx.evaluation.people.sheet import Sheet, make_sheet
from lynx.evaluation.questions import WORLD_PREFIX, Question, content_name, load_questions
from lynx.evaluation.results import ResultFiles
from lynx.tracking.run_dir import RunDir

OTHER_MODELS_RECORD = "baseline.yaml"  # in the place of config.yaml


def model_name(run: Path) -> str:
    """What a run is called among rated models: "<variant>/seed<k>"."""
    run = run.resolve()
    return f"{run.parent.name}/{run.name}"


def sheet_of(
    benchmark: str, runs: Sequence[Path], files: Mapping[str, Path], *, scale: str
) -> Sheet:
    """The sheet of finished evaluations and of files of answers in the benchmark's published form.

    files: by model. scale: whose configuration names the questions where no run does. Raises
    LynxError where a run hasn't answered them.
    """
    configs = [_config_of(run) for run in runs]
    settings, config = _benchmark_of(benchmark, configs, scale)
    questions = load_questions(
        _questions_of(settings),
        kind=settings.kind,
        cache_dir=from_root(config.data.cache_dir),
        num_frames=config.model.num_frames,
        format_=settings.format,
    )
    answers: dict[str, Mapping[str, str]] = {}
    origins: dict[str, str] = {}
    for run in runs:
        name = model_name(run)
        _refuse_twice(name, str(run), origins)
        origins[name] = str(run)
        answers[name] = _answers_of(run, benchmark, questions, settings.padding)
    for name, path in files.items():
        _refuse_twice(name, str(path), origins)
        origins[name] = str(path)
        answers[name] = format_of(settings.format).read_answers(path, questions)
    return make_sheet(benchmark, questions, answers, origins)


def parse_named_files(texts: Sequence[str]) -> dict[str, Path]:
    """NAME=FILE of --answers, by name."""
    files: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (equals and name.strip() and path.strip()):
            raise LynxError(f"--answers {text}: NAME=FILE is right, as BLIP2=blip2_answer.jsonl")
        if name.strip() in files:
            raise LynxError(f"--answers: two files are called {name.strip()}")
        files[name.strip()] = Path(path.strip()).expanduser()
    return files


def _config_of(run: Path) -> Config:
    """As the run was asked; other models' runs say that in a file of their own."""
    path = RunDir(run).config_path
    if path.is_file():
        return load_config(path)
    record = run / OTHER_MODELS_RECORD
    if not record.is_file():
        raise LynxError(
            f"{run} is no run's folder: it holds no {path.name}, nor {record.name}; a run is "
            "called runs/<scale>/<variant>/seed<k>"
        )
    content = read_mapping(record)
    asked = flattened({"evaluation": content.get("evaluation")}, origin=shown(record))
    values = [f"{key}={json.dumps(value)}" for key, value in asked.items()]
    return compose(scale=str(content.get("scale")), overrides=values)


def _benchmark_of(
    benchmark: str, configs: Sequence[Config], scale: str
) -> tuple[BenchmarkConfig, Config]:
    """The benchmark's settings: of the first run that has them, else of the scale."""
    for config in [*configs, compose(scale=configs[0].scale if configs else scale)]:
        if benchmark in config.evaluation.benchmarks:
            return config.evaluation.benchmarks[benchmark], config
    known = ", ".join(config.evaluation.benchmarks)
    raise LynxError(f"no benchmark '{benchmark}' at scale {config.scale}; there are: {known}")


def _questions_of(settings: BenchmarkConfig) -> str:
    spec = settings.questions
    return spec if spec.startswith(WORLD_PREFIX) else str(from_root(spec))


def _refuse_twice(name: str, origin: str, origins: Mapping[str, str]) -> None:
    if name in origins:
        raise LynxError(f"{origin} and {origins[name]} would both be called {name}")


def _answers_of(
    run: Path, benchmark: str, questions: Sequence[Question], padding: int
) -> dict[str, str]:
    """Predictions of a finished evaluation, by question id."""
    files = ResultFiles(RunDir(run).eval_dir(benchmark))
    if not files.predictions_path.exists():
        raise LynxError(
            f"no answers at {files.predictions_path}: run 'lynx evaluate' on that run first"
        )
    by_id = {prediction.id: prediction for prediction in files.predictions()}
    for q in questions:
        told = by_id.get(q.id)
        # Pictures may have been padded before the model saw them; raters see them as published.
        names = {q.picture, content_name([padded(image, padding) for image in q.images])}
        if told is not None and (told.question != q.question or told.picture not in names):
            raise LynxError(
                f"{files.predictions_path}: question {q.id} is not the one of {benchmark} (words "
                "or picture differ): run 'lynx evaluate' on that run again"
            )
    return {id_: prediction.prediction for id_, prediction in by_id.items()}
