"""The miniature world: what it draws is what it says, and nobody is tested on what was trained."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lynx.config.recipe_files import load_recipe
from lynx.config.seeds import python_random
from lynx.world import vocabulary as words
from lynx.world.build import draw_samples
from lynx.world.corpus import ask_many
from lynx.world.datasets import DATASETS
from lynx.world.evaluation import draw_questions
from lynx.world.questions import IMAGE_CATEGORIES, IMAGE_FAMILIES, VIDEO_CATEGORIES, ask
from lynx.world.render import draw_clip_frames, draw_scene_picture
from lynx.world.scene import NUM_FRAMES, draw_clip, draw_scene, things_at_end
from lynx.world.wordings import WORDINGS

RECIPES = ("pretrain", "pretrain_noisy", "resolution", "instruct")


def test_a_scene_belongs_to_one_split_only() -> None:
    rng = python_random(0, "test")
    train = {draw_scene(rng, "train") for _ in range(300)}
    evaluation = {draw_scene(rng, "evaluation") for _ in range(300)}
    assert not train & evaluation


def test_the_same_stream_draws_the_same_picture() -> None:
    scene = draw_scene(python_random(0, "scene"), "train")
    first, second = (draw_scene_picture(scene, python_random(1, "picture")) for _ in range(2))
    assert np.array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize("attribute", ["place", "time", "word", "action"])
def test_a_picture_shows_each_fact_of_its_scene(attribute: str) -> None:
    """Scenes that differ in one fact give different pictures."""
    rng = python_random(0, "facts", attribute)
    for _ in range(20):
        scene = draw_scene(rng, "train")
        other = draw_scene(rng, "train")
        changed = type(scene)(**{**vars(scene), attribute: getattr(other, attribute)})
        pictures = [
            np.asarray(draw_scene_picture(one, python_random(2, "picture")))
            for one in (scene, changed)
        ]
        is_same_fact = getattr(scene, attribute) == getattr(other, attribute)
        assert np.array_equal(*pictures) == is_same_fact


def test_a_clip_changes_between_its_first_frame_and_its_last() -> None:
    rng = python_random(0, "clips")
    for _ in range(20):
        clip = draw_clip(rng, "train")
        frames = [np.asarray(frame) for frame in draw_clip_frames(clip, rng)]
        assert len(frames) == NUM_FRAMES
        assert not np.array_equal(frames[0], frames[-1])
        assert len(things_at_end(clip)) <= words.MAX_THINGS


def test_answers_agree_with_the_scene() -> None:
    rng = python_random(0, "answers")
    for _ in range(200):
        scene = draw_scene(rng, "train")
        color = ask(scene, "color", rng)
        if color is not None:
            shape = next(s for s in words.SHAPES if s in color.question)
            assert [t.color for t in scene.with_shape(shape)] == [color.answer]
        count = ask(scene, "count_color", rng)
        assert count is not None
        named = next(c for c in words.COLORS if c in count.question)
        assert count.answer == str(len(scene.with_color(named)))
        assert ask(scene, "sign", rng).answer == scene.word  # type: ignore[union-attr]


def test_yes_and_no_are_about_as_frequent() -> None:
    rng = python_random(0, "balance")
    for family in ("exists", "same_color", "left_of", "above"):
        answers: Counter[str] = Counter()
        for _ in range(600):
            asked = ask(draw_scene(rng, "train"), family, rng)
            if asked is not None:
                answers[asked.answer] += 1
        share = answers["yes"] / answers.total()
        assert 0.25 < share < 0.65, (family, answers)


def test_words_of_held_out_wordings_occur_in_training_wordings() -> None:
    def of(phrases: tuple[str, ...]) -> set[str]:
        return {word.strip("?.,") for phrase in phrases for word in phrase.split()}

    known = set().union(*(of(one.train) for one in WORDINGS.values()))
    for name, one in WORDINGS.items():
        assert of(one.held_out) <= known, name
        assert not set(one.held_out) & set(one.train), name


def test_without_repeats_no_fact_is_asked_about_twice_and_an_event_once() -> None:
    rng = python_random(0, "repeats")
    for draw in (draw_scene, draw_clip):
        for _ in range(100):
            asked = ask_many(draw(rng, "train"), rng, 6, repeats=False)
            assert asked
            assert len({one.fact for one in asked}) == len(asked)
            families = [one.family for one in asked]
            assert sum(family.startswith("event") for family in families) <= 1
            assert families.count("action") + families.count("action_yes_no") <= 1


def test_a_yes_or_no_question_about_a_video_is_answered_by_what_happens() -> None:
    rng = python_random(0, "yes or no")
    verbs = {"moves": ("mov",), "turns": ("turn",), "appears": ("appear", "new?")}
    verbs["vanishes"] = ("vanish", "gone?")
    answers: Counter[str] = Counter()
    for _ in range(400):
        clip = draw_clip(rng, "train")
        for family in VIDEO_CATEGORIES["Action (Y/N)"]:
            asked = ask(clip, family, rng)
            assert asked is not None
            answers[family + asked.answer] += 1
            if family == "event_yes_no":
                assert clip.thing.shape in asked.question
                says = any(verb in asked.question for verb in verbs[clip.event.kind])
                is_true = says and clip.event.detail in asked.question
                assert is_true == (asked.answer == "yes"), (clip.event, asked)
            else:
                assert (clip.scene.action in asked.question) == (asked.answer == "yes")
    assert min(answers.values()) > 160
    assert len(answers) == 4


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_world_has_a_counterpart_of_every_source_of_the_papers_recipes(recipe: str) -> None:
    assert set(load_recipe(recipe).sources) <= set(DATASETS)


@pytest.mark.parametrize("source", sorted(DATASETS))
def test_a_source_draws_samples_of_its_kind_with_answers(source: str) -> None:
    samples = draw_samples(source)
    for sample, _ in zip(samples, range(3), strict=False):
        assert sample.kind == DATASETS[source].kind
        assert len(sample.images) == {"image": 1, "video": NUM_FRAMES, "text": 0}[sample.kind]
        assert all(one.response for one in sample.rounds)


@pytest.mark.parametrize("kind", ["image", "video"])
def test_the_benchmark_is_large_and_balanced(kind: str) -> None:
    rows = draw_questions(kind)  # type: ignore[arg-type]
    categories = IMAGE_CATEGORIES if kind == "image" else VIDEO_CATEGORIES
    for category in categories:
        answers = Counter(row["answer"] for row in rows if row["category"] == category)
        assert answers.total() >= 200
        assert max(answers.values()) / answers.total() <= 0.52, (category, answers)
    assert len({row["id"] for row in rows}) == len(rows)


def test_every_image_family_belongs_to_one_class() -> None:
    assert len(IMAGE_FAMILIES) == len(set(IMAGE_FAMILIES))
