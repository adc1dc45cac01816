"""What the world's datasets ask: rounds of prompt fields and responses, by task type (Table 12)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lynx.data.sample import Round
from lynx.world import describe
from lynx.world import vocabulary as words
from lynx.world.corpus import ask_many
from lynx.world.scene import Clip, Scene

Subject = Scene | Clip
MAX_ROUNDS = 4  # questions about one picture: dense supervision is what makes desk runs short
_TALK = ("place", "action", "sign", "time", "color", "tool", "affordance")
_SENTENCES = {
    "sign": "the sign says {}.",
    "action": "the person is {}.",
    "place": "this is a {}.",
    "tool": "the person needs the {}.",
    "affordance": "people can {} here.",
    "time": "it is {}.",
    "color": "the color is {}.",
    "shape_of_color": "it is a {}.",
    "column": "it is at the {}.",
    "row": "it is at the {}.",
}


def caption(text: str) -> tuple[Round, ...]:
    """One round without fields: the prompt alone asks for the caption."""
    return (Round({}, text),)


def short_answers(
    subject: Subject, families: Sequence[str], rng: random.Random, *, most: int = MAX_ROUNDS
) -> tuple[Round, ...]:
    """Questions with answers of one word."""
    asked = ask_many(subject, rng, most, families, repeats=False)
    return tuple(Round({"question": one.question}, one.answer) for one in asked)


def sentence_answers(
    subject: Subject, families: Sequence[str], rng: random.Random, *, field: str, most: int
) -> tuple[Round, ...]:
    """Bare questions, answered with a sentence as LLaVA's data are."""
    return tuple(
        Round({field: one.question}, in_a_sentence(one.family, one.answer))
        for one in ask_many(subject, rng, most, families, repeats=False)
    )


def in_a_sentence(family: str, answer: str) -> str:
    """The answer as a sentence of its family."""
    if answer in ("yes", "no"):
        return f"{answer}, that is {'so' if answer == 'yes' else 'not so'}."
    return _SENTENCES.get(family, "the answer is {}.").format(answer)


def claims(scene: Scene, rng: random.Random, *, most: int) -> tuple[Round, ...]:
    """Statements that are true or false, half each (NLVR2)."""
    rounds = []
    for _ in range(most):
        is_true = rng.random() < 0.5
        rounds.append(Round({"hypothesis": statement(scene, is_true, rng)}, str(is_true).lower()))
    return tuple(rounds)


def entailments(scene: Scene, rng: random.Random, *, most: int) -> tuple[Round, ...]:
    """Statements that the picture entails, contradicts, or does not decide (SNLI-VE)."""
    rounds = []
    for _ in range(most):
        verdict = rng.choice(("entailment", "contradiction", "neutral"))
        if verdict == "neutral":
            text = f"the person likes {rng.choice(words.FOODS)}."
        else:
            text = statement(scene, verdict == "entailment", rng)
        rounds.append(Round({"hypothesis": text}, verdict))
    return tuple(rounds)


def statement(scene: Scene, is_true: bool, rng: random.Random) -> str:
    """A sentence about the scene that is true, or differs from a true one in one word."""
    kind = rng.choice(("place", "time", "sign", "action", "thing", "count"))
    if kind == "thing" and scene.single_shapes:
        thing = rng.choice(scene.single_shapes)
        color = thing.color if is_true else _other(thing.color, words.COLORS, rng)
        return f"the {thing.shape} is {color}."
    if kind == "count":
        number = len(scene.things)
        shown = number if is_true else rng.choice([n for n in range(1, 5) if n != number])
        return f"there are {shown} things."
    value, choices, sentence = {
        "place": (scene.place, tuple(words.PLACES), "this is a {}."),
        "time": (scene.time, words.TIMES, "it is {}."),
        "sign": (scene.word, words.SIGN_WORDS, "the sign says {}."),
    }.get(kind, (scene.action, tuple(words.ACTIONS), "a person is {}."))
    return sentence.format(value if is_true else _other(value, choices, rng))


def multiple_choice(scene: Scene, rng: random.Random, *, most: int) -> tuple[Round, ...]:
    """Questions with four options of which one is right (Visual7W)."""
    choices = {
        "place": tuple(words.PLACES),
        "color": words.COLORS,
        "action": tuple(words.ACTIONS),
        "shape_of_color": words.SHAPES,
    }
    rounds = []
    for one in ask_many(scene, rng, most, tuple(choices), repeats=False):
        wrong = [value for value in choices[one.family] if value != one.answer]
        options = [one.answer, *rng.sample(wrong, 3)]
        rng.shuffle(options)
        fields = {"question": one.question, "options": ", ".join(options)}
        rounds.append(Round(fields, one.answer))
    return tuple(rounds)


def dialogue(subject: Subject, rng: random.Random, *, opening: str) -> tuple[Round, ...]:
    """A request for a description, and questions after it (LLaVA, Baize)."""
    first = Round({"instruction": opening}, describe.describe_in_full(subject, rng))
    rest = sentence_answers(subject, _TALK, rng, field="instruction", most=2)
    return (first, *rest)


def find_the_thing(scene: Scene, rng: random.Random) -> tuple[Round, ...]:
    """The model asks back which thing is meant, and says where it is (InViG)."""
    thing = rng.choice(scene.things)
    row, column = words.ROWS[thing.row], words.COLUMNS[thing.column]
    return (
        Round({"instruction": f"find the {thing.shape}."}, f"is the {thing.shape} {thing.color}?"),
        Round({"instruction": "yes."}, f"the {thing.shape} is at the {row} {column}."),
    )


def text_task(subject: Subject, rng: random.Random, *, layout: str, most: int) -> tuple[Round, ...]:
    """A description inside the user's turn, then questions about it: no picture at all."""
    text = describe.describe_in_full(subject, rng, times=1 + (rng.random() < 0.3))
    asked = ask_many(subject, rng, most, repeats=False)
    rounds = [Round({"instruction": f"{text} {layout.format(asked[0].question)}"}, asked[0].answer)]
    rounds += [Round({"instruction": layout.format(one.question)}, one.answer) for one in asked[1:]]
    return tuple(rounds)


def knowledge_task(rng: random.Random) -> tuple[Round, ...]:
    """A question whose answer no picture shows (Alpaca)."""
    if rng.random() < 0.5:
        place, verb = rng.choice(sorted(words.PLACES.items()))
        return (Round({"instruction": f"what can people do at the {place}?"}, verb),)
    action, tool = rng.choice(sorted(words.ACTIONS.items()))
    return (Round({"instruction": f"what does a person who is {action} need?"}, tool),)


def _other(value: str, choices: Sequence[str], rng: random.Random) -> str:
    return rng.choice([choice for choice in choices if choice != value])
