"""What is found wrong with a variant before any weight or sample is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lynx.config.compose import compose
from lynx.config.errors import LynxError
from lynx.config.schema import JUDGE_RULES
from lynx.evaluation.judges.rule import RuleJudge


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("stages.pretrain.global_batch_size=65", "65 is no multiple of 2 devices x 16 samples"),
        ("stages.instruct.image_size=100", "100 px is no multiple of 14"),
        ("stages.instruct.image_size=56", "56 px is less than 112 px before it"),
        ("stages.pretrain.steps=0", r"stages\.pretrain\.steps: 0 is not at least 1"),
        ("data.max_text_tokens=250", "256 tokens can't hold one sample of 282"),
        ("hardware.strategy=single", "single can't use 2 devices"),
        ("hardware.devices=0", r"hardware\.devices: 0 is not at least 1"),
        ("hardware.offload=true", "only hardware.strategy=deepspeed offloads"),
        ("evaluation.benchmarks.open_vqa_image.generation=mne", "no row `mne`.*`mme`"),
        ("evaluation.benchmarks.open_vqa_image.prompt_pool=vqa_shrot", "nearest is `vqa_short`"),
        ("data.catalog=wrld", r"data\.catalog: no catalog `wrld`.*nearest is `world`"),
        ("data.catalog=some/where.yaml", r"data\.catalog: .*there is no some/where\.yaml"),
        ("stages.pretrain.recipe=pretrian", r"no recipe named `pretrian`.*nearest is `pretrain`"),
        ("evaluation.judge.name=rule:v2", r"judge\.name: no rule `rule:v2`; nearest is `rule:v1`"),
        ("evaluation.ask_only=[mmee]", r"ask_only: no benchmark `mmee`.*nearest is `mme`"),
        ("evaluation.without_vision=[blanc]", r"`blanc` is none of swapped, blank.*`blank`"),
        ("evaluation.benchmarks.open_vqa_image.questions=world:foo", r"no benchmark `foo`"),
        (
            "evaluation.benchmarks.open_vqa_image.questions=world:video",
            r"open_vqa_image\.questions: `world:video` is not of kind image .*`world:image`",
        ),
        (
            "evaluation.benchmarks.open_vqa_image.prompt_pool=caption",
            r"prompt_pool: the phrasings of `caption` take \[\].*nearest is `question`",
        ),
        (
            "evaluation.benchmarks.open_vqa_image.prompt_pool=claim",
            r"prompt_pool: the phrasings of `claim` take",
        ),
    ],
)
def test_a_variant_that_can_not_work_is_refused(override: str, reason: str) -> None:
    with pytest.raises(LynxError, match=reason):
        compose(overrides=[override])


def test_flash_attention_in_float32_is_refused_on_a_gpu_alone() -> None:
    overrides = ["hardware.attention=varlen", "hardware.precision=fp32"]
    compose(overrides=overrides)
    with pytest.raises(LynxError, match=r"hardware\.attention: on a GPU varlen .* is fp32; bf16"):
        compose(overrides=[*overrides, "hardware.accelerator=gpu"])


def test_a_benchmark_prompt_must_hold_the_question() -> None:
    key = "evaluation.benchmarks.open_vqa_image"
    with pytest.raises(LynxError, match=r"'Answer!' lacks \{question\}"):
        compose(overrides=[f"{key}.prompt=Answer!", f"{key}.prompt_pool=null"])


def test_a_stage_that_trains_nothing_is_refused() -> None:
    trainable = "stages.pretrain.trainable"
    with pytest.raises(LynxError, match=r"stages\.pretrain\.trainable: no part is trained"):
        compose(overrides=[f"{trainable}.resampler=false", f"{trainable}.adapters=false"])


def test_a_stage_may_train_the_language_model_alone() -> None:
    trainable = "stages.pretrain.trainable"
    parts = {"resampler": "false", "adapters": "false", "language_model": "true"}
    compose(overrides=[f"{trainable}.{part}={value}" for part, value in parts.items()])


def test_the_rules_that_may_judge_are_those_that_there_are() -> None:
    assert (RuleJudge.name,) == JUDGE_RULES


def test_a_description_is_decoded_with_a_row_that_exists() -> None:
    key = "evaluation.benchmarks.open_vqa_video"
    overrides = [f"{key}.plug_and_play=true", f"{key}.description_generation=video"]
    with pytest.raises(LynxError, match=r"description_generation: no row `video`"):
        compose(overrides=overrides)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(LynxError) as caught:
        compose(overrides=["stages.pretrain.steps=0", "hardware.offload=true"])
    assert "steps" in str(caught.value) and "offload" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "change", "reason"),
    [
        ("vqav2", {"prompts": "vqa_shrot"}, r"sources\.vqav2\.prompts: no prompt pool `vqa_shr"),
        ("vqav2", {"weight": 0}, r"sources\.vqav2\.weight: 0 is not a number above 0"),
        ("vqav2", {"weight": "much"}, r"sources\.vqav2\.weight: no parameter `much`"),
        ("vqav2", {"weight": True}, r"sources\.vqav2\.weight: True is not a number"),
        ("vqav2", {"weight": float("inf")}, r"sources\.vqav2\.weight: inf is not a number"),
        ("vqav2", {"weigth": 1}, r"sources\.vqav2: unknown key `weigth`; nearest is `weight`"),
    ],
)
def test_a_broken_recipe_names_the_source(
    root: Path, source: str, change: dict[str, object], reason: str
) -> None:
    path = root / "data_recipes" / "pretrain.yaml"
    recipe = yaml.safe_load(path.read_text())
    recipe["sources"][source] |= change
    path.write_text(yaml.safe_dump(recipe))
    with pytest.raises(LynxError, match=rf"data_recipes/pretrain\.yaml: {reason}"):
        compose()


def test_all_broken_sources_of_a_recipe_are_told_at_once(root: Path) -> None:
    path = root / "data_recipes" / "pretrain.yaml"
    recipe = yaml.safe_load(path.read_text())
    recipe["sources"]["vqav2"]["weight"] = recipe["sources"]["gqa"]["weight"] = 0
    path.write_text(yaml.safe_dump(recipe))
    with pytest.raises(LynxError, match=r"(?s)sources\.gqa\.weight.*sources\.vqav2\.weight"):
        compose()


def test_what_is_no_catalog_is_named(root: Path) -> None:
    path = root / "data_recipes" / "catalogs" / "few.yaml"
    for text, reason in [("sources: 3", "`sources` must map"), ("sources: {gqa: }", r"gqa: None")]:
        path.write_text(text + "\n")
        with pytest.raises(LynxError, match=rf"catalogs/few\.yaml: .*{reason}"):
            compose(overrides=["data.catalog=few"])


def test_a_source_that_the_catalog_lacks_is_named(root: Path) -> None:
    path = root / "data_recipes" / "catalogs" / "few.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("sources: {vqav2: /somewhere}\n")
    with pytest.raises(LynxError, match=r"sources\.gqa: the catalog has no such source"):
        compose(overrides=["data.catalog=few"])
