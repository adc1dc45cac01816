"""A model captions the pictures it is given, right ones and swapped ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from lynx.config.prompt_pools import load_pool
from lynx.data.sample import Round, Sample
from lynx.evaluation.asking import Asker, Said
from lynx.evaluation.caption_loss import with_swapped_pictures
from lynx.evaluation.captioning import captions
from lynx.evaluation.questions import Question
from lynx.reporting.captions import _said_text

NUM = 20  # more than one batch
SAMPLES = [
    Sample(str(i), "plain", "image", (Round({}, f"caption {i}"),), (f"picture {i}".encode(),))
    for i in range(NUM)
]


class _Reader:
    """Says what stands in the picture's bytes."""

    def answers(
        self, questions: Sequence[Question], dialogues: Sequence[Any], **_: Any
    ) -> list[Said]:
        assert [turns[-1][1] for turns in dialogues] == [None] * len(questions)
        pairs = zip(questions, dialogues, strict=True)
        return [Said(f"{turns[-1][0]} {q.images[0].decode()}") for q, turns in pairs]


ASKER = cast(Asker, _Reader())


def test_captions_come_in_the_order_of_the_samples() -> None:
    said = captions(ASKER, SAMPLES, prompt="look:", decoding={})
    assert said == [f"look: picture {i}" for i in range(NUM)]


def test_a_swap_keeps_the_caption_and_never_the_picture() -> None:
    swapped = with_swapped_pictures(SAMPLES, seed=0)
    assert [one.rounds for one in swapped] == [one.rounds for one in SAMPLES]
    assert not any(a.images == b.images for a, b in zip(swapped, SAMPLES, strict=True))
    assert sorted(one.images for one in swapped) == sorted(one.images for one in SAMPLES)


def test_the_table_shows_the_caption_and_what_is_said_of_either_picture() -> None:
    pool = load_pool("caption_brief")
    text = _said_text(
        ASKER, SAMPLES[:2], with_swapped_pictures(SAMPLES, seed=0)[:2], pool=pool, decoding={}
    )
    first = text.split("\n")[1]
    assert first.startswith("caption 0") and "picture 0" in first
    assert first.count("picture") == 2
