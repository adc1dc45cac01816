"""Makes rounds of the turns of a dialogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lynx.data.formats.skipped import skip
from lynx.data.sample import Round

NO_TURNS = "dialogues whose speakers do not take turns"
NO_WORDS = "dialogues in which a turn is empty"


def dialogue_rounds(
    turns: Sequence[tuple[bool, str]],
    skipped: Counter[str],
    *,
    field: str = "instruction",
    place: str = "",
) -> tuple[Round, ...]:
    """The exchanges of the turns (is it the user's, text), what the user says being in `field`.

    A last turn of the user that nobody answers is left out. Empty, and counted, where the user
    does not begin, where somebody speaks twice in a row, or where a turn has no words; place: the
    file and record, as an example of that.
    """
    said = [(is_user, text.strip()) for is_user, text in turns]
    if said and said[-1][0]:
        said = said[:-1]
    if not said or any(is_user != (number % 2 == 0) for number, (is_user, _) in enumerate(said)):
        skip(skipped, NO_TURNS, place)
        return ()
    if not all(text for _, text in said):
        skip(skipped, NO_WORDS, place)
        return ()
    return tuple(
        Round({field: prompt}, response)
        for (_, prompt), (_, response) in zip(said[::2], said[1::2], strict=True)
    )
