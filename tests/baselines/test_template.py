"""Dialogues as the text that a model goes on with."""

from __future__ import annotations

from lynx.baselines.known import load_baseline
from lynx.baselines.template import Template, as_words


def template_of(name: str) -> Template:
    template = load_baseline(name).template
    assert template is not None
    return template


def test_llava_gets_its_published_prompt() -> None:
    text = template_of("llava_1_5").text([("What is it?", None)], num_pictures=1)
    assert text == "USER: <image>\nWhat is it? ASSISTANT:"


def test_earlier_turns_stand_before_the_last_and_the_picture_in_the_first() -> None:
    turns = [("Describe it.", "A dog."), ("What color?", None)]
    text = template_of("llava_1_5").text(turns, num_pictures=1)
    assert text == ("USER: <image>\nDescribe it. ASSISTANT: A dog.</s>USER: What color? ASSISTANT:")
    assert template_of("blip2").text(turns, num_pictures=1) == (
        "Question: Describe it. Answer: A dog. Question: What color? Answer:"
    )
    assert template_of("idefics_9b_instruct").text(turns, num_pictures=0) == (
        "User:Describe it.<end_of_utterance>\nAssistant: A dog.<end_of_utterance>\n"
        "User:What color?<end_of_utterance>\nAssistant:"
    )


def test_every_picture_gets_a_place_and_text_alone_has_none() -> None:
    template = template_of("llava_1_5")
    assert template.text([("Hi", None)], num_pictures=3).count("<image>") == 3
    assert "<image>" not in template.text([("Hi", None)], num_pictures=0)


def test_braces_of_a_question_are_its_own() -> None:
    template = Template(prompt="Q {prompt}", round="Q {prompt} A {answer} ")
    turns = [("What does {answer} print?", "{prompt} %s"), ("Sure about {prompt}?", None)]
    assert template.text(turns, num_pictures=1) == (
        "Q What does {answer} print? A {prompt} %s Q Sure about {prompt}?"
    )


def test_what_looks_like_a_special_token_becomes_words() -> None:
    assert as_words("an <image> of </s>", ["<image>", "</s>"]) == "an < image> of < /s>"
