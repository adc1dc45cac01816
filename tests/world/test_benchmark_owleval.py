"""The miniature world's OwlEval: as many questions and dialogues, about scenes never trained on."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from transformers import AutoTokenizer

from lynx.config.paths import repository_root
from lynx.world import datasets
from lynx.world import vocabulary as words
from lynx.world.benchmarks import owleval
from lynx.world.benchmarks.owleval import draw
from lynx.world.wordings import WORDINGS

real = owleval.draw_scene_picture


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return draw()


def test_it_has_owlevals_numbers_of_questions_pictures_and_dialogues(
    rows: list[dict[str, Any]],
) -> None:
    assert len(rows) == 82
    assert [row["id"] for row in rows] == [str(number) for number in range(1, 83)]
    assert len({row["image_name"] for row in rows}) == 50
    assert Counter(row["category"] for row in rows) == {"single_turn": 30, "multi_turn": 52}
    dialogues = Counter(row["dialogue"] for row in rows if row["dialogue"])
    assert Counter(dialogues.values()) == {2: 16, 3: 1, 4: 1, 5: 1, 8: 1}
    assert all((row["category"] == "multi_turn") == bool(row["dialogue"]) for row in rows)


def test_questions_of_a_dialogue_stand_together_about_one_picture(
    rows: list[dict[str, Any]],
) -> None:
    for row, after in pairwise(rows):
        is_same = row["image_name"] == after["image_name"]
        assert is_same == (row["images"] == after["images"])
        assert int(after["image_name"][:-4]) - int(row["image_name"][:-4]) == (0 if is_same else 1)
    for name in {row["dialogue"] for row in rows if row["dialogue"]}:
        asked = [row["question"] for row in rows if row["dialogue"] == name]
        assert len(set(asked)) == len(asked)


def test_every_call_draws_the_same(rows: list[dict[str, Any]]) -> None:
    assert draw() == rows
    texts = repr([{key: row[key] for key in ("id", "question", "answer")} for row in rows])
    # Ratings of people are of these very questions: a change makes them worthless.
    assert hashlib.sha256(texts.encode()).hexdigest()[:16] == "26b1429c0384b1aa"


def test_the_scenes_are_of_the_evaluation_split(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(
        owleval, "draw_scene_picture",
        lambda scene, rng: drawn.append(scene) or real(scene, rng),
    )  # fmt: skip
    draw()
    assert len(drawn) == len(set(drawn)) == 50
    assert all(scene.split == "evaluation" for scene in drawn)


def test_no_question_is_in_words_of_training_but_all_of_its_words_are(
    rows: list[dict[str, Any]],
) -> None:
    trained = {text for one in WORDINGS.values() for text in one.train} | set(datasets._OPENINGS)
    assert not set(owleval.OPENINGS) & trained
    values = "|".join([*words.SHAPES, *words.COLORS])
    patterns = [
        re.compile(f"(?:{values})".join(map(re.escape, re.split(r"{\w+}", text))))
        for text in trained
    ]
    tokenizer = AutoTokenizer.from_pretrained(repository_root() / "backbones" / "desk" / "vicuna")
    for row in rows:
        assert not any(pattern.fullmatch(row["question"]) for pattern in patterns), row
    text = " ".join(row[key] for row in rows for key in ("question", "answer", "caption"))
    for word in set(re.findall(r"[a-z]+", text)):
        assert len(tokenizer.tokenize(word)) == 1, word


def test_reference_answers_follow_from_the_caption(rows: list[dict[str, Any]]) -> None:
    kinds: Counter[str] = Counter()
    for row in rows:
        if row["question"] in owleval.OPENINGS:
            kinds["description"] += 1
            assert row["answer"] == row["caption"]
            continue
        last = row["answer"].rstrip(".").split()[-1]
        if row["answer"].startswith(("yes", "no")):
            kinds["same color"] += 1
            first, second = (s for s in re.findall("|".join(words.SHAPES), row["question"]))
            colors = [_color_of(shape, row["caption"]) for shape in (first, second)]
            assert row["answer"].startswith("yes" if colors[0] == colors[1] else "no")
        elif row["answer"].startswith("people can"):
            kinds["place"] += 1
            verb = row["answer"].split()[2]
            assert any(place in row["caption"] for place, v in words.PLACES.items() if v == verb)
        elif row["answer"].startswith("the person needs"):
            kinds["tool"] += 1
            assert any(a in row["caption"] for a, tool in words.ACTIONS.items() if tool == last)
        else:
            kinds["seen"] += 1
            assert last in row["caption"], row
    assert min(kinds.values()) >= 3 and len(kinds) == 5, kinds


def _color_of(shape: str, caption: str) -> str:
    """Of the only thing of the shape: "a red star ...", or "the star is red ..."."""
    colors = "|".join(words.COLORS)
    found = re.findall(rf"({colors}) {shape}|the {shape} is ({colors})", caption)
    assert len(found) == 1, (shape, caption)
    return "".join(found[0])
