"""Evaluates a finished run: asks every benchmark, judges the answers, writes the scores."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.schema import Config
from lynx.evaluation.asking import Answering, Asker, Generator, Turn
from lynx.evaluation.build import (
    Benchmark,
    build_asker,
    build_benchmark,
    file_identity,
    load_trained_model,
    trained_parts_path,
)
from lynx.evaluation.judges.base import Judge
from lynx.evaluation.judges.build import build_judge
from lynx.evaluation.judges.reply_store import judgements_dir
from lynx.evaluation.plug_and_play import ask
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.scores import Scores
from lynx.evaluation.scoring import UNJUDGED, score
from lynx.evaluation.wandb_table import log_evaluation
from lynx.tracking.ranks import (
    agreed,
    gathered,
    is_connected,
    is_first_rank,
    rank_and_world_size,
)
from lynx.tracking.run_dir import SHOWN, RunDir
from lynx.tracking.stopping import StoppedError, StopSignals

_console = Console(highlight=False)


def evaluate(
    run_dir: RunDir,
    config: Config,
    *,
    model: Generator | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    resume: bool = False,
    without_vision: Sequence[str] | None = None,
    benchmarks: Sequence[str] = (),
) -> dict[str, Scores]:
    """Evaluate the run on the benchmarks of its configuration; returns the scores by benchmark.

    model, tokenizer: of the run if at hand (as `load_trained_model` gives them), else they are
    loaded when first needed. resume: go on with the answers of an interrupted evaluation.
    without_vision: what is shown instead of the pictures to ask once more, each in turn; None takes
    the configuration's. benchmarks: those to ask; none means the configuration's.

    Ranks that are connected share the questions, and rank zero alone writes, judges and returns
    scores; ranks that aren't leave everything to rank zero.
    """
    if not (is_first_rank() or is_connected()):
        return {}
    checkpoint = file_identity(trained_parts_path(run_dir))
    judge = build_judge(config.evaluation.judge, cache_dir=judgements_dir(run_dir.path))

    @cache
    def asker() -> Asker:
        if model is None or tokenizer is None:
            loaded = load_trained_model(run_dir, config)
            return build_asker(config, model=loaded[0], tokenizer=loaded[1])
        return build_asker(config, model=model, tokenizer=tokenizer)

    built = [
        build_benchmark(config, name, checkpoint=checkpoint)
        for name in chosen_benchmarks(config, benchmarks)
    ]
    visions = config.evaluation.without_vision if without_vision is None else without_vision
    scores = ask_benchmarks(
        run_dir, built, asker, judge, batch_size=config.evaluation.batch_size, resume=resume,
        without_vision=visions, seed=config.seed,
    )  # fmt: skip
    if is_first_rank():
        questions = {benchmark.name: benchmark.questions for benchmark in built}
        log_evaluation(run_dir, config, scores=scores, questions=questions)
    return scores


def chosen_benchmarks(config: Config, names: Sequence[str]) -> list[str]:
    """`names`, or those that the configuration asks; raises LynxError for one that it lacks."""
    known = config.evaluation.benchmarks
    for name in names:
        if name not in known:
            raise LynxError(
                f"no benchmark `{name}` in evaluation.benchmarks{nearest_hint(name, known)}; "
                f"there are: {', '.join(known)}"
            )
    return list(dict.fromkeys(names or config.evaluation.ask_only or known))


def ask_benchmarks(
    run_dir: RunDir,
    benchmarks: Sequence[Benchmark],
    asker: Callable[[], Answering],
    judge: Judge,
    *,
    batch_size: int,
    resume: bool,
    without_vision: Sequence[str],
    seed: int,
) -> dict[str, Scores]:
    """Ask, judge and count each benchmark, with and without its pictures; scores by benchmark.

    asker: gives whoever answers; called when the first question is to be asked. seed: deals out the
    swapped pictures. Benchmarks that no judge decides are asked with their pictures alone.

    Answers that were given under the same protocol, by this run or by one beside it with the same
    trained parts, are not asked for again. Judging is repeated, as it costs nothing: the rule is
    quick, and a served judge's replies are kept.
    """
    found: dict[str, Scores] = {}
    for benchmark in benchmarks:
        visions = () if benchmark.format in UNJUDGED else without_vision
        without: dict[str, Scores] = {}
        versions = [benchmark.without_picture(vision, seed) for vision in visions]
        for version in [*versions, benchmark]:
            files = ResultFiles(run_dir.eval_dir(benchmark.name, version.vision))
            _ask_all(version, files, asker, run_dir=run_dir, batch_size=batch_size, resume=resume)
            if not is_first_rank():
                continue
            found[benchmark.name] = without[version.vision] = score(
                files, version.questions, protocol=version.protocol, judge=judge,
                without={} if version.vision != SHOWN else without,
            )  # fmt: skip
    return found


def _ask_all(
    benchmark: Benchmark,
    files: ResultFiles,
    asker: Callable[[], Answering],
    *,
    run_dir: RunDir,
    batch_size: int,
    resume: bool,
) -> None:
    """Leave `predictions.jsonl` complete."""
    title = benchmark.name + ("" if benchmark.vision == SHOWN else f" ({benchmark.vision})")
    is_first = is_first_rank()
    done = agreed(
        _begin(benchmark, files, title, run_dir=run_dir, resume=resume) if is_first else None
    )
    if done is None:
        return
    loaded = asker()  # before a bar is shown: it may have something to tell
    with _progress(shown=is_first) as progress, StopSignals() as signals:
        task = progress.add_task(title, total=len(benchmark.questions), completed=len(done))
        for places in _batches(benchmark, first=len(done), batch_size=batch_size):
            parts = gathered(_answer_batch(benchmark, loaded, places, done))
            predictions = [prediction for part in parts for prediction in part]
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


def _batches(benchmark: Benchmark, *, first: int, batch_size: int) -> Iterator[range]:
    """This rank's places of each round, from question number `first` on.

    A round ends where the next turn of dialogues begins, which needs the answers to this one.
    """
    rank, world_size = rank_and_world_size()
    start, end = first, len(benchmark.questions)
    while start < end:
        turn = benchmark.turns[start]
        stop = min(start + world_size * batch_size, bisect_right(benchmark.turns, turn))
        own = start + rank * batch_size
        yield range(min(own, stop), min(own + batch_size, stop))
        start = stop


def _answer_batch(
    benchmark: Benchmark, asker: Answering, places: range, done: Sequence[Prediction]
) -> list[Prediction]:
    if not places:  # the last round may have none for this rank
        return []
    chosen = slice(places.start, places.stop)
    questions, prompts = benchmark.questions[chosen], benchmark.prompts[chosen]
    earlier = [_earlier(benchmark, place, done) for place in places]
    # All of a batch are the same turn of their dialogues; only a first turn asks for a description.
    is_first_turn = benchmark.turns[places.start] == 0
    answers = ask(
        asker, questions, prompts, decoding=benchmark.decoding,
        description=benchmark.description if is_first_turn else None,
        described=benchmark.described[chosen],
        histories=[_history(benchmark, said) for said in earlier],
    )  # fmt: skip
    descriptions = [
        said[0].description if said else answer.description
        for said, answer in zip(earlier, answers, strict=True)
    ]
    return [
        Prediction(
            id=q.id, category=q.category, question=q.question, answer=q.answer,
            picture=q.picture, prompt=prompt, prediction=answer.prediction,
            description=description, image_name=q.image_name, dialogue=q.dialogue,
            num_tokens=answer.num_tokens,
        )
        for q, prompt, answer, description in zip(
            questions, prompts, answers, descriptions, strict=True
        )
    ]  # fmt: skip


def _earlier(benchmark: Benchmark, place: int, done: Sequence[Prediction]) -> list[Prediction]:
    """The earlier turns of the question's dialogue."""
    if benchmark.turns[place] == 0:
        return []
    dialogue = benchmark.questions[place].dialogue
    return [one for one in done if one.dialogue == dialogue]


def _history(benchmark: Benchmark, earlier: Sequence[Prediction]) -> list[Turn]:
    """What was said before: the description that the dialogue began with, questions, answers."""
    said: list[Turn] = [(one.prompt, one.prediction) for one in earlier]
    if earlier and benchmark.description is not None:
        said.insert(0, (benchmark.description.prompt, earlier[0].description))
    return said


def _same_answers_elsewhere(benchmark: Benchmark, run_dir: RunDir) -> ResultFiles | None:
    """A run beside this one that answered under the very same protocol (evaluation-only diffs)."""
    place = run_dir.eval_dir(benchmark.name, benchmark.vision).relative_to(run_dir.path)
    for run in sorted(run_dir.path.parents[1].glob("*/seed*")):
        files = ResultFiles(run / place)
        protocol = files.protocol()
        if (
            run != run_dir.path
            and files.predictions_path.exists()
            and protocol is not None
            and protocol.get("key") == benchmark.protocol["key"]
        ):
            return files
    return None


def _progress(*, shown: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    return Progress(*columns, console=_console, disable=not shown)
