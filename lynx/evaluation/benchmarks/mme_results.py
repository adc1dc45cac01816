"""MME's official results files: a text file per task, a line per question, four columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.mme_tasks import (
    SUFFIX,
    TASKS,
    Row,
    image_name,
    is_truth,
    pairs_by_task,
    rows_of,
)
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction
from lynx.tracking.files import write_bytes_atomic

_COLUMNS = "picture, question, Yes or No, answer"
# A character for a character, so that the rule, which looks at the first four, says the same.
_CLEANED = str.maketrans("\t\n\r", "   ")


@dataclass(frozen=True)
class PlacedRow:
    """A row and where it stands: "FILE, line N"."""

    row: Row
    where: str


def read_rows(directory: Path) -> list[Row]:
    """All answers of a folder of results files, without the benchmark; tasks may be missing.

    Raises LynxError with file and line where a line has no four columns, or a picture has not
    exactly two lines.
    """
    rows: list[Row] = []
    for task in tasks_of(directory):
        placed = list(read_task(directory, task))
        if not placed:
            raise LynxError(
                f"{results_path(directory, task)}, line 1: the file is empty; a task that was not "
                "asked has no file"
            )
        _check_pairs(placed)
        rows += [one.row for one in placed]
    return rows


def read_answers(path: Path, questions: Sequence[Question]) -> dict[str, str]:
    """Answers by question id from a folder of results files; whole tasks may be missing.

    Lines are joined by the names of the pictures and by the questions, so their order is free.
    Raises LynxError with file and line for a line that is no line of the benchmark, and with the
    file where a question of its task is not answered.
    """
    answers: dict[str, str] = {}
    for task in tasks_of(path):
        asked = [question for question in questions if question.category == task]
        if not asked:
            continue
        placed = list(read_task(path, task))
        answers |= _joined(placed, asked)
        _check_pairs(placed)
        left = [question for question in asked if question.id not in answers]
        if left:
            raise LynxError(
                f"{results_path(path, task)}: {len(left)} of {len(asked)} questions are not "
                f"answered, the first is '{left[0].question}' about {left[0].image_name}"
            )
    return answers


def write_answers(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write predictions as a folder of results files that the official script scores rightly.

    Pictures stand in the order of their names, the question with the answer Yes first, as in the
    published templates; the script pairs lines by their place. Raises LynxError where a picture
    hasn't two predictions, or the folder has the answers of another task.
    """
    by_task = pairs_by_task(rows_of(predictions))
    foreign = [t for t in TASKS if t not in by_task and results_path(path, t).exists()]
    if foreign:
        raise LynxError(
            f"{path} already has answers of other tasks ({', '.join(foreign)}), and answers of two "
            "models must not stand in one folder: give an empty one"
        )
    for task, pairs in by_task.items():
        lines = [
            _line(row) for pair in pairs for row in sorted(pair, key=lambda row: not row.is_yes)
        ]
        # A lone surrogate, which a JSON answer can hold, becomes a question mark.
        write_bytes_atomic(results_path(path, task), "".join(lines).encode("utf-8", "replace"))


def results_path(directory: Path, task: str) -> Path:
    """The results file of a task."""
    return directory / f"{task}.txt"


def tasks_of(directory: Path) -> list[str]:
    """Tasks that a folder has results of; raises LynxError where there are none."""
    tasks = [task for task in TASKS if results_path(directory, task).is_file()]
    if not tasks:
        raise LynxError(
            f"{directory} is no folder of MME results: it has no {TASKS[0]}.txt or file of another "
            f"task, whose lines are: {_COLUMNS}, with tabs between"
        )
    return tasks


def read_task(directory: Path, task: str) -> Iterator[PlacedRow]:
    """The lines of one results file, in its order."""
    path = results_path(directory, task)
    for number, line in read_lines(path):
        where = f"{path}, line {number}"
        cells = line.split("\t")
        if len(cells) != 4:
            raise LynxError(
                f"{where}: {len(cells)} columns, where 4 are wanted ({_COLUMNS}); an answer must "
                "hold no tab and no end of a line"
            )
        image, question, truth, answer = cells
        if not is_truth(truth):
            raise LynxError(f"{where}: the third column must be Yes or No, and is '{truth}'")
        yield PlacedRow(Row(task, image, question, truth.lower(), answer), where)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a text file, without their ends; empty lines at its end are left out.

    Lines end where Python's text files end them, not where str.splitlines() does: an answer may
    hold a form feed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline=None) as stream:
            lines = stream.read().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise LynxError(f"{path} can't be read as UTF-8 text: {error}") from error
    while lines and not lines[-1]:
        lines.pop()
    yield from enumerate(lines, start=1)


def _line(row: Row) -> str:
    cells = (row.image, row.question, "Yes" if row.is_yes else "No", row.answer)
    return "\t".join(cell.translate(_CLEANED) for cell in cells) + "\n"


def _check_pairs(placed: Iterable[PlacedRow]) -> None:
    by_image: dict[str, list[PlacedRow]] = {}
    for one in placed:
        by_image.setdefault(one.row.image, []).append(one)
    for image, lines in by_image.items():
        if len(lines) != 2:
            raise LynxError(
                f"{lines[-1].where}: picture {image} has {len(lines)} line"
                f"{'s' * (len(lines) > 1)} in the file, where each has two"
            )


def _joined(placed: Sequence[PlacedRow], asked: Sequence[Question]) -> dict[str, str]:
    known: dict[str, dict[str, Question]] = {}
    for question in asked:
        known.setdefault(question.image_name, {})[_key(question.question)] = question
    answers: dict[str, str] = {}
    for one in placed:
        row = one.row
        of_picture = known.get(image_name(row.task, row.image))
        if of_picture is None:
            raise LynxError(f"{one.where}: the benchmark's {row.task} has no picture {row.image}")
        meant = of_picture.get(_key(row.question))
        if meant is None:
            texts = " or ".join(f"'{q.question}'" for q in of_picture.values())
            raise LynxError(
                f"{one.where}: the question '{row.question}' is not asked about {row.image}; it is "
                f"{texts}"
            )
        if meant.answer.lower() != row.truth:
            raise LynxError(
                f"{one.where}: the third column says {row.truth}, the benchmark {meant.answer}"
            )
        if meant.id in answers:
            raise LynxError(f"{one.where}: a second answer to '{row.question}' about {row.image}")
        answers[meant.id] = row.answer
    return answers


def _key(question: str) -> str:
    """The question without what harnesses change in it: blanks, and the request at its end."""
    text = " ".join(question.split())
    return text.removesuffix(SUFFIX).strip()
