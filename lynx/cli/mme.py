"""The command `lynx mme`: MME's scores of a run or of results files, beside what chance gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.config.errors import LynxError

if TYPE_CHECKING:
    from lynx.evaluation.benchmarks.mme_protocols import ProtocolDiff
    from lynx.evaluation.benchmarks.mme_scoring import MmeReport, SumScore, TaskScore
    from lynx.evaluation.benchmarks.mme_tasks import Row

_SHOWN = 20  # answers that the rules read differently
_ANSWER_WIDTH = 48


@dataclass(frozen=True)
class _Answers:
    rows: Sequence[Row]
    asked: Sequence[str]  # what the user said, or the question in the file
    is_plug_and_play: bool = False


def mme(
    path: Annotated[
        Path,
        typer.Argument(
            help="A run's folder, the folder of one evaluation, or one of official results files."
        ),
    ],
    protocols: Annotated[
        bool, typer.Option("--protocols", help="Read the answers by other harnesses' rules too.")
    ] = False,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark in the run.")] = "mme",
    json_path: Annotated[Path | None, typer.Option("--json", help="Write all of it here.")] = None,
) -> None:
    """Print MME's official scores with other_rate and what a random guesser would get."""
    from lynx.evaluation.benchmarks.mme_protocols import protocol_diff
    from lynx.evaluation.benchmarks.mme_scoring import score_mme
    from lynx.tracking.files import write_json_atomic

    answers = _answers(path, benchmark)
    report = score_mme(answers.rows)
    difference = protocol_diff(answers.rows) if protocols else None
    typer.echo(_heading(path, answers))
    typer.echo(_score_table(report))
    if difference is not None:
        typer.echo(_protocol_text(difference))
    if json_path:
        content = report.as_json()
        if difference is not None:
            content["protocols"] = difference.as_json()
        write_json_atomic(json_path, content)


def _answers(path: Path, benchmark: str) -> _Answers:
    """The answers at `path`; raises LynxError where there are none."""
    from lynx.evaluation.benchmarks.mme_results import read_rows
    from lynx.evaluation.benchmarks.mme_tasks import rows_of
    from lynx.evaluation.results import ResultFiles
    from lynx.tracking.run_dir import RunDir

    run = RunDir(path)
    for folder in (path, run.eval_dir(benchmark)):
        files = ResultFiles(folder)
        if files.predictions_path.is_file():
            found = files.predictions()
            prompts = [one.prompt for one in found]
            return _Answers(rows_of(found), prompts, any(one.description for one in found))
    if run.config_path.is_file():
        raise LynxError(
            f"{path} has no answers to the benchmark '{benchmark}' ({run.eval_dir(benchmark)}): "
            "`lynx evaluate` asks it, or name another with --benchmark"
        )
    rows = read_rows(path)
    return _Answers(rows, [row.question for row in rows])


def _heading(path: Path, answers: _Answers) -> str:
    from lynx.evaluation.benchmarks.mme_tasks import SUFFIX

    request = SUFFIX.strip()
    wanted = request.lower()
    number = sum(text.strip().lower().endswith(wanted) for text in answers.asked)
    if number == len(answers.asked):
        ending = f'every question ends "{request}"'
    elif number == 0:
        ending = f'no question ends "{request}", which all published ones do'
    else:
        ending = f'{number} of {len(answers.asked)} questions end "{request}", as all published do'
    lines = [
        f"MME, {path}" + (", with plug-and-play" if answers.is_plug_and_play else ""),
        "yes or no by the official rule: in the first four characters of the raw answer",
        ending,
        "",
    ]
    return "\n".join(lines)


def _score_table(report: MmeReport) -> str:
    from lynx.evaluation.benchmarks.mme_tasks import GROUPS, PRINTED_NAMES
    from lynx.reporting.text import aligned

    header = (
        "", "pictures", "score", "95 % interval", "acc", "acc+", "other", "yes", "chance (95 %)", ""
    )  # fmt: skip
    rows: list[Sequence[str]] = [header]
    for group in GROUPS:
        summed: SumScore | None = getattr(report, group)
        if summed is None:
            continue
        rows += [_task_cells(PRINTED_NAMES[task], report.tasks[task]) for task in summed.tasks]
        rows.append(_sum_cells(group, summed, report))
    text = aligned(rows)
    if report.missing:
        text += f"\nmissing tasks: {', '.join(report.missing)}"
    text += (
        "\nacc, acc+, other (answers that say neither) and yes in percent; chance: of one who "
        "guesses; who always\nsays the same gets 50 of 200"
    )
    return text


def _task_cells(name: str, one: TaskScore) -> list[str]:
    return [
        name,
        str(one.num_images),
        f"{one.score:.2f}",
        f"{one.low:.1f} to {one.high:.1f}",
        f"{100 * one.accuracy:.1f}",
        f"{100 * one.accuracy_plus:.1f}",
        f"{100 * one.other_rate:.1f}",
        f"{100 * one.yes_rate:.1f}",
        f"{one.chance.low:.1f} to {one.chance.high:.1f}",
        _verdict(one),
    ]


def _sum_cells(group: str, one: SumScore, report: MmeReport) -> list[str]:
    tasks = [report.tasks[task] for task in one.tasks]
    asked = sum(task.num_questions for task in tasks)
    others = sum(task.other_rate * task.num_questions for task in tasks)
    yes = sum(task.yes_rate * task.num_questions for task in tasks)
    return [
        f"{group} (of {one.max:.0f})",
        str(sum(task.num_images for task in tasks)),
        f"{one.score:.2f}",
        f"{one.low:.1f} to {one.high:.1f}",
        "",
        "",
        f"{100 * others / asked:.1f}",
        f"{100 * yes / asked:.1f}",
        f"{one.chance.low:.1f} to {one.chance.high:.1f}",
        _verdict(one),
    ]


def _verdict(one: TaskScore | SumScore) -> str:
    """Where the score lies against the band of a random guesser."""
    if one.score > one.chance.high:
        return "above"
    return "below" if one.score < one.chance.low else "chance"


def _protocol_text(difference: ProtocolDiff) -> str:
    from lynx.evaluation.benchmarks.mme_protocols import RULES
    from lynx.evaluation.benchmarks.mme_tasks import PRINTED_NAMES
    from lynx.reporting.text import aligned, columns, shortened

    rows: list[Sequence[str]] = [("the same answers by the rule of", *RULES)]
    named = {PRINTED_NAMES[task]: scores for task, scores in difference.tasks.items()}
    for name, scores in (named | difference.groups).items():
        rows.append((name, *(f"{scores[rule]:.2f}" for rule in RULES)))
    text = "\n" + aligned(rows)
    number = len(difference.disagreements)
    text += f"\n\nread differently: {number} of {difference.num_questions} answers"
    if not number:
        return text
    listed: list[Sequence[str]] = [("picture", "right", *RULES, "answer")]
    for one in difference.disagreements[:_SHOWN]:
        labels = [one.labels[rule] for rule in RULES]
        answer = shortened(repr(one.answer), _ANSWER_WIDTH)
        listed.append((shortened(f"{one.task}/{one.image}", 36), one.truth, *labels, answer))
    text += "\n" + "\n".join(columns(listed, left=range(len(listed[0]))))
    if number > _SHOWN:
        text += f"\nand {number - _SHOWN} more, all of them with --json"
    return text
