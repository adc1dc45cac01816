"""MME's tasks: their order, their names in files and in the paper, and an answered question."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Literal

from lynx.config.errors import LynxError
from lynx.evaluation.results import Prediction

Group = Literal["perception", "cognition"]
SUFFIX = " Please answer yes or no."  # ends every published question

# Name in the published files, which is the category here, and name in the paper's Table 10; in the
# order of both.
PRINTED_NAMES = {
    "existence": "Existence",
    "count": "Count",
    "position": "Position",
    "color": "Color",
    "posters": "Poster",
    "celebrity": "Celebrity",
    "scene": "Scene",
    "landmark": "Landmark",
    "artwork": "Artwork",
    "OCR": "OCR",
    "commonsense_reasoning": "Commonsense",
    "numerical_calculation": "Numerical",
    "text_translation": "Text Translation",
    "code_reasoning": "Code Reasoning",
}
TASKS = tuple(PRINTED_NAMES)
GROUPS: dict[Group, tuple[str, ...]] = {"perception": TASKS[:10], "cognition": TASKS[10:]}


@dataclass(frozen=True)
class Row:
    """One answered question; a picture's two rows share `task` and `image`."""

    task: str
    image: str  # file name, without the task's folder
    question: str
    truth: str  # "yes" or "no"
    answer: str  # raw: blanks and line ends in front count for the official rule
    picture: str = ""  # name of the picture's content, the same in two tasks; "" where unknown

    @property
    def is_yes(self) -> bool:
        """Whether "yes" is right."""
        return self.truth == "yes"


def image_name(task: str, image: str) -> str:
    """Name of a picture in the whole benchmark: tasks use the same file names."""
    return f"{task}/{image}"


def is_truth(text: str) -> bool:
    """Whether the text is a right answer as the published files write it."""
    return text.lower() in ("yes", "no")


def rows_of(predictions: Iterable[Prediction]) -> list[Row]:
    """Predictions of a run as rows; raises LynxError where one is no question of MME's form."""
    rows = []
    for one in predictions:
        prefix = image_name(one.category, "")
        if one.category not in TASKS or not one.image_name.startswith(prefix):
            raise LynxError(
                f"question {one.id}: category '{one.category}' and picture '{one.image_name}' are "
                f"not MME's; the category is a task ({', '.join(TASKS)}) and the picture is named "
                "TASK/FILE"
            )
        if not is_truth(one.answer):
            raise LynxError(f"question {one.id}: the right answer is '{one.answer}', not Yes or No")
        image = one.image_name.removeprefix(prefix)
        truth = one.answer.lower()
        rows.append(Row(one.category, image, one.question, truth, one.prediction, one.picture))
    return rows


def pairs_by_task(rows: Iterable[Row]) -> dict[str, list[tuple[Row, Row]]]:
    """The two rows of each picture, by task: tasks in the official order, pictures by their names.

    Rows are paired by the picture's name, wherever they stand. Raises LynxError where a picture
    has one row or more than two.
    """
    by_picture: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        by_picture.setdefault(row.task, {}).setdefault(row.image, []).append(row)
    for task, pictures in by_picture.items():
        for image, both in pictures.items():
            if len(both) != 2:
                raise LynxError(
                    f"MME asks two questions about each picture, and {image_name(task, image)} "
                    f"has {len(both)}: a picture's questions are kept or left out together"
                )
    return {
        task: [(first, second) for _, (first, second) in sorted(by_picture[task].items())]
        for task in TASKS
        if task in by_picture
    }


def missing_tasks(present: Container[str]) -> tuple[str, ...]:
    """The tasks that are not there, in the official order."""
    return tuple(task for task in TASKS if task not in present)
