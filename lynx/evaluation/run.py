"""Evaluates a finished run: asks every benchmark, judges the answers, writes the scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import PreTrainedTokenizerBase

from lynx.config.paths import from_root
from lynx.config.schema import Config
from lynx.evaluation.asking import Asker, Generator
from lynx.evaluation.build import (
    Benchmark,
    build_asker,
    build_benchmark,
    file_identity,
    load_trained_model,
    trained_parts_path,
)
from lynx.evaluation.judges.base import Claim, Judge
from lynx.evaluation.judges.build import build_judge
from lynx.evaluation.plug_and_play import ask
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, Result, ResultFiles
from lynx.evaluation.scores import Scores, count
from lynx.evaluation.wandb_table import log_evaluation
from lynx.tracking.ranks import (
    agreed,
    gathered,
    is_connected,
    is_first_rank,
    rank_and_world_size,
)
from lynx.tracking.run_dir import RunDir
from lynx.tracking.stopping import StoppedError, StopSignals

_console = Console(highlight=False)


def evaluate(
    run_dir: RunDir,
    config: Config,
    *,
    model: Generator | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    resume: bool = False,
    blind: bool = True,
) -> dict[str, Scores]:
    """Evaluate the run on every benchmark of its configuration; returns the scores by benchmark.

    model, tokenizer: of the run if at hand (as `load_trained_model` gives them), else they are
    loaded when first needed. resume: go on with the answers of an interrupted evaluation. blind:
    also ask with swapped pictures.

    Answers that were given under the same protocol, by this run or by one beside it with the same
    trained parts, are not asked for again. Judging is repeated, as it costs nothing: the rule is
    quick, and a served judge's replies are kept.

    Ranks that are connected share the questions, and rank zero alone writes, judges and returns
    scores; ranks that aren't leave everything to rank zero.
    """
    if not (is_first_rank() or is_connected()):
        return {}
    checkpoint = file_identity(trained_parts_path(run_dir))
    judge = build_judge(config.evaluation.judge, cache_dir=from_root(config.data.cache_dir))

    @cache
    def asker() -> Asker:
        if model is None or tokenizer is None:
            loaded = load_trained_model(run_dir, config)
            return build_asker(config, model=loaded[0], tokenizer=loaded[1])
        return build_asker(config, model=model, tokenizer=tokenizer)

    scores: dict[str, Scores] = {}
    questions: dict[str, tuple[Question, ...]] = {}
    for name in config.evaluation.benchmarks:
        benchmark = build_benchmark(config, name, checkpoint=checkpoint)
        questions[name] = benchmark.questions
        blind_scores = None
        for version in [benchmark.blind(config.seed), benchmark] if blind else [benchmark]:
            files = ResultFiles(run_dir.eval_dir(name, blind=version.is_blind))
            _ask_all(
                version, files, asker, run_dir=run_dir, batch_size=config.evaluation.batch_size,
                resume=resume,
            )  # fmt: skip
            if is_first_rank():
                scores[name] = _judge_all(version, files, judge, blind=blind_scores)
                blind_scores = scores[name]
    if is_first_rank():
        log_evaluation(run_dir, config, scores=scores, questions=questions)
    return scores


def _ask_all(
    benchmark: Benchmark,
    files: ResultFiles,
    asker: Callable[[], Asker],
    *,
    run_dir: RunDir,
    batch_size: int,
    resume: bool,
) -> None:
    """Leave `predictions.jsonl` complete."""
    title = f"{benchmark.name}{' (swapped pictures)' if benchmark.is_blind else ''}"
    is_first = is_first_rank()
    done = agreed(
        _begin(benchmark, files, title, run_dir=run_dir, resume=resume) if is_first else None
    )
    if done is None:
        return
    loaded = asker()  # before a bar is shown: it may have something to tell
    with _progress(shown=is_first) as progress, StopSignals() as signals:
        task = progress.add_task(title, total=len(benchmark.questions), completed=len(done))
        for predictions in _answers(benchmark, loaded, first=len(done), batch_size=batch_size):
            if is_first:
                files.append(predictions)
            done.extend(predictions)
            progress.advance(task, len(predictions))
            if signals.received_by_any():
                raise StoppedError(
                    f"evaluation was stopped by a signal, {title}: after {len(done)} of "
                    f"{len(benchmark.questions)} questions; go on with --resume"
                )
    if is_first:
        files.finish(done)


def _begin(
    benchmark: Benchmark, files: ResultFiles, title: str, *, run_dir: RunDir, resume: bool
) -> list[Prediction] | None:
    """The predictions to go on from, of an interrupted evaluation; None: nothing is to be asked."""
    is_same = (files.protocol() or {}).get("key") == benchmark.protocol["key"]
    if is_same and files.predictions_path.exists():
        _console.print(f"{title}: already asked")
        return None
    if not (is_same and resume):
        files.begin(benchmark.protocol)
    donor = _same_answers_elsewhere(benchmark, run_dir)
    if donor is not None:
        _console.print(
            f"{title}: same trained parts and questions as {donor.directory}, answers reused"
        )
        files.finish(donor.predictions())
        return None
    return files.partial()


def _answers(
    benchmark: Benchmark, asker: Asker, *, first: int, batch_size: int
) -> Iterator[list[Prediction]]:
    """The predictions from question number `first` on, a batch of every rank at a time."""
    rank, world_size = rank_and_world_size()
    for start in range(first, len(benchmark.questions), world_size * batch_size):
        own = start + rank * batch_size
        batches = gathered(_answer_batch(benchmark, asker, slice(own, own + batch_size)))
        yield [prediction for batch in batches for prediction in batch]


def _answer_batch(benchmark: Benchmark, asker: Asker, chosen: slice) -> list[Prediction]:
    questions, prompts = benchmark.questions[chosen], benchmark.prompts[chosen]
    if not questions:  # the last round may have none for this rank
        return []
    answers = ask(
        asker, questions, prompts, decoding=benchmark.decoding, description=benchmark.description
    )
    return [
        Prediction(
            id=q.id, category=q.category, question=q.question, answer=q.answer,
            picture=q.picture, prompt=prompt, prediction=answer.prediction,
            description=answer.description,
        )
        for q, prompt, answer in zip(questions, prompts, answers, strict=True)
    ]  # fmt: skip


def _judge_all(
    benchmark: Benchmark, files: ResultFiles, judge: Judge, *, blind: Scores | None
) -> Scores:
    """Write verdicts.jsonl and scores.json."""
    predictions = files.predictions()
    verdicts = judge.judge([Claim(p.question, p.prediction, p.answer) for p in predictions])
    files.write_verdicts(
        {"id": p.id, "correct": v.correct, "reply": v.reply}
        for p, v in zip(predictions, verdicts, strict=True)
    )
    results = [Result(p, v.correct) for p, v in zip(predictions, verdicts, strict=True)]
    overall, categories = count(results, benchmark.questions, blind=blind)
    scores = Scores(
        benchmark=benchmark.name,
        is_blind=benchmark.is_blind,
        judge=judge.name,
        decoding=benchmark.decoding_row,
        seed=benchmark.conditions["seed"],
        key=f"{benchmark.protocol['key']}/{judge.name}",
        overall=overall,
        categories=categories,
    )
    files.write_scores(scores.as_json())
    return scores


def _same_answers_elsewhere(benchmark: Benchmark, run_dir: RunDir) -> ResultFiles | None:
    """A run beside this one that answered under the very same protocol (evaluation-only diffs)."""
    place = run_dir.eval_dir(benchmark.name, blind=benchmark.is_blind).relative_to(run_dir.path)
    for run in sorted(run_dir.path.parents[1].glob("*/seed*")):
        files = ResultFiles(run / place)
        protocol = files.protocol()
        if (
            run != run_dir.path
            and files.predictions_path.exists()
            and protocol is not None
            and protocol["key"] == benchmark.protocol["key"]
        ):
            return files
    return None


def _progress(*, shown: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    return Progress(*columns, console=_console, disable=not shown)
