"""The world's counterpart of each dataset of the paper's Table 12: its task type, at desk size."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from lynx.data.sample import Round
from lynx.world import describe, tasks
from lynx.world import vocabulary as words
from lynx.world.noise import alt_text
from lynx.world.pictures import PAGE_LINES, draw_food, draw_in_style, draw_page
from lynx.world.questions import SCENE_FAMILIES, VIDEO_FAMILIES
from lynx.world.render import draw_clip_frames, draw_scene_picture
from lynx.world.scene import Clip, Scene, draw_clip, draw_scene

Made = tuple[tuple[Round, ...], list[Image.Image]]
MakeRounds = Callable[[Scene, random.Random], tuple[Round, ...]]
Kind = Literal["image", "video", "text"]


@dataclass(frozen=True)
class Dataset:
    """How many samples, and how one is made; a sample without rounds is drawn again."""

    kind: Kind
    num_samples: int
    make: Callable[[random.Random], Made]


def _about_scene(num_samples: int, make: MakeRounds, *, num_things: int | None = None) -> Dataset:
    def sample(rng: random.Random) -> Made:
        scene = draw_scene(rng, "train", num_things=num_things)
        return make(scene, rng), [draw_scene_picture(scene, rng)]

    return Dataset("image", num_samples, sample)


def _about_clip(
    num_samples: int, make: Callable[[Clip, random.Random], tuple[Round, ...]]
) -> Dataset:
    def sample(rng: random.Random) -> Made:
        clip = draw_clip(rng, "train")
        return make(clip, rng), draw_clip_frames(clip, rng)

    return Dataset("video", num_samples, sample)


def _about_nothing(num_samples: int, make: Callable[[random.Random], tuple[Round, ...]]) -> Dataset:
    return Dataset("text", num_samples, lambda rng: (make(rng), []))


def _captions(num_samples: int, describe_scene: Callable[[Scene, random.Random], str]) -> Dataset:
    return _about_scene(num_samples, lambda scene, rng: tasks.caption(describe_scene(scene, rng)))


def _questions(num_samples: int, *families: str) -> Dataset:
    chosen = families or SCENE_FAMILIES
    return _about_scene(num_samples, lambda scene, rng: tasks.short_answers(scene, chosen, rng))


def _clip_questions(num_samples: int, *families: str) -> Dataset:
    return _about_clip(num_samples, lambda clip, rng: tasks.short_answers(clip, families, rng))


def _label(num_samples: int, label: Callable[[Scene], str], **options: int) -> Dataset:
    return _about_scene(num_samples, lambda scene, _: tasks.caption(label(scene)), **options)


def _food(rng: random.Random) -> Made:
    food = rng.choice(words.FOODS)
    return tasks.caption(food), [draw_food(food, rng)]


def _style(rng: random.Random) -> Made:
    style = rng.choice(words.STYLES)
    return tasks.caption(style), [draw_in_style(draw_scene(rng, "train"), style, rng)]


def _page(rng: random.Random) -> Made:
    first, second, third = rng.sample(words.SIGN_WORDS, 3)
    lines = (first, second, third)
    asked = rng.sample(range(3), 2)
    rounds = tuple(
        Round({"question": f"which word is at the {PAGE_LINES[line]}?"}, lines[line])
        for line in asked
    )
    return rounds, [draw_page(lines, rng)]


def _meme(scene: Scene, rng: random.Random) -> tuple[Round, ...]:
    verb = rng.choice(("like", "hate"))
    fields = {"meme": f"i {verb} people who {words.PLACES[scene.place]}"}
    return (Round(fields, "yes" if verb == "hate" else "no"),)


def _llava_reasoning(scene: Scene, rng: random.Random) -> tuple[Round, ...]:
    families = ("affordance", "tool", "same_color")
    return tasks.sentence_answers(scene, families, rng, field="question", most=2)


def _llava_caption(scene: Scene, rng: random.Random) -> tuple[Round, ...]:
    opening = rng.choice(_OPENINGS)
    return (Round({"instruction": opening}, describe.describe_in_full(scene, rng)),)


def _llava_instruction(scene: Scene, rng: random.Random) -> tuple[Round, ...]:
    return tasks.sentence_answers(scene, SCENE_FAMILIES, rng, field="instruction", most=3)


def _llava_dialog(scene: Scene, rng: random.Random) -> tuple[Round, ...]:
    return tasks.dialogue(scene, rng, opening=rng.choice(_OPENINGS))


def _text_task(layout: str, most: int) -> Callable[[random.Random], tuple[Round, ...]]:
    def make(rng: random.Random) -> tuple[Round, ...]:
        subject = draw_clip(rng, "train") if rng.random() < 0.25 else draw_scene(rng, "train")
        return tasks.text_task(subject, rng, layout=layout, most=most)

    return make


def _event_caption(clip: Clip, rng: random.Random) -> tuple[Round, ...]:
    return tasks.caption(describe.describe_event(clip.event, clip.thing, rng))


def _clip_caption(clip: Clip, rng: random.Random) -> tuple[Round, ...]:
    return tasks.caption(describe.describe_in_full(clip, rng))


def _plainly(scene: Scene, _: random.Random) -> str:
    return describe.describe_plainly(scene)


def _in_full(scene: Scene, rng: random.Random) -> str:
    return describe.describe_in_full(scene, rng)


_OPENINGS = (
    "what do you see in this picture?",
    "tell me what the picture shows.",
    "can you describe this picture to me?",
)
_FACTS = describe.describe_some
_BRIEF = describe.describe_briefly

# Sizes follow the paper's ratios roughly, with a floor, so that small sets are not one picture.
DATASETS: dict[str, Dataset] = {
    "blip_cap_filt": _captions(6000, _plainly),
    "cc12m": _captions(500, _FACTS),
    "cc3m": _captions(2000, _FACTS),
    "sbu": _captions(600, _BRIEF),
    "textcaps": _captions(300, describe.describe_text),
    "coco_caption": _captions(300, _BRIEF),
    "cuhk_pedes": _captions(200, describe.describe_person),
    "flickr30k": _captions(200, _BRIEF),
    "pexels_110k": _captions(200, _BRIEF),
    "llava_caption": _about_scene(300, _llava_caption),
    "iapr_tc12": _captions(200, _FACTS),
    "visual_genome_caption": _captions(300, _in_full),
    "minigpt4_ift": _captions(200, _in_full),
    "pascal_sentences": _captions(100, _BRIEF),
    "vgqa": _questions(
        2500, "color", "shape_of_color", "count_shape", "place", "action", "column", "row"
    ),
    "gqa": _questions(2000, "left_of", "above", "same_color", "exists", "color", "column", "row"),
    "ocrvqa": _questions(2000, "sign"),
    "vqav2": _questions(1200),
    "visual7w": _questions(400, "place", "action", "time", "count_all", "color"),
    "vizwiz": _questions(200, "color", "sign", "shape_of_color", "exists"),
    "okvqa": _questions(200, "affordance", "tool"),
    "tdiuc": _questions(
        1500, "count_color", "count_shape", "count_all", "exists", "affordance", "tool"
    ),
    "websrc": Dataset("image", 400, _page),
    "llava_reasoning": _about_scene(500, _llava_reasoning),
    "textvqa": _questions(300, "sign"),
    "stvqa": _questions(300, "sign"),
    "places365": _label(2000, lambda scene: scene.place),
    "imagenet1k": _label(1500, lambda scene: scene.things[0].shape, num_things=1),
    "snli_ve": _about_scene(800, lambda scene, rng: tasks.entailments(scene, rng, most=3)),
    "visual7w_multi_choice": _about_scene(
        400, lambda scene, rng: tasks.multiple_choice(scene, rng, most=3)
    ),
    "air_crowd_food": Dataset("image", 200, _food),
    "nlvr2": _about_scene(400, lambda scene, rng: tasks.claims(scene, rng, most=3)),
    "wikiart": Dataset("image", 200, _style),
    "har": _label(200, lambda scene: scene.action),
    "time_classification": _label(200, lambda scene: scene.time),
    "hateful_memes": _about_scene(100, _meme),
    "msrvtt_qa": _clip_questions(600, *VIDEO_FAMILIES, "action_yes_no", "color"),
    "vln_vqa": _clip_questions(200, *VIDEO_FAMILIES, "place", "color"),
    "next_qa": _clip_questions(200, *VIDEO_FAMILIES, "action", "place"),
    "msvd_qa": _clip_questions(200, *VIDEO_FAMILIES, "action_yes_no"),
    "sthv2": _about_clip(600, _event_caption),
    "vln_caption": _about_clip(600, _clip_caption),
    "llava_instruction": _about_scene(600, _llava_instruction),
    "llava_dialog": _about_scene(500, _llava_dialog),
    "invig": _about_scene(200, tasks.find_the_thing),
    "flan_v2": _about_nothing(1500, _text_task("{}", 4)),
    "laion_oig_small": _about_nothing(600, _text_task("question: {}", 3)),
    "alpaca_gpt4": _about_nothing(200, tasks.knowledge_task),
    "unnatural_instruction": _about_nothing(200, _text_task("{} answer with one word.", 2)),
    "baize": _about_nothing(1000, _text_task("{}", 6)),
    "coyo700m": _captions(3000, alt_text),
    "datacomp1b": _captions(3000, alt_text),
}
