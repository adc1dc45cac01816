"""What a generated phrasing must be like, and that the hand-written ones that ship are so."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lynx.config.prompt_pools import load_pools
from lynx.data.prompt_checks import problem
from lynx.data.prompt_counts import counts, describe_pools, tasks
from lynx.data.prompt_list import listed

POOLS = load_pools()


@pytest.mark.parametrize("name", POOLS)
def test_the_rich_phrasings_pass_the_checks_for_generated_ones(name: str) -> None:
    pool = POOLS[name]
    for text in pool.rich:
        others = replace(pool, rich=tuple(other for other in pool.rich if other != text))
        assert problem(text, others) is None, text


@pytest.mark.parametrize("name", POOLS)
def test_phrasings_that_ship_name_every_answer_of_a_fixed_set(name: str) -> None:
    pool = POOLS[name]
    for text in (*pool.diverse, *pool.held_out):
        assert all(answer.lower() in text.lower() for answer in pool.answers), text


def test_every_pool_with_words_has_ten_rich_phrasings_and_all_have_500() -> None:
    with_words = [pool for pool in POOLS.values() if len(pool.plain) > 1]
    assert len(with_words) == 23
    assert min(len(pool.rich) for pool in with_words) >= 10
    written = {text for pool in with_words for text in pool.hand_written}
    assert len(written) == sum(len(pool.hand_written) for pool in with_words) >= 500


def test_rich_phrasings_of_short_answers_fit_images_and_videos() -> None:
    text = " ".join(POOLS["vqa_short"].rich).lower()
    assert not any(word in text for word in ("image", "picture", "photo", "video", "clip"))


@pytest.mark.parametrize(
    ("pool", "text", "reason"),
    [
        ("vqa_short", "Answer the question in brief.", r"must have {question} exactly once"),
        ("vqa_short", "{question} Briefly: {question}", r"must have {question} exactly once"),
        ("vqa_short", "{question} {answer} in brief", r"must have {question} exactly once"),
        ("vqa_short", "{question} in brief {", r"no other braces"),
        ("vqa_short", "[QUESTION] Answer it in brief.", r"must have {question} exactly once"),
        ("caption", "Describe the [OBJECT] here.", r"the slot \[OBJECT\]"),
        ("caption", "Look here {image}", r"has braces; the pool `caption` has no fields"),
        ("caption", "Describe it", "has 2 words; 3 to 40"),
        ("caption", "word " * 41, "has 41 words; 3 to 40"),
        ("caption", "Describe what\nyou see there.", "more than one line"),
        ("caption", "describe THIS,  image!", r"a duplicate of 'Describe this image\.'"),
        ("caption", "What does this photo show, kept now?", r"a duplicate of 'what does this"),
        ("caption", "Could you describe this image?", r"nearly the held-out 'Please describe this"),
        ("caption", "What does that picture show?", r"nearly the held-out 'What does this"),
        ("food_name", "Which food is it, for example pizza?", "gives an example"),
        ("multiple_choice", "{question} {options} The answer is B.", "states an answer"),
        ("multiple_choice", "{question} {options} Answer: (A)", "states an answer"),
        ("hateful_meme", "Is {meme} hateful? The answer is Yes.", "states an answer"),
        ("hateful_meme", "Yes or No? {meme} Answer: No", "states an answer"),
        ("hateful_meme", "Is {meme} hateful? Say Yes.", "must name each of.* Yes, No; lacks No"),
        ("claim", "Is it right that {hypothesis}", "lacks True"),
        ("entailment", "Entailment or contradiction? {hypothesis}", "lacks neutral"),
    ],
)
def test_an_unfit_phrasing_is_refused_with_its_reason(pool: str, text: str, reason: str) -> None:
    found = problem(text, POOLS[pool], kept=["what does this photo show kept now"])
    assert found is not None and re.search(reason, found), found


@pytest.mark.parametrize(
    ("pool", "text"),
    [
        ("caption", "Give an account of this photo."),
        ("hateful_meme", 'Consider "{meme}". Hateful? Answer: Yes or No'),
        ("claim", "Reply: True, or False where it is wrong. {hypothesis}"),
        ("multiple_choice", "{question} Pick an answer: {options}"),
        ("multiple_choice", "{question} {options} Your answer is a choice of these."),
        ("vqa_webpage", "{question} The answer is in this webpage, be brief."),
    ],
)
def test_a_fit_phrasing_is_not_refused(pool: str, text: str) -> None:
    assert problem(text, POOLS[pool]) is None


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Sure!\n4) Look.;\n5) See it.;\n\nI hope this helps.", ["Look.", "See it."]),
        ("4) Look.; 5) See it; 6) Go: 1. a 2. b;", ["Look.", "See it", "Go: 1. a 2. b"]),
        ('1. "Look."\n2. **See**\n10. “it” is {x}', ["Look.", "See", '"it" is {x}']),
        ('1) "{x}" or "{y}"\n2) "', ['"{x}" or "{y}"', '"']),
        ("1) Look\nthere\n2) See", ["Look\nthere", "See"]),
        ("**1.** Look\n**2.** See", ["Look", "See"]),
        ("I can't help with that.", []),
    ],
)
def test_a_numbered_list_is_read_in_the_forms_that_models_write(
    reply: str, expected: list[str]
) -> None:
    assert listed(reply) == expected


def test_the_counts_add_up_by_origin_and_name_all_50_tasks() -> None:
    pool = POOLS["vqa_short"]
    found = counts(pool)
    assert found["paper"] == 1 and found["generated"] == len(pool.generated)
    assert sum(found.values()) == len(pool.diverse) + len(pool.held_out)
    assert len(tasks()) == 50
    text = describe_pools()
    assert all(f"\n{task} " in text for task in tasks())
    assert f"{len({t for p in POOLS.values() for t in p.diverse})} phrasings to train on" in text


def test_one_pool_is_shown_with_the_origin_of_each_phrasing() -> None:
    lines = describe_pools("vqa_short").splitlines()
    assert lines[0].split(maxsplit=1) == ["paper", "{question} Give a short answer."]
    assert "rich       {question} Keep your answer brief." in lines
    assert len(lines) == len(POOLS["vqa_short"].diverse) + len(POOLS["vqa_short"].held_out)


def test_a_phrasing_of_another_pool_is_refused_and_that_pool_is_named() -> None:
    pool, other = POOLS["caption"], POOLS["caption_brief"]
    for text in (other.diverse[-1], other.held_out[0].upper()):
        assert problem(text, replace(pool, held_out=())) is None
        reason = problem(text, replace(pool, held_out=()), others=POOLS.values())
        assert reason is not None and reason.endswith("of the pool `caption_brief`")
    assert problem("Give an account of this photo.", pool, others=POOLS.values()) is None
