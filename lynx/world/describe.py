"""Scenes and clips in plain sentences: captions for pictures, and facts for the language models."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lynx.world import vocabulary as words
from lynx.world.scene import Clip, Event, Scene, Thing

SHAPE_FIRST_SHARE = 0.6

_PLACE = (
    "this is a {place}.",
    "the place is a {place}.",
    "the picture shows a {place}.",
    "here you see a {place}.",
    "place: {place}.",
)
_TIME = ("it is {time}.", "the time is {time}.", "time: {time}.", "it was taken at {time}.")
_SIGN = (
    "a sign says {word}.",
    "the sign says {word}.",
    "there is a sign with the word {word}.",
    "sign: {word}.",
    "the word on the sign is {word}.",
)
_ACTION = (
    "a person is {action}.",
    "the person is {action}.",
    "there is a person {action}.",
    "person: {action}.",
    "you see a person who is {action}.",
)
# Colour and shape stand next to each other: a small language model binds them only then.
_THING = (
    "there is {a_color} {shape} at the {row} {column}.",
    "{a_color} {shape} is at the {row} {column}.",
    "at the {row} {column} you see {a_color} {shape}.",
    "the {shape} is {color} and at the {row} {column}.",
)
# The shape first: a small model copies the word that follows long before the one that precedes.
_SHAPE_FIRST = {
    "color": ("the {shape} is {color}.", "{shape}: {color}."),
    "column": ("the {shape} is at the {column}.", "{shape}: {column}."),
    "row": ("the {shape} is at the {row}.", "{shape}: {row}."),
}
_EVENT = {
    "moves": ("the {shape} moves {detail}.", "then the {shape} is moving {detail}."),
    "appears": ("the {shape} appears.", "then you see the {shape} appear."),
    "vanishes": ("the {shape} vanishes.", "then you see the {shape} vanish."),
    "turns": ("the {shape} turns {detail}.", "then the {shape} changes color and is {detail}."),
}


def with_article(word: str) -> str:
    """The word behind "a" or "an"."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def describe_thing(thing: Thing, rng: random.Random) -> str:
    """One sentence with the thing's colour, shape and cell."""
    return rng.choice(_THING).format(
        color=thing.color,
        a_color=with_article(thing.color),
        shape=thing.shape,
        row=words.ROWS[thing.row],
        column=words.COLUMNS[thing.column],
    )


def describe_shape_first(thing: Thing, facts: Sequence[str], rng: random.Random) -> list[str]:
    """Short sentences that begin with the shape, one for some of `facts`: color, column, row."""
    fields = dict(
        shape=thing.shape,
        color=thing.color,
        column=words.COLUMNS[thing.column],
        row=words.ROWS[thing.row],
    )
    return [
        rng.choice(_SHAPE_FIRST[fact]).format(**fields)
        for fact in facts
        if rng.random() < SHAPE_FIRST_SHARE
    ]


def describe_event(event: Event, thing: Thing, rng: random.Random) -> str:
    """One sentence that says what happens to the thing."""
    return rng.choice(_EVENT[event.kind]).format(shape=thing.shape, detail=event.detail)


def describe_in_full(
    subject: Scene | Clip,
    rng: random.Random,
    *,
    ordered: bool = False,
    times: int = 1,
    shape_first: Sequence[str] = (),
) -> str:
    """Every fact, shuffled unless `ordered`; a clip's event comes last.

    Each thing is described in `times` sentences: text that says one fact in several words is what
    teaches a small language model which colour belongs to which shape. `shape_first` names facts
    (color, column, row) that some short sentences add in the other order.
    """
    scene = subject.scene if isinstance(subject, Clip) else subject
    sentences = _facts(scene, rng, times)
    for thing in scene.things:
        sentences += describe_shape_first(thing, shape_first, rng)
    if not ordered:
        rng.shuffle(sentences)
    if isinstance(subject, Clip):
        sentences.append(describe_event(subject.event, subject.thing, rng))
    return " ".join(sentences)


