"""VisIT-Bench as published: the sheet of instructions, and submissions with one column of answers.

The benchmark is the sheet's rows whose GPT-4 answer people found right and whose caption they found
faultless; that answer is the reference. A submission names an instruction by picture, text and
category, and nothing else: a changed apostrophe loses the answer, so whatever doesn't match is
counted and shown.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.evaluation.questions import Kind, Question
from lynx.evaluation.results import Prediction
from lynx.tracking.files import write_text_atomic

SHEET = "single_image_full_dataset.csv"
_NEEDED = (
    "instruction_category", "image", "instruction", "gpt4_prediction", "image_dense_captions",
    "human_ratings_gpt4_correct", "human_ratings_problem_in_caption",
)  # fmt: skip
_KEY = ("image", "instruction", "instruction_category")
LOCAL_PICTURE = "image_path"  # optional column: where the picture lies, from the sheet's folder
_PICTURE_DIRS = ("", "images", "visit_images")
# Columns that the leaderboard doesn't take for a model's answers.
METADATA = frozenset(
    (
        "image_url", "image_dense_caption", "instruction_category", "instruction",
        "output_human_annotated", "image", "gpt4_prediction", "image_dense_captions",
        "reference_output", "human_ratings_gpt4_correct", "human_ratings_problem_in_caption",
        "human_ratings_problem_in_gpt4", "public_images_metadata", "Unnamed", "visual",
        "Unnamed: 0", "idx", "question", "image_id",
    )
)  # fmt: skip
_ENDINGS = (" predictions", " prediction")
_NUM_SHOWN = 3  # examples in a report

Key = tuple[str, str, str]  # picture, instruction, category


@dataclass(frozen=True)
class Sheet:
    """The sheet's questions, and what was left out of it."""

    questions: tuple[Question, ...]
    num_rows: int
    num_rejected: int  # GPT-4's answer wrong or not rated, or a problem in the caption
    num_repeated: int  # same picture, instruction and category as an earlier row


@dataclass(frozen=True)
class Submission:
    """A model's answers, and what did not match."""

    model: str
    answers: dict[str, str]  # by question id
    num_rows: int
    unmatched: tuple[Key, ...]  # rows of the submission that name no question
    unanswered: tuple[Key, ...]  # questions that no row names
    repeated: tuple[Key, ...]  # rows with a second, different answer to a question; the first holds

    @property
    def report(self) -> str:
        """One paragraph: counts, and the first examples of what would otherwise vanish."""
        total = len(self.answers) + len(self.unanswered)
        text = f"{self.model}: {len(self.answers)} of {total} questions answered"
        if self.unmatched:
            text += f"; {len(self.unmatched)} of {self.num_rows} rows name no question"
        if self.repeated:
            text += f"; second answers, left out: {len(self.repeated)}, to {_shown(self.repeated)}"
        if self.unanswered:
            text += f"; no row names, for example, {_shown(self.unanswered)}"
            closest = [key for key in self.unmatched if key[0] in {k[0] for k in self.unanswered}]
            if closest:
                text += f"; of the same pictures the file has {_shown(closest)}"
        return text


def load(path: Path, *, kind: Kind, num_frames: int) -> list[Question]:
    """The benchmark's questions; see `read_sheet`. num_frames: not used, there are no videos."""
    if kind != "image":
        raise LynxError("VisIT-Bench has no videos: set evaluation.benchmarks.*.kind to image")
    return list(read_sheet(path).questions)


def read_sheet(path: Path) -> Sheet:
    """Read the leaderboard's sheet (a csv file, or the folder that holds it) with its pictures.

    A picture lies at the path in the column `image_path` where the sheet has one, else under the
    last part of its address beside the sheet, in `images/` or in `visit_images/`.
    """
    path = path / SHEET if path.is_dir() else path
    rows = list(_rows(path, needed=_NEEDED))
    questions: dict[Key, tuple[str, Mapping[str, str]]] = {}
    num_rejected = num_repeated = 0
    for number, (where, row) in enumerate(rows, start=1):
        is_right = _truth(row, "human_ratings_gpt4_correct", where) is True
        is_faultless = _truth(row, "human_ratings_problem_in_caption", where) is False
        if not (is_right and is_faultless):
            num_rejected += 1
        elif _key(row) in questions:
            num_repeated += 1
        else:
            questions[_key(row)] = (str(number), row)
    if not questions:
        raise LynxError(
            f"{path}: none of {len(rows)} rows has human_ratings_gpt4_correct TRUE and "
            "human_ratings_problem_in_caption FALSE"
        )
    files = {key: _picture_file(path, row) for key, (_, row) in questions.items()}
    missing = [key[0] for key, file in files.items() if file is None]
    if missing:
        raise LynxError(
            f"{len(missing)} pictures of {path} are missing, the first is {missing[0]}; they must "
            f"lie beside the sheet, in its folder {' or '.join(_PICTURE_DIRS[1:])}, or at the "
            f"paths of a column '{LOCAL_PICTURE}'"
        )
    made = tuple(
        Question(
            index=index,
            id=id_,
            category=row["instruction_category"],
            question=row["instruction"],
            answer=row["gpt4_prediction"],
            kind="image",
            images=(_bytes(files[key]),),
            image_name=row["image"],
            caption=row["image_dense_captions"],
        )
        for index, (key, (id_, row)) in enumerate(questions.items())
    )
    return Sheet(made, len(rows), num_rejected, num_repeated)


