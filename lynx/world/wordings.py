"""How people phrase the world's questions, in training and, held out, in evaluation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wordings:
    """Phrasings of one family of questions; every word of `held_out` occurs in some `train`."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]


WORDINGS = {
    "sign": Wordings(
        (
            "what does the sign say?",
            "what is written on the sign?",
            "which word is on the sign?",
            "what word can you read?",
            "what is the word on the sign?",
            "read the sign.",
        ),
        ("which word is written on the sign?", "what word does the sign say?"),
    ),
    "count_color": Wordings(
        (
            "how many {color} things are there?",
            "how many things are {color}?",
            "what number of {color} things can you see?",
            "count the {color} things.",
            "how many {color} things can you count?",
        ),
        ("how many {color} things can you see?", "what number of things are {color}?"),
    ),
    "count_shape": Wordings(
        (
            "how many {shapes} are there?",
            "what number of {shapes} can you see?",
            "count the {shapes}.",
            "how many {shapes} can you count?",
            "how many things are {shapes}?",
        ),
        ("how many {shapes} can you see?", "what number of things are {shapes}?"),
    ),
    "count_all": Wordings(
        (
            "how many things are there?",
            "what number of things can you see?",
            "count the things.",
            "how many things can you count?",
        ),
        ("how many things can you see?", "what number of things are there?"),
    ),
    "affordance": Wordings(
        (
            "what can people do here?",
            "what is this place good for?",
            "what do people do at this place?",
            "what could you do here?",
        ),
        ("what can you do at this place?", "what do people do here?"),
    ),
    "tool": Wordings(
        (
            "what does the person need?",
            "what does this person need for that?",
            "which thing does the person need here?",
            "what do you need to do that?",
        ),
        ("which thing does this person need?", "what does the person need for that?"),
    ),
    "same_color": Wordings(
        (
            "are the {shape} and the {other} the same color?",
            "do the {shape} and the {other} have the same color?",
            "is the {shape} the same color as the {other}?",
            "does the {shape} have the color of the {other}?",
        ),
        ("does the {shape} have the same color as the {other}?",),
    ),
    "place": Wordings(
        (
            "where is this?",
            "what place is this?",
            "which place can you see?",
            "what is this place?",
            "where was this picture taken?",
        ),
        ("which place is this?", "what place can you see?"),
    ),
    "color": Wordings(
        (
            "what color is the {shape}?",
            "which color does the {shape} have?",
            "what is the color of the {shape}?",
            "the {shape} has which color?",
            "what color does the {shape} have?",
        ),
        ("which color is the {shape}?", "what color has the {shape}?"),
    ),
    "column": Wordings(
        (
            "where is the {shape}?",
            "on which side is the {shape}?",
            "is the {shape} left, middle or right?",
            "which side is the {shape} on?",
        ),
        ("where is the {shape}, left, middle or right?", "the {shape} is on which side?"),
    ),
    "row": Wordings(
        (
            "is the {shape} at the top or at the bottom?",
            "is the {shape} top or bottom?",
            "do you see the {shape} at the top or at the bottom?",
        ),
        ("is the {shape} at the top or the bottom?",),
    ),
    # One direction a family: with "right of" and "below" among them, the answer is the parity of
    # two look-ups, which language models of this size did not learn (docs/log.md).
    "left_of": Wordings(
        (
            "is the {shape} left of the {other}?",
            "is the {shape} on the left of the {other}?",
            "do you see the {shape} left of the {other}?",
            "can you see the {shape} left of the {other}?",
        ),
        ("do you see the {shape} on the left of the {other}?",),
    ),
    "above": Wordings(
        (
            "is the {shape} above the {other}?",
            "is the {shape} higher than the {other}?",
            "do you see the {shape} above the {other}?",
            "can you see the {shape} above the {other}?",
        ),
        ("do you see the {shape} higher than the {other}?",),
    ),
    "action": Wordings(
        (
            "what is the person doing?",
            "what does the person do?",
            "what is this person doing here?",
            "which action do you see?",
            "what do you see the person doing?",
        ),
        ("what does this person do?", "which action is the person doing?"),
    ),
    "action_yes_no": Wordings(
        (
            "is the person {action}?",
            "is someone {action} here?",
            "do you see the person {action}?",
            "do you see someone {action}?",
        ),
        ("can you see the person {action}?", "is this person {action}?"),
    ),
    "shape_of_color": Wordings(
        (
            "what is the {color} thing?",
            "which shape is {color}?",
            "what shape does the {color} thing have?",
            "what {color} thing is there?",
            "name the {color} thing.",
        ),
        ("which shape does the {color} thing have?", "what shape is the {color} thing?"),
    ),
    "exists": Wordings(
        (
            "is there a {shape}?",
            "do you see a {shape}?",
            "can you see a {shape} here?",
            "does the picture show a {shape}?",
        ),
        ("can you see a {shape}?", "is there a {shape} here?"),
    ),
    "time": Wordings(
        (
            "is it day or night?",
            "what is the time?",
            "what time of day is it?",
            "day or night?",
        ),
        ("what time is it, day or night?",),
    ),
    "event_moves": Wordings(
        (
            "does the {shape} move {direction}?",
            "is the {shape} moving {direction}?",
            "do you see the {shape} move {direction}?",
        ),
        ("do you see the {shape} moving {direction}?",),
    ),
    "event_appears": Wordings(
        ("does the {shape} appear?", "do you see the {shape} appear?", "is the {shape} new?"),
        ("can you see the {shape} appear?",),
    ),
    "event_vanishes": Wordings(
        ("does the {shape} vanish?", "do you see the {shape} vanish?", "is the {shape} gone?"),
        ("can you see the {shape} vanish?",),
    ),
    "event_turns": Wordings(
        (
            "does the {shape} turn {color}?",
            "do you see the {shape} turn {color}?",
            "is the {shape} turning {color}?",
        ),
        ("can you see the {shape} turn {color}?",),
    ),
    "what_moves": Wordings(
        ("what moves?", "which thing moves?", "what is moving?", "what do you see move?"),
        ("which thing is moving?", "which thing do you see move?"),
    ),
    "what_appears": Wordings(
        ("what appears?", "which thing appears?", "what is new?", "what do you see appear?"),
        ("which thing is new?", "which thing do you see appear?"),
    ),
    "what_vanishes": Wordings(
        ("what vanishes?", "which thing vanishes?", "what is gone?", "what do you see vanish?"),
        ("which thing is gone?", "which thing do you see vanish?"),
    ),
    "what_turns": Wordings(
        ("what changes its color?", "which thing changes its color?", "what changes color?"),
        ("which thing changes color?",),
    ),
    "direction": Wordings(
        (
            "which way does the {shape} move?",
            "where does the {shape} move?",
            "which way is the {shape} moving?",
        ),
        ("where is the {shape} moving?",),
    ),
    "new_color": Wordings(
        (
            "which color does the {shape} turn?",
            "what color is the {shape} turning?",
            "what color does the {shape} get?",
        ),
        ("what color does the {shape} turn?",),
    ),
}