def keywords(subject: Scene | Clip, rng: random.Random) -> str:
    """The facts as bare words in any order, a clip's event last.

    A language model that has read such lists finds a place or a sign's word by what the word is,
    not by the sentence around it; so it can find it among vision tokens too (docs/log.md).
    """
    scene = subject.scene if isinstance(subject, Clip) else subject
    facts = [scene.place, scene.time, scene.word, scene.action]
    for thing in scene.things:
        row, column = words.ROWS[thing.row], words.COLUMNS[thing.column]
        facts.append(f"{thing.color} {thing.shape} {row} {column}")
    rng.shuffle(facts)
    if isinstance(subject, Clip):
        event = subject.event
        facts.append(f"{subject.thing.shape} {event.kind} {event.detail}".strip())
    return rng.choice((" ", ", ", ". ")).join(facts) + "."


def describe_plainly(scene: Scene) -> str:
    """The caption that one captioning model gives to every picture (BLIP): always the same facts
    in the same words and order, with the first thing in reading order."""
    thing = min(scene.things, key=lambda one: (one.row, one.column))
    return (
        f"this is a {scene.place}. it is {scene.time}. the sign says {scene.word}. "
        f"a person is {scene.action}. there is {with_article(thing.color)} {thing.shape} "
        f"at the {words.ROWS[thing.row]} {words.COLUMNS[thing.column]}."
    )


def describe_some(scene: Scene, rng: random.Random) -> str:
    """Two or three of the facts: the caption of a filtered web picture."""
    return " ".join(rng.sample(_facts(scene, rng, 1), rng.randint(2, 3)))


def _facts(scene: Scene, rng: random.Random, times: int) -> list[str]:
    return [
        rng.choice(_PLACE).format(place=scene.place),
        rng.choice(_TIME).format(time=scene.time),
        rng.choice(_SIGN).format(word=scene.word),
        rng.choice(_ACTION).format(action=scene.action),
        *(describe_thing(thing, rng) for thing in scene.things for _ in range(times)),
    ]


def describe_briefly(scene: Scene, rng: random.Random) -> str:
    """A caption as the web's clean ones are: one or two of the things, and where they are."""
    named = [f"{with_article(thing.color)} {thing.shape}" for thing in scene.things]
    rng.shuffle(named)
    subject = " and ".join(named[: rng.randint(1, 2)])
    return rng.choice(
        (
            f"{subject} at the {scene.place}.",
            f"{subject} and a person {scene.action}.",
            f"a person {scene.action} at the {scene.place}.",
            f"{subject} at the {scene.place} at {scene.time}.",
            f"a {scene.place} with {subject}.",
        )
    )


def describe_person(scene: Scene, rng: random.Random) -> str:
    """A caption of the person alone."""
    return rng.choice(
        (
            f"the person is {scene.action} at the {scene.place}.",
            f"a person is {scene.action} at {scene.time}.",
            f"there is a person {scene.action} at the {scene.place}.",
        )
    )


def describe_text(scene: Scene, rng: random.Random) -> str:
    """A caption that reads the sign."""
    return rng.choice(
        (
            f"a sign says {scene.word} at the {scene.place}.",
            f"the sign at the {scene.place} says {scene.word}.",
            f"a sign with the word {scene.word}.",
        )
    )


def knowledge(rng: random.Random) -> str:
    """A sentence of what the world's people know and no picture shows."""
    if rng.random() < 0.5:
        place, verb = rng.choice(sorted(words.PLACES.items()))
        return rng.choice(
            (
                f"people {verb} at the {place}.",
                f"a {place} is good for those who {verb}.",
                f"at the {place} you can {verb}.",
            )
        )
    action, tool = rng.choice(sorted(words.ACTIONS.items()))
    return rng.choice(
        (
            f"a person who is {action} needs the {tool}.",
            f"for {action} you need the {tool}.",
            f"the {tool} is for {action}.",
        )
    )