def read_submission(path: Path, questions: Sequence[Question]) -> Submission:
    """Read a submission: a csv with `instruction`, `instruction_category`, `image` and answers.

    Raises LynxError where not exactly one column is a model's. The published sheet holds one
    instruction twice, so submissions have two answers to it; the first one counts.
    """
    rows = list(_rows(path, needed=_KEY))
    if not rows:
        raise LynxError(f"{path}: no rows below the header")
    columns = [name for name in rows[0][1] if name not in METADATA and name != LOCAL_PICTURE]
    if len(columns) != 1:
        found = ", ".join(f"'{name}'" for name in columns) or "none"
        raise LynxError(
            f"{path}: line 1: exactly one column may hold answers ('<model> prediction'); "
            f"besides the sheet's own there {'is' if len(columns) < 2 else 'are'} {found}"
        )
    known = {(q.image_name, q.question, q.category): q.id for q in questions}
    answers: dict[str, str] = {}
    unmatched: list[Key] = []
    repeated: list[Key] = []
    for _, row in rows:
        id_ = known.get(_key(row))
        if id_ is None:
            unmatched.append(_key(row))
        elif answers.setdefault(id_, row[columns[0]]) != row[columns[0]]:
            repeated.append(_key(row))
    return Submission(
        model=_model_name(columns[0]),
        answers=answers,
        num_rows=len(rows),
        unmatched=tuple(unmatched),
        unanswered=tuple(key for key, id_ in known.items() if id_ not in answers),
        repeated=tuple(repeated),
    )


def read_answers(path: Path, questions: Sequence[Question]) -> dict[str, str]:
    """Answers by question id from a submission; questions without one are warned of."""
    submission = read_submission(path, questions)
    if submission.unanswered:
        warnings.warn(submission.report, stacklevel=2)
    return submission.answers


def write_answers(path: Path, predictions: Sequence[Prediction], *, model: str = "lynx") -> None:
    """Write a submission; model: the name that the leaderboard shows."""
    column = f"{model} prediction"
    if column in METADATA:
        raise LynxError(f"the leaderboard takes a column '{column}' for its own: another name")
    stream = io.StringIO()
    # All quoted: Python 3.11 leaves a field with a lone carriage return bare, and can't read it.
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["instruction", "instruction_category", "image", column])
    for one in predictions:
        writer.writerow([one.question, one.category, one.image_name, one.prediction])
    write_text_atomic(path, stream.getvalue())


def _rows(path: Path, *, needed: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with its place ("file: line n"); a field may span lines."""
    if not path.is_file():
        raise LynxError(f"no file {path}: a csv with the columns {', '.join(needed)}")
    # Some files of the leaderboard were saved by a spreadsheet, with a byte order mark.
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LynxError(f"{path} is not UTF-8 ({error}): save it as csv in UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        absent = [name for name in needed if name not in header]
        if absent:
            raise LynxError(f"{path}: line 1: no column {', '.join(absent)}")
        if len(set(header)) != len(header):
            raise LynxError(f"{path}: line 1: two columns have one name")
        line = reader.line_num + 1
        for row in reader:
            where = f"{path}: line {line}"
            line = reader.line_num + 1
            if not row:
                continue
            if len(row) != len(header):
                raise LynxError(f"{where}: {len(row)} fields, the header has {len(header)}")
            yield where, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise LynxError(f"{path}: line {reader.line_num}: {error}") from error


def _key(row: Mapping[str, str]) -> Key:
    return row["image"], row["instruction"], row["instruction_category"]


def _truth(row: Mapping[str, str], column: str, where: str) -> bool | None:
    """What people said; None where nobody did."""
    truths = {"true": True, "1": True, "false": False, "0": False, "": None}
    said = row[column].strip().lower()
    if said not in truths:
        raise LynxError(f"{where}: {column} is '{row[column]}'; TRUE or FALSE is needed")
    return truths[said]


def _picture_file(sheet: Path, row: Mapping[str, str]) -> Path | None:
    if row.get(LOCAL_PICTURE):
        file = sheet.parent / row[LOCAL_PICTURE]
        return file if file.is_file() else None
    name = row["image"].rsplit("/", 1)[-1]
    candidates = [sheet.parent / folder / name for folder in _PICTURE_DIRS]
    return next((file for file in candidates if name and file.is_file()), None)


def _bytes(file: Path | None) -> bytes:
    assert file is not None
    return file.read_bytes()


def _model_name(column: str) -> str:
    """Without " prediction"; the column itself where nothing would be left."""
    for ending in _ENDINGS:
        if column.endswith(ending) and column != ending:
            return column.removesuffix(ending)
    return column


def _shown(keys: Sequence[Key]) -> str:
    return ", ".join(f"'{instruction}' ({image})" for image, instruction, _ in keys[:_NUM_SHOWN])
